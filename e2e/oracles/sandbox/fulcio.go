package sandbox

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	ct "github.com/google/certificate-transparency-go"
	cttls "github.com/google/certificate-transparency-go/tls"
	ctx509 "github.com/google/certificate-transparency-go/x509"
)

// The extensions of Fulcio's certificates (docs/oid-info.md of fulcio) and of
// certificate transparency (RFC 6962, 3.1 and 3.3).
var (
	oidIssuerV1 = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
	oidIssuerV2 = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
	oidPoison   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 3}
	oidSCTs     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
)

type identityClaims struct {
	Issuer string `json:"iss"`
	Email  string `json:"email"`
}

// identityToken is a token in the shape that cosign hands to a Fulcio: cosign
// takes only RS256. This Fulcio believes what it reads.
func identityToken(key *rsa.PrivateKey, email, issuer string) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, nil)
	if err != nil {
		return "", fmt.Errorf("making an identity token: %w", err)
	}
	claims, err := json.Marshal(map[string]any{
		"iss": issuer, "sub": email, "email": email, "email_verified": true, "aud": "sigstore",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("making an identity token: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("making an identity token: %w", err)
	}
	return signed.CompactSerialize()
}

func (s *Sigstore) serveFulcio(w http.ResponseWriter, r *http.Request) {
	certificate, err := s.certify(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{
		"certificates": []string{string(certificatePEM(certificate)), string(certificatePEM(s.keys.intermediate)), string(certificatePEM(s.keys.root))},
	}}}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the client sees a broken answer itself
}

func (s *Sigstore) certify(r *http.Request) (*x509.Certificate, error) {
	var request struct {
		PublicKeyRequest struct {
			PublicKey struct {
				Content string `json:"content"`
			} `json:"publicKey"`
		} `json:"publicKeyRequest"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	block, _ := pem.Decode([]byte(request.PublicKeyRequest.PublicKey.Content))
	if block == nil {
		return nil, errors.New("the public key is not PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return nil, errors.New("the identity token has not three parts")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, fmt.Errorf("decoding the identity token: %w", err)
	}
	var claims identityClaims
	if err := json.Unmarshal(body, &claims); err != nil {
		return nil, fmt.Errorf("reading the identity token: %w", err)
	}
	return s.issueLeaf(claims, public)
}

// issueLeaf makes a code-signing certificate as Fulcio does: ten minutes long,
// with the identity and, unless switched off, an embedded SCT.
func (s *Sigstore) issueLeaf(claims identityClaims, public crypto.PublicKey) (*x509.Certificate, error) {
	issuer, err := asn1.MarshalWithParams(claims.Issuer, "utf8")
	if err != nil {
		return nil, fmt.Errorf("encoding the issuer: %w", err)
	}
	start := time.Now().Add(-time.Minute)
	if s.options.CertificateAge != 0 {
		start = time.Now().Add(-s.options.CertificateAge)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), NotBefore: start, NotAfter: start.Add(10 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		EmailAddresses: []string{claims.Email},
	}
	identity := []pkix.Extension{{Id: oidIssuerV1, Value: []byte(claims.Issuer)}, {Id: oidIssuerV2, Value: issuer}}
	template.ExtraExtensions = identity
	if s.options.NoSCT {
		return issue(template, s.keys.intermediate, public, s.keys.intermediateKey)
	}
	poison := pkix.Extension{Id: oidPoison, Critical: true, Value: asn1.NullBytes}
	template.ExtraExtensions = append(append([]pkix.Extension{}, identity...), poison)
	der, err := x509.CreateCertificate(rand.Reader, template, s.keys.intermediate, public, s.keys.intermediateKey)
	if err != nil {
		return nil, fmt.Errorf("issuing the precertificate: %w", err)
	}
	list, err := s.logCertificate(der)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = append(append([]pkix.Extension{}, identity...), pkix.Extension{Id: oidSCTs, Value: list})
	return issue(template, s.keys.intermediate, public, s.keys.intermediateKey)
}

// logCertificate is the certificate transparency log: it answers with the list
// of one SCT that goes into the certificate (RFC 6962, 3.2 and 3.3).
func (s *Sigstore) logCertificate(precertificate []byte) ([]byte, error) {
	parsed, err := ctx509.ParseCertificate(precertificate)
	if ctx509.IsFatal(err) {
		return nil, fmt.Errorf("reading the precertificate: %w", err)
	}
	tbs, err := ctx509.BuildPrecertTBS(parsed.RawTBSCertificate, nil)
	if err != nil {
		return nil, fmt.Errorf("stripping the precertificate: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&s.keys.certificateLogKey.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("encoding the certificate log's key: %w", err)
	}
	sct := ct.SignedCertificateTimestamp{
		SCTVersion: ct.V1, LogID: ct.LogID{KeyID: sha256.Sum256(public)}, Timestamp: uint64(time.Now().UnixMilli()),
	}
	entry := ct.LogEntry{Leaf: ct.MerkleTreeLeaf{
		Version: ct.V1, LeafType: ct.TimestampedEntryLeafType,
		TimestampedEntry: &ct.TimestampedEntry{
			Timestamp: sct.Timestamp, EntryType: ct.PrecertLogEntryType,
			PrecertEntry: &ct.PreCert{IssuerKeyHash: sha256.Sum256(s.keys.intermediate.RawSubjectPublicKeyInfo), TBSCertificate: tbs},
		},
	}}
	input, err := ct.SerializeSCTSignatureInput(sct, entry)
	if err != nil {
		return nil, fmt.Errorf("encoding what the certificate log signs: %w", err)
	}
	signed, err := cttls.CreateSignature(*s.keys.certificateLogKey, cttls.SHA256, input)
	if err != nil {
		return nil, fmt.Errorf("signing the SCT: %w", err)
	}
	sct.Signature = ct.DigitallySigned(signed)
	encoded, err := cttls.Marshal(sct)
	if err != nil {
		return nil, fmt.Errorf("encoding the SCT: %w", err)
	}
	list, err := cttls.Marshal(ctx509.SignedCertificateTimestampList{SCTList: []ctx509.SerializedSCT{{Val: encoded}}})
	if err != nil {
		return nil, fmt.Errorf("encoding the list of SCTs: %w", err)
	}
	return asn1.Marshal(list)
}
