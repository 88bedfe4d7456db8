package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/sigstore/sigstore-go/pkg/testing/data"
)

// fuzzed is a verifier's only authority, by a sigstore that signs for other
// people only; whatever the fuzzer makes of their signatures is not accepted.
func fuzzed(f *testing.F) (*throwaway.Sigstore, authority) {
	f.Helper()
	instance, err := throwaway.New()
	if err != nil {
		f.Fatal(err)
	}
	declared, err := instance.TrustRoot(rootName)
	if err != nil {
		f.Fatal(err)
	}
	root, err := loadTrustRoot(declared, Mirrored{}, files{})
	if err != nil {
		f.Fatal(err)
	}
	compiler := compiler{roots: map[string]*trustRoot{rootName: root}, clock: time.Now}
	compiled, err := compiler.authority(plugin.Origin{}, keyless())
	if err != nil {
		f.Fatal(err)
	}
	return instance, compiled
}

const fuzzedDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// strangers signs the digest as somebody whom no policy trusts.
func strangers() throwaway.Signer {
	return throwaway.Signer{Issuer: issuer, Subject: "stranger@example.com"}
}

func FuzzBundle(f *testing.F) {
	instance, trusted := fuzzed(f)
	statement, err := throwaway.Statement(fuzzedDigest, signPredicate, nil)
	if err != nil {
		f.Fatal(err)
	}
	bundle, err := instance.Bundle(strangers(), statement)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bundle)
	f.Add([]byte("garbage"))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{}},"messageSignature":{}}`))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"certificate":{"rawBytes":"AAAA"}},"dsseEnvelope":{"payload":"e30="}}`))
	limits := plugin.DefaultLimits()
	f.Fuzz(func(t *testing.T, content []byte) {
		found := parseBundle("fuzz", content, limits)
		if got, err := guarded(func() (accepted, error) { return trusted.check(t.Context(), found, fuzzedDigest) }); err == nil {
			t.Fatalf("accepted: %+v", got.claims)
		} else if strings.Contains(err.Error(), "panicked") {
			t.Fatal(err)
		}
	})
}

func FuzzSimpleSigning(f *testing.F) {
	instance, trusted := fuzzed(f)
	payload, err := throwaway.Payload(repository, fuzzedDigest)
	if err != nil {
		f.Fatal(err)
	}
	annotations, err := instance.LegacyAnnotations(strangers(), payload)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload, annotations[annotationSignature], annotations[annotationCertificate], annotations[annotationLog], annotations[annotationTimestamp])
	f.Add([]byte(`{}`), "AAAA", "", "{}", "{}")
	f.Add([]byte(nil), "", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", `{"Payload":{"body":"e30="}}`, "")
	f.Fuzz(func(t *testing.T, payload []byte, signature, certificate, log, timestamp string) {
		found := parseLegacy("fuzz", map[string]string{
			annotationSignature: signature, annotationCertificate: certificate, annotationLog: log, annotationTimestamp: timestamp,
		}, payload)
		if got, err := guarded(func() (accepted, error) { return trusted.check(t.Context(), found, fuzzedDigest) }); err == nil {
			t.Fatalf("accepted: %+v", got.claims)
		} else if strings.Contains(err.Error(), "panicked") {
			t.Fatal(err)
		}
	})
}

// The published bundles are good seeds, and keep the fuzz target honest: they
// parse.
func TestFuzz_PublishedBundlesParse(t *testing.T) {
	for _, name := range []string{"dsse.sigstore.json", "othername.sigstore.json", "public-key-validity.sigstore.json"} {
		content, err := data.Bundle(t, name).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if found := parseBundle(name, content, plugin.DefaultLimits()); found.refused != nil {
			t.Errorf("%s: %v", name, found.refused)
		}
	}
}
