package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/notation"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// The formats, as evidence names them.
const (
	formatBundle = "bundle"
	formatLegacy = "cosign-tag"
)

// candidate is one thing found beside an image that may be a signature of it.
// Nothing in it is trusted before [authority.check].
type candidate struct {
	format string
	// label names it in messages.
	label string
	// holder is the digest of what holds it: a referrer's manifest, or a layer
	// under a tag.
	holder string
	// entity is a bundle's signature with its certificate, log entries and
	// timestamps.
	entity sigstore.SignedEntity
	// payload is the simple-signing document of the older format, and
	// annotations are those of its layer.
	payload     []byte
	annotations map[string]string
	// content is what evidence carries: the statement or the payload.
	content []byte
	// attests is the predicate type of a statement that is no signature, by its
	// own unverified word.
	attests string
	// envelope is Notation's, and target the manifest that it has to sign.
	envelope notation.Envelope
	target   notation.Target
	// stated reads the statement of an envelope, the first time it is asked; nil
	// for what has none.
	stated func() (statement, error)
	// dsse is set for a statement in the older format: annotations are those of
	// its layer, and content is what its signature is over.
	dsse *dsse.Envelope
	// refused is set when it could not even be read.
	refused error
	// missing is set when the registry lists it and has not got it; hint is the
	// predicate type that the list then says, which may be empty.
	missing bool
	hint    string

	lock sync.Mutex
}

// parseBundle reads a sigstore bundle (protobuf-specs, dev.sigstore.bundle.v1).
func parseBundle(label string, data []byte, limits plugin.Limits) *candidate {
	found := &candidate{format: formatBundle, label: label}
	entity := &bundle.Bundle{}
	if err := entity.UnmarshalJSON(data); err != nil {
		found.refused = fmt.Errorf("it cannot be read as a bundle: %w", explain(err))
		return found
	}
	if count := len(entity.GetVerificationMaterial().GetX509CertificateChain().GetCertificates()); int64(count) > limits.Certificates {
		found.refused = fmt.Errorf("it has %d certificates, the limit certificates is %d", count, limits.Certificates)
		return found
	}
	content, err := entity.SignatureContent()
	if err != nil {
		found.refused = fmt.Errorf("it holds no signature: %w", explain(err))
		return found
	}
	if envelope := content.EnvelopeContent(); envelope != nil {
		payload, err := envelope.RawEnvelope().DecodeB64Payload()
		if err != nil {
			found.refused = errors.New("its envelope cannot be decoded")
			return found
		}
		found.content = payload
		found.attests = statedPredicate(payload)
		found.stated = sync.OnceValues(func() (statement, error) { return readStatement(payload) })
	}
	found.entity = entity
	return found
}

// statedPredicate is for messages only: the type that a statement states when
// it is not that of a signature.
func statedPredicate(payload []byte) string {
	var statement struct {
		PredicateType string `json:"predicateType"`
	}
	if err := json.Unmarshal(payload, &statement); err != nil || statement.PredicateType == signPredicate {
		return ""
	}
	return statement.PredicateType
}

// mayState reports whether a candidate may be a statement of that type: by its
// own unverified word, or because it has none that can be read.
func (c *candidate) mayState(predicateType string) bool {
	if c.attests != "" {
		return c.attests == predicateType
	}
	if c.refused != nil {
		return true
	}
	if c.stated == nil {
		return false
	}
	_, err := c.stated()
	return err != nil
}

// missing is what the registry lists and has not got. Nobody has looked at it:
// it is no signature, and where all statements count it leaves open what they
// say.
func missing(format, label, hint string, err error) *candidate {
	return &candidate{format: format, label: label, missing: true, hint: hint, refused: errors.New(oneLine(err))}
}

// hinted is a referrer that says of itself that it is a statement that nobody
// asks for; it is not read. Its word is enough to leave it out, as leaving out accepts nothing.
func hinted(label, predicateType string) *candidate {
	return &candidate{
		format: formatBundle, label: label, attests: predicateType,
		refused: fmt.Errorf("it is an attestation (%s), by its annotation, not a signature", predicateType),
	}
}

// signed is what sigstore-go verifies.
func (c *candidate) signed(wanted demands) (sigstore.SignedEntity, error) {
	switch {
	case c.dsse != nil:
		return legacyEnvelope(c.annotations, c.dsse, wanted)
	case c.format == formatLegacy:
		return legacyBundle(c.annotations, c.payload, wanted)
	}
	return c.entity, nil
}

// signsPayload reports whether the signature is over a simple-signing document.
func (c *candidate) signsPayload() bool { return c.format == formatLegacy && c.dsse == nil }

// byKey reports whether the candidate carries no certificate.
func (c *candidate) byKey() bool {
	if c.format == formatLegacy {
		return c.annotations[annotationCertificate] == ""
	}
	content, err := c.entity.VerificationContent()
	return err == nil && content.PublicKey() != nil
}
