package verify

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// spoiled is a legacy signature with one annotation changed.
func spoiled(annotation string, change func(string) string) twin {
	return func(w *world) plugin.Image {
		image := w.image("a")
		payload, err := throwaway.Payload(repository, image.Digest)
		if err != nil {
			w.t.Fatal(err)
		}
		annotations, err := w.sigstore.LegacyAnnotations(builds(), payload)
		if err != nil {
			w.t.Fatal(err)
		}
		annotations[annotation] = change(annotations[annotation])
		w.legacy(image, payload, annotations)
		return image
	}
}

// logPayload replaces a field of what the log annotation says.
func logPayload(field string, value any) func(string) string {
	return func(text string) string {
		var logged map[string]any
		if err := json.Unmarshal([]byte(text), &logged); err != nil {
			return err.Error()
		}
		logged["Payload"].(map[string]any)[field] = value
		data, err := json.Marshal(logged)
		if err != nil {
			return err.Error()
		}
		return string(data)
	}
}

func blockOf(kind string, content []byte) func(string) string {
	return func(text string) string {
		block, _ := pem.Decode([]byte(text))
		if content != nil {
			block.Bytes = content
		}
		block.Type = kind
		return string(pem.EncodeToMemory(block))
	}
}

func TestVerify_LegacyAnnotationsThatAreNearlyRightAreDenied(t *testing.T) {
	constant := func(text string) func(string) string { return func(string) string { return text } }
	for name, row := range map[string]struct {
		annotation string
		change     func(string) string
		reason     string
	}{
		"signature with a tail":        {annotationSignature, func(text string) string { return text + "!" }, "its signature annotation is not base64"},
		"signature of nothing":         {annotationSignature, constant("\n"), "its signature annotation is not base64"},
		"certificate of another kind":  {annotationCertificate, blockOf("PUBLIC KEY", nil), "its certificate annotation is not PEM"},
		"certificate that is none":     {annotationCertificate, blockOf("CERTIFICATE", []byte("garbage")), "malformed certificate"},
		"log id that is no hex":        {annotationLog, logPayload("logID", "zz"), "logID is not hexadecimal"},
		"log entry that is no JSON":    {annotationLog, logPayload("body", base64.StdEncoding.EncodeToString([]byte("garbage"))), "its log entry cannot be read"},
		"log entry of an unknown kind": {annotationLog, logPayload("body", base64.StdEncoding.EncodeToString([]byte(`{"kind":"x"}`))), "its annotations make no bundle"},
	} {
		t.Run(name, func(t *testing.T) {
			checkTwins(t, spoiled(row.annotation, row.change), signedLegacy, notTrusted(row.reason))
		})
	}
}

func TestBindPayload_GarbageIsRefused(t *testing.T) {
	if err := bindPayload([]byte("garbage"), "sha256:00"); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("error %v", err)
	}
}

func TestLoggedAlgorithm_IsWhatTheEntryStates(t *testing.T) {
	const entry = `{"spec":{"data":{"hash":{"algorithm":"sha512"}}`
	for body, want := range map[string]protocommon.HashAlgorithm{
		`{"spec":{"data":{"hash":{"algorithm":"sha256"}}}}`: protocommon.HashAlgorithm_SHA2_256,
		`{"spec":{"data":{"hash":{"algorithm":"sha384"}}}}`: protocommon.HashAlgorithm_SHA2_384,
		entry + "}}":           protocommon.HashAlgorithm_SHA2_512,
		entry + `},"spec":[]}`: protocommon.HashAlgorithm_SHA2_256, // contradicts itself
		"garbage":              protocommon.HashAlgorithm_SHA2_256,
	} {
		if got := loggedAlgorithm([]byte(body)); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestDigestOf_EveryAlgorithm(t *testing.T) {
	data := []byte("data")
	short, middle, long := sha256.Sum256(data), sha512.Sum384(data), sha512.Sum512(data)
	for algorithm, want := range map[protocommon.HashAlgorithm][]byte{
		protocommon.HashAlgorithm_SHA2_256: short[:], protocommon.HashAlgorithm_SHA2_384: middle[:], protocommon.HashAlgorithm_SHA2_512: long[:],
	} {
		if got := digestOf(algorithm, data); !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", algorithm, got, want)
		}
	}
}

func TestStatedPredicate_IsNothingWhereTheStatementContradictsItself(t *testing.T) {
	for text, want := range map[string]string{
		`{"predicateType":"x"}`:                     "x",
		`{"predicateType":"x","predicateType":5}`:   "",
		`{"predicateType":"` + signPredicate + `"}`: "",
	} {
		if got := statedPredicate([]byte(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestCandidate_WithoutMaterialIsNotByKey(t *testing.T) {
	empty := &candidate{format: formatBundle, entity: &bundle.Bundle{Bundle: &protobundle.Bundle{}}}
	if empty.byKey() {
		t.Error("it is")
	}
}

func TestVerify_DigestThatIsNoHexIsRefused(t *testing.T) {
	w := newWorld(t)
	trusted := w.verifier().policies[0].authorities[0]
	image := w.image("a")
	for digest, reason := range map[string]string{"sha256:zz": "reading digest sha256:zz", image.Digest: ""} {
		found := parseBundle("bundle", w.statement(image.Digest, builds(), throwaway.SignPredicate), plugin.DefaultLimits())
		_, err := trusted.check(t.Context(), found, digest)
		if (err != nil) != (reason != "") || err != nil && !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: error %v, want %q", digest, err, reason)
		}
	}
}

// A signature over the digest itself has no statement.
func TestRequireSignature_OfAMessageIsOne(t *testing.T) {
	if err := requireSignature(&sigstore.VerificationResult{}); err != nil {
		t.Error(err)
	}
}

func TestClaims_OfAResultWithoutASignatureNameTheKey(t *testing.T) {
	trusted := authority{}
	for _, result := range []*sigstore.VerificationResult{{}, {Signature: &sigstore.SignatureVerificationResult{}}} {
		if got := trusted.claims(&candidate{}, result, "sha256:00", publicKey{fingerprint: "key"}); got.Signer != "key" {
			t.Errorf("claims %+v", got)
		}
	}
	named := &sigstore.VerificationResult{Signature: &sigstore.SignatureVerificationResult{Certificate: &certificate.Summary{SubjectAlternativeName: "somebody"}}}
	if got := trusted.claims(&candidate{}, named, "sha256:00", publicKey{fingerprint: "key"}); got.Signer != "somebody" {
		t.Errorf("claims %+v", got)
	}
}

// The verifier's own clock proves nothing about the past.
func TestSignedAt_IsTheEarliestTimeThatAnotherProves(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC) }
	stamp := func(kind string, hour int) sigstore.TimestampVerificationResult {
		return sigstore.TimestampVerificationResult{Type: kind, Timestamp: at(hour)}
	}
	for _, row := range []struct {
		stamps []sigstore.TimestampVerificationResult
		want   time.Time
	}{
		{nil, time.Time{}},
		{[]sigstore.TimestampVerificationResult{stamp("CurrentTime", 1)}, time.Time{}},
		{[]sigstore.TimestampVerificationResult{stamp("CurrentTime", 1), stamp("Tlog", 3), stamp("TimestampAuthority", 2)}, at(2)},
		{[]sigstore.TimestampVerificationResult{stamp("Tlog", 2), stamp("TimestampAuthority", 3)}, at(2)},
	} {
		if got := signedAt(&sigstore.VerificationResult{VerifiedTimestamps: row.stamps}); !got.Equal(row.want) {
			t.Errorf("%+v: %s, want %s", row.stamps, got, row.want)
		}
	}
}

func TestOneLine_LeavesOutEveryControlCharacter(t *testing.T) {
	if got := oneLine(errors.New("a\x00b\x7fc\nd")); got != "a b c; d" {
		t.Errorf("%q", got)
	}
}
