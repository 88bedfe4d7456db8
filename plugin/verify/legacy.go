package verify

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"crypto/sha256"
	"crypto/sha512"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
)

// Annotations of a layer in cosign's older format (cosign, specs/SIGNATURE_SPEC.md).
const (
	annotationSignature   = "dev.cosignproject.cosign/signature"
	annotationCertificate = "dev.sigstore.cosign/certificate"
	annotationLog         = "dev.sigstore.cosign/bundle"
	annotationTimestamp   = "dev.sigstore.cosign/rfc3161timestamp"
	annotationPredicate   = "predicateType"
)

// parseLegacy keeps a layer of the older format. The chain annotation is not
// used: intermediates come from the trust root.
func parseLegacy(label string, annotations map[string]string, payload []byte) *candidate {
	return &candidate{format: formatLegacy, label: label, payload: payload, content: payload, annotations: annotations}
}

// legacyBundle makes a bundle of version 0.1 from a layer's annotations, with
// the payload as the signed message, so that sigstore-go checks it like any
// other. Log entry and timestamp are read when they are demanded: what nobody
// asks for does not spoil a signature.
func legacyBundle(annotations map[string]string, payload []byte, wanted demands) (*bundle.Bundle, error) {
	signature, err := base64.StdEncoding.DecodeString(annotations[annotationSignature])
	if err != nil || len(signature) == 0 {
		return nil, errors.New("its signature annotation is not base64")
	}
	made, err := legacyMaterial(annotations, wanted)
	if err != nil {
		return nil, err
	}
	algorithm := protocommon.HashAlgorithm_SHA2_256
	for _, entry := range made.VerificationMaterial.TlogEntries {
		algorithm = loggedAlgorithm(entry.CanonicalizedBody)
	}
	made.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
		MessageDigest: &protocommon.HashOutput{Algorithm: algorithm, Digest: digestOf(algorithm, payload)},
		Signature:     signature,
	}}
	checked, err := bundle.NewBundle(made)
	if err != nil {
		return nil, fmt.Errorf("its annotations make no bundle: %w", explain(err))
	}
	return checked, nil
}

// legacyMaterial is a bundle without content: how a layer of the older format is
// verified.
func legacyMaterial(annotations map[string]string, wanted demands) (*protobundle.Bundle, error) {
	made := &protobundle.Bundle{
		MediaType:            "application/vnd.dev.sigstore.bundle+json;version=0.1",
		VerificationMaterial: &protobundle.VerificationMaterial{},
	}
	material := made.VerificationMaterial
	if err := setSigner(material, annotations[annotationCertificate]); err != nil {
		return nil, err
	}
	if text := annotations[annotationLog]; text != "" && wanted.log {
		entry, err := legacyEntry(text)
		if err != nil {
			return nil, err
		}
		material.TlogEntries = []*protorekor.TransparencyLogEntry{entry}
	}
	if wanted.stamp {
		if err := setTimestamp(material, annotations[annotationTimestamp]); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func setSigner(material *protobundle.VerificationMaterial, certificate string) error {
	if certificate == "" {
		material.Content = &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{}}
		return nil
	}
	block, _ := pem.Decode([]byte(certificate))
	if block == nil || block.Type != "CERTIFICATE" {
		return errors.New("its certificate annotation is not PEM")
	}
	material.Content = &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: block.Bytes}}
	return nil
}

// legacyEntry reads the log's promise (cosign, pkg/cosign/bundle.RekorBundle).
func legacyEntry(text string) (*protorekor.TransparencyLogEntry, error) {
	var logged struct {
		SignedEntryTimestamp []byte
		Payload              struct {
			Body           []byte `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		}
	}
	if err := json.Unmarshal([]byte(text), &logged); err != nil {
		return nil, fmt.Errorf("its log annotation cannot be read: %w", err)
	}
	id, err := hex.DecodeString(logged.Payload.LogID)
	if err != nil {
		return nil, fmt.Errorf("its log annotation's logID is not hexadecimal")
	}
	var kind struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
	}
	if err := json.Unmarshal(logged.Payload.Body, &kind); err != nil {
		return nil, fmt.Errorf("its log entry cannot be read: %w", err)
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex:          logged.Payload.LogIndex,
		LogId:             &protocommon.LogId{KeyId: id},
		KindVersion:       &protorekor.KindVersion{Kind: kind.Kind, Version: kind.APIVersion},
		IntegratedTime:    logged.Payload.IntegratedTime,
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: logged.SignedEntryTimestamp},
		CanonicalizedBody: logged.Payload.Body,
	}, nil
}

// loggedAlgorithm is the hash with which the log knows the payload; sigstore-go
// compares the two, and hashes the payload itself.
func loggedAlgorithm(body []byte) protocommon.HashAlgorithm {
	var entry struct {
		Spec struct {
			Data struct {
				Hash struct {
					Algorithm string `json:"algorithm"`
				} `json:"hash"`
			} `json:"data"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(body, &entry); err != nil {
		return protocommon.HashAlgorithm_SHA2_256
	}
	switch entry.Spec.Data.Hash.Algorithm {
	case "sha384":
		return protocommon.HashAlgorithm_SHA2_384
	case "sha512":
		return protocommon.HashAlgorithm_SHA2_512
	}
	return protocommon.HashAlgorithm_SHA2_256
}

func digestOf(algorithm protocommon.HashAlgorithm, data []byte) []byte {
	switch algorithm {
	case protocommon.HashAlgorithm_SHA2_384:
		sum := sha512.Sum384(data)
		return sum[:]
	case protocommon.HashAlgorithm_SHA2_512:
		sum := sha512.Sum512(data)
		return sum[:]
	}
	sum := sha256.Sum256(data)
	return sum[:]
}

func setTimestamp(material *protobundle.VerificationMaterial, text string) error {
	if text == "" {
		return nil
	}
	var stamp struct {
		SignedRFC3161Timestamp []byte
	}
	if err := json.Unmarshal([]byte(text), &stamp); err != nil {
		return fmt.Errorf("its timestamp annotation cannot be read: %w", err)
	}
	material.TimestampVerificationData = &protobundle.TimestampVerificationData{
		Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: stamp.SignedRFC3161Timestamp}},
	}
	return nil
}

// payloadType is critical.type of a simple-signing document that signs a
// container image.
const payloadType = "cosign container image signature"

// bindPayload checks that the payload, which the caller verified, signs this
// image and no other.
func bindPayload(payload []byte, digest string) error {
	var document struct {
		Critical struct {
			Type  string `json:"type"`
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	if err := json.Unmarshal(payload, &document); err != nil {
		return fmt.Errorf("its payload cannot be read: %w", err)
	}
	switch {
	case document.Critical.Type != payloadType:
		return fmt.Errorf("its payload is of type %q, not %q", document.Critical.Type, payloadType)
	case document.Critical.Image.Digest != digest:
		return fmt.Errorf("it signs another image (%s)", document.Critical.Image.Digest)
	}
	return nil
}
