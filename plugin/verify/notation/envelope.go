package notation

import (
	"encoding/json"
	"fmt"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ArtifactType is that of a signature's manifest (Notary Project, signature
// specification, storage).
const ArtifactType = "application/vnd.cncf.notary.signature"

// The formats, as evidence names them.
const (
	FormatJWS  = "notation-jws"
	FormatCOSE = "notation-cose"
)

// FormatOf is the format of an envelope by its media type; empty for one that is
// not known.
func FormatOf(mediaType string) string {
	switch mediaType {
	case jws.MediaTypeEnvelope:
		return FormatJWS
	case cose.MediaTypeEnvelope:
		return FormatCOSE
	}
	return ""
}

// Envelope is a signature as it lies in a registry. Nothing in it is trusted
// before [Statement.Check].
type Envelope struct {
	// MediaType is application/jose+json or application/cose.
	MediaType string
	Raw       []byte
}

// Target is the manifest that has to be signed.
type Target struct {
	MediaType string
	Digest    string
	Size      int64
}

// opened is an envelope that was read; its own signature is good, and nobody is
// trusted yet.
type opened struct {
	signer  signature.SignerInfo
	payload []byte
}

// pluginHeader names a program that the signer wants the verifier to run.
const pluginHeader = "io.cncf.notary.verificationPlugin"

// open reads an envelope and checks its signature. The specification tells a
// verifier to refuse a critical attribute that it does not know; notation-go
// leaves that to plugins, so it is done here.
func (e Envelope) open(mostCertificates int64) (opened, error) {
	parsed, err := signature.ParseEnvelope(e.MediaType, e.Raw)
	if err != nil {
		return opened{}, fmt.Errorf("it cannot be read as %s: %w", e.MediaType, err)
	}
	content, err := parsed.Verify()
	if err != nil {
		return opened{}, fmt.Errorf("its signature does not verify: %w", err)
	}
	info := content.SignerInfo
	if count := len(info.CertificateChain); int64(count) > mostCertificates {
		return opened{}, fmt.Errorf("it has %d certificates, the limit certificates is %d", count, mostCertificates)
	}
	for _, attribute := range info.SignedAttributes.ExtendedAttributes {
		switch {
		case attribute.Key == pluginHeader:
			return opened{}, fmt.Errorf("it asks for the verification plugin %q, and assay runs no plugins", attribute.Value)
		case attribute.Critical:
			return opened{}, fmt.Errorf("it has the critical attribute %q, which is not known here", attribute.Key)
		}
	}
	return opened{signer: info, payload: content.Payload.Content}, nil
}

// target is what the payload says was signed; nothing when it cannot be read.
func (o opened) target() ocispec.Descriptor {
	var payload struct {
		TargetArtifact ocispec.Descriptor `json:"targetArtifact"`
	}
	if err := json.Unmarshal(o.payload, &payload); err != nil {
		return ocispec.Descriptor{}
	}
	return payload.TargetArtifact
}
