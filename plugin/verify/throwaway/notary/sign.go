package notary

import (
	"cmp"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/tspclient-go"
)

// The media types of the two formats.
const (
	JWS  = jws.MediaTypeEnvelope
	COSE = cose.MediaTypeEnvelope
)

// ArtifactType is that of a signature's manifest.
const ArtifactType = "application/vnd.cncf.notary.signature"

// Target is what is signed: a manifest's descriptor.
type Target struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// Options are how to sign. The zero value signs now, as JWS, for ever.
type Options struct {
	// Format is JWS or COSE.
	Format string
	// At is when the signer says that it signed; Expiry when that ends.
	At, Expiry time.Time
	// Stamps countersigns at StampedAt, or now.
	Stamps    *Signer
	StampedAt time.Time
	// SigningAuthority signs under notary.x509.signingAuthority.
	SigningAuthority bool
	// Attributes are more signed attributes.
	Attributes []signature.Attribute
	// ContentType of the payload; notation's own by default.
	ContentType string
}

func (o Options) format() string { return cmp.Or(o.Format, JWS) }

// Sign signs a manifest's descriptor and returns the envelope.
func (s *Signer) Sign(target Target, options Options) ([]byte, error) {
	payload, err := json.Marshal(map[string]Target{"targetArtifact": target})
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", target.Digest, err)
	}
	local, err := signature.NewLocalSigner(s.Chain, s.Key)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", target.Digest, err)
	}
	request := &signature.SignRequest{
		Payload: signature.Payload{ContentType: "application/vnd.cncf.notary.payload.v1+json", Content: payload},
		Signer:  local, SigningTime: time.Now(), Expiry: options.Expiry, SigningScheme: signature.SigningSchemeX509,
		ExtendedSignedAttributes: options.Attributes,
	}
	if options.ContentType != "" {
		request.Payload.ContentType = options.ContentType
	}
	if !options.At.IsZero() {
		request.SigningTime = options.At
	}
	if options.SigningAuthority {
		request.SigningScheme = signature.SigningSchemeX509SigningAuthority
	}
	if options.Stamps != nil {
		roots := x509.NewCertPool()
		roots.AddCert(options.Stamps.Chain[len(options.Stamps.Chain)-1])
		request.Timestamper, request.TSARootCAs = stamper{options.Stamps, options.StampedAt}, roots
	}
	envelope, err := signature.NewEnvelope(options.format())
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", target.Digest, err)
	}
	signed, err := envelope.Sign(request)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", target.Digest, err)
	}
	return signed, nil
}

// stamper is a timestamp authority in this process (RFC 3161).
type stamper struct {
	by *Signer
	at time.Time
}

// Timestamp implements tspclient.Timestamper.
func (s stamper) Timestamp(_ context.Context, request *tspclient.Request) (*tspclient.Response, error) {
	at := s.at
	if at.IsZero() {
		at = time.Now()
	}
	answer := timestamp.Timestamp{
		HashAlgorithm: crypto.SHA256, HashedMessage: request.MessageImprint.HashedMessage, Time: at.UTC(), Nonce: request.Nonce,
		Policy: asn1.ObjectIdentifier{1, 2, 3}, AddTSACertificate: true,
	}
	if len(answer.HashedMessage) != sha256.Size {
		return nil, fmt.Errorf("making a timestamp: it is asked over %d bytes, want SHA-256", len(answer.HashedMessage))
	}
	made, err := answer.CreateResponseWithOpts(s.by.Chain[0], s.by.Key, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("making a timestamp: %w", err)
	}
	var response tspclient.Response
	if err := response.UnmarshalBinary(made); err != nil {
		return nil, fmt.Errorf("making a timestamp: %w", err)
	}
	return &response, nil
}

// Manifest is a signature's manifest as notation pushes it.
func Manifest(target Target, mediaType string, envelope []byte) ([]byte, error) {
	sum := func(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }
	return json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": ArtifactType,
		"config":  Target{"application/vnd.oci.empty.v1+json", sum([]byte("{}")), 2},
		"layers":  []Target{{mediaType, sum(envelope), int64(len(envelope))}},
		"subject": target,
	})
}
