package throwaway

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	// BundleMediaType is that of a bundle of version 0.3.
	BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// SignPredicate is the predicate type of an image's signature.
	SignPredicate = "https://sigstore.dev/cosign/sign/v1"
	// SimpleSigningMediaType is that of a payload of the older format.
	SimpleSigningMediaType = "application/vnd.dev.cosign.simplesigning.v1+json"

	statementMediaType = "application/vnd.in-toto+json"
)

// Digest is "sha256:<hex>" of data.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Statement is an in-toto statement about an image. A nil predicate is an
// empty one.
func Statement(digest, predicateType string, predicate any) ([]byte, error) {
	if predicate == nil {
		predicate = map[string]any{}
	}
	algorithm, value, _ := strings.Cut(digest, ":")
	data, err := json.Marshal(map[string]any{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       []any{map[string]any{"digest": map[string]any{algorithm: value}}},
		"predicateType": predicateType, "predicate": predicate,
	})
	if err != nil {
		return nil, fmt.Errorf("writing a statement: %w", err)
	}
	return data, nil
}

// Bundle signs a statement into a bundle.
func (s *Sigstore) Bundle(who Signer, statement []byte) ([]byte, error) {
	result, err := s.sign(who, dsse.PAE(statementMediaType, statement))
	if err != nil {
		return nil, err
	}
	made := &protobundle.Bundle{
		MediaType: BundleMediaType, VerificationMaterial: result.material(),
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: statement, PayloadType: statementMediaType, Signatures: []*protodsse.Signature{{Sig: result.signature}},
		}},
	}
	if !who.LeaveOut.Log {
		kind, spec := envelopeEntry(statement, result.signature, result.verifier)
		entry, err := s.record(kind, spec, result.at)
		if err != nil {
			return nil, err
		}
		made.VerificationMaterial.TlogEntries = []*protorekor.TransparencyLogEntry{entry}
	}
	data, err := protojson.Marshal(made)
	if err != nil {
		return nil, fmt.Errorf("writing a bundle: %w", err)
	}
	return data, nil
}

// material is how the signature is verified, but for the log.
func (r signed) material() *protobundle.VerificationMaterial {
	material := &protobundle.VerificationMaterial{}
	if r.certificate != nil {
		material.Content = &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: r.certificate.Raw}}
	} else {
		sum := sha256.Sum256([]byte(r.verifier))
		hint := base64.StdEncoding.EncodeToString(sum[:])
		material.Content = &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: hint}}
	}
	if r.stamp != nil {
		material.TimestampVerificationData = &protobundle.TimestampVerificationData{
			Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: r.stamp}},
		}
	}
	return material
}

// Payload is the older format's document that signs an image.
func Payload(repository, digest string) ([]byte, error) {
	data, err := json.Marshal(map[string]any{
		"critical": map[string]any{
			"identity": map[string]any{"docker-reference": repository},
			"image":    map[string]any{"docker-manifest-digest": digest},
			"type":     "cosign container image signature",
		},
		"optional": nil,
	})
	if err != nil {
		return nil, fmt.Errorf("writing a payload: %w", err)
	}
	return data, nil
}

// LegacyAnnotations sign a payload; they are those of its layer.
func (s *Sigstore) LegacyAnnotations(who Signer, payload []byte) (map[string]string, error) {
	result, err := s.sign(who, payload)
	if err != nil {
		return nil, err
	}
	annotations := map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(result.signature)}
	if result.certificate != nil {
		annotations["dev.sigstore.cosign/certificate"] = result.verifier
		annotations["dev.sigstore.cosign/chain"] = decoded(encodeChain(s.fulcio.certificate))
	}
	if result.stamp != nil {
		if err := annotate(annotations, "dev.sigstore.cosign/rfc3161timestamp", map[string]any{"SignedRFC3161Timestamp": result.stamp}); err != nil {
			return nil, err
		}
	}
	if who.LeaveOut.Log {
		return annotations, nil
	}
	kind, spec := payloadEntry(payload, result.signature, result.verifier)
	entry, err := s.record(kind, spec, result.at)
	if err != nil {
		return nil, err
	}
	return annotations, annotate(annotations, "dev.sigstore.cosign/bundle", map[string]any{
		"SignedEntryTimestamp": entry.InclusionPromise.SignedEntryTimestamp, "Payload": logged(entry),
	})
}

// AttestationMediaType is that of an attestation's layer of the older format.
const AttestationMediaType = "application/vnd.dsse.envelope.v1+json"

// LegacyAttestation signs a statement in the older format: the envelope is a
// layer under the tag of the attestations, and the annotations are the layer's.
func (s *Sigstore) LegacyAttestation(who Signer, statement []byte) (envelope []byte, annotations map[string]string, err error) {
	result, err := s.sign(who, dsse.PAE(statementMediaType, statement))
	if err != nil {
		return nil, nil, err
	}
	envelope, err = json.Marshal(dsse.Envelope{
		PayloadType: statementMediaType, Payload: base64.StdEncoding.EncodeToString(statement),
		Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(result.signature)}},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("writing an envelope: %w", err)
	}
	annotations = map[string]string{"dev.cosignproject.cosign/signature": ""}
	if result.certificate != nil {
		annotations["dev.sigstore.cosign/certificate"] = result.verifier
		annotations["dev.sigstore.cosign/chain"] = decoded(encodeChain(s.fulcio.certificate))
	}
	if result.stamp != nil {
		if err := annotate(annotations, "dev.sigstore.cosign/rfc3161timestamp", map[string]any{"SignedRFC3161Timestamp": result.stamp}); err != nil {
			return nil, nil, err
		}
	}
	if who.LeaveOut.Log {
		return envelope, annotations, nil
	}
	kind, spec := envelopeEntry(statement, result.signature, result.verifier)
	entry, err := s.record(kind, spec, result.at)
	if err != nil {
		return nil, nil, err
	}
	return envelope, annotations, annotate(annotations, "dev.sigstore.cosign/bundle", map[string]any{
		"SignedEntryTimestamp": entry.InclusionPromise.SignedEntryTimestamp, "Payload": logged(entry),
	})
}

func annotate(annotations map[string]string, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("writing annotation %s: %w", key, err)
	}
	annotations[key] = string(data)
	return nil
}

func decoded(text string) string {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(data)
}
