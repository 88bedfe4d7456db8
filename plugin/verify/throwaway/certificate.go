package throwaway

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	ctx509 "github.com/google/certificate-transparency-go/x509"
	"github.com/google/certificate-transparency-go/x509util"
)

const serialBits = 120

func serial() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return big.NewInt(1) // the reader never fails; a serial number proves nothing here
	}
	return number.Add(number, big.NewInt(1))
}

// extensionsFor are the parts of an identity that Fulcio writes (its OIDs
// under 1.3.6.1.4.1.57264.1).
func extensionsFor(who Signer) ([]pkix.Extension, error) {
	var extensions []pkix.Extension
	for _, part := range []struct {
		number int
		value  string
	}{
		{8, who.Issuer}, {9, who.Build.SignerURI}, {11, who.Build.RunnerEnvironment},
		{12, who.SourceRepository}, {13, who.SourceRevision}, {14, who.SourceRef},
		{18, who.Build.ConfigURI}, {20, who.Build.Trigger}, {21, who.Build.RunURI},
	} {
		if part.value == "" {
			continue
		}
		value, err := asn1.MarshalWithParams(part.value, "utf8")
		if err != nil {
			return nil, fmt.Errorf("writing a certificate's extension: %w", err)
		}
		extensions = append(extensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, part.number}, Value: value})
	}
	return extensions, nil
}

// certificateTimestamp is the certificate log's promise over a certificate
// that does not hold it yet (RFC 6962, section 3.2), as an extension.
func (s *Sigstore) certificateTimestamp(certificate *x509.Certificate, at time.Time) (pkix.Extension, error) {
	fail := func(err error) (pkix.Extension, error) {
		return pkix.Extension{}, fmt.Errorf("making a certificate timestamp: %w", err)
	}
	id, err := logID(s.ctKey)
	if err != nil {
		return fail(err)
	}
	promise := ct.SignedCertificateTimestamp{SCTVersion: ct.V1, LogID: ct.LogID{KeyID: [32]byte(id)}, Timestamp: uint64(at.UnixMilli())}
	entry := ct.LogEntry{Leaf: ct.MerkleTreeLeaf{
		Version: ct.V1, LeafType: ct.TimestampedEntryLeafType,
		TimestampedEntry: &ct.TimestampedEntry{
			Timestamp: promise.Timestamp, EntryType: ct.PrecertLogEntryType,
			PrecertEntry: &ct.PreCert{
				IssuerKeyHash:  sha256.Sum256(s.fulcio.certificate.RawSubjectPublicKeyInfo),
				TBSCertificate: certificate.RawTBSCertificate,
			},
		},
	}}
	input, err := ct.SerializeSCTSignatureInput(promise, entry)
	if err != nil {
		return fail(err)
	}
	signature, err := tls.CreateSignature(*s.ctKey, tls.SHA256, input)
	if err != nil {
		return fail(err)
	}
	promise.Signature = ct.DigitallySigned(signature)
	list, err := x509util.MarshalSCTsIntoSCTList([]*ct.SignedCertificateTimestamp{&promise})
	if err != nil {
		return fail(err)
	}
	encoded, err := tls.Marshal(*list)
	if err != nil {
		return fail(err)
	}
	value, err := asn1.Marshal(encoded)
	if err != nil {
		return fail(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier(ctx509.OIDExtensionCTSCT), Value: value}, nil
}
