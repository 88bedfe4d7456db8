package verify

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	"github.com/sigstore/sigstore-go/pkg/bundle"
)

// attestationTag is where cosign's older format keeps attestations of a digest.
func attestationTag(digest string) string { return tagOf(digest, ".att") }

// parseAttestation keeps a layer under the tag of the attestations: an envelope
// (DSSE v1.0.2, JSON) whose signature is in it, and annotations that say by whom
// it is.
func parseAttestation(label string, annotations map[string]string, data []byte) *candidate {
	found := &candidate{format: formatLegacy, label: label, annotations: annotations}
	envelope := &dsse.Envelope{}
	if err := checkKeys(data); err != nil {
		found.refused = fmt.Errorf("its envelope is refused: %w", err)
		return found
	}
	if err := json.Unmarshal(data, envelope); err != nil {
		found.refused = errors.New("it is no envelope")
		return found
	}
	payload, err := envelope.DecodeB64Payload()
	switch {
	case err != nil || len(payload) == 0:
		found.refused = errors.New("its envelope cannot be decoded")
		return found
	case len(envelope.Signatures) != 1:
		found.refused = fmt.Errorf("its envelope has %d signatures, and one is wanted", len(envelope.Signatures))
		return found
	}
	found.dsse, found.content = envelope, payload
	found.attests = statedPredicate(payload)
	found.stated = sync.OnceValues(func() (statement, error) { return readStatement(payload) })
	return found
}

// legacyEnvelope makes a bundle of version 0.1 from an envelope and its layer's
// annotations, so that sigstore-go checks it like any other.
func legacyEnvelope(annotations map[string]string, envelope *dsse.Envelope, wanted demands) (*bundle.Bundle, error) {
	made, err := legacyMaterial(annotations, wanted)
	if err != nil {
		return nil, err
	}
	payload, err := envelope.DecodeB64Payload()
	if err != nil {
		return nil, errors.New("its envelope cannot be decoded")
	}
	signature, err := dsseSignature(envelope)
	if err != nil {
		return nil, err
	}
	made.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
		Payload: payload, PayloadType: envelope.PayloadType, Signatures: []*protodsse.Signature{{Sig: signature}},
	}}
	checked, err := bundle.NewBundle(made)
	if err != nil {
		return nil, fmt.Errorf("its annotations make no bundle: %w", explain(err))
	}
	return checked, nil
}

func dsseSignature(envelope *dsse.Envelope) ([]byte, error) {
	signature, err := base64.StdEncoding.DecodeString(envelope.Signatures[0].Sig)
	if err != nil || len(signature) == 0 {
		return nil, errors.New("its envelope's signature is not base64")
	}
	return signature, nil
}
