package verify

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/testing/data"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// published reads a bundle that the public-good instance made, and the digest
// that it is about.
func published(t *testing.T, name string) (*candidate, string) {
	t.Helper()
	content, err := json.Marshal(data.Bundle(t, name))
	if err != nil {
		t.Fatal(err)
	}
	found := parseBundle(name, content, plugin.DefaultLimits())
	if found.refused != nil {
		t.Fatal(found.refused)
	}
	var statement struct {
		Subject []struct{ Digest map[string]string }
	}
	if err := json.Unmarshal(found.content, &statement); err != nil {
		t.Fatal(err)
	}
	return found, "sha512:" + statement.Subject[0].Digest["sha512"]
}

// releases trusts the workflow that published sigstore-js.
func releases(t *testing.T, subject string) authority {
	t.Helper()
	w := newWorld(t)
	w.require(gate.Authority{Keyless: &gate.KeylessRef{Identities: []gate.Identity{{Issuer: "https://token.actions.githubusercontent.com", Subject: subject}}}})
	return w.verifier().policies[0].authorities[0]
}

const releaseWorkflow = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"

// A bundle that GitHub Actions published through the public-good instance
// verifies against the embedded root, without a network. It is provenance, so
// the only thing that is wrong with it is that it is no signature.
func TestReal_PublicGoodBundleVerifiesOffline(t *testing.T) {
	found, digest := published(t, "sigstore.js@2.0.0-provenance.sigstore.json")
	trusted := releases(t, releaseWorkflow)
	result, err := trusted.verify(found, digest, trusted.onBundles, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Statement.PredicateType; got != "https://slsa.dev/provenance/v1" {
		t.Errorf("predicate type %s", got)
	}
	claims := trusted.claims(found, result, digest, publicKey{})
	if claims.SourceRepository != "https://github.com/sigstore/sigstore-js" || claims.Signed.IsZero() || claims.TrustRoot != gate.PublicGood {
		t.Errorf("claims %+v", claims)
	}
	if _, err := trusted.check(t.Context(), found, digest); err == nil || err.Error() != "it is an attestation (https://slsa.dev/provenance/v1), not a signature" {
		t.Errorf("as a signature: %v", err)
	}
}

func TestReal_PublicGoodBundleOfAnotherIdentityOrDigestIsDenied(t *testing.T) {
	found, digest := published(t, "sigstore.js@2.0.0-provenance.sigstore.json")
	other := releases(t, releaseWorkflow+"s")
	if _, err := other.verify(found, digest, other.onBundles, nil); err == nil {
		t.Error("another identity is accepted")
	}
	trusted := releases(t, releaseWorkflow)
	wrong := "sha512:" + hex.EncodeToString(make([]byte, 64))
	if _, err := trusted.verify(found, wrong, trusted.onBundles, nil); err == nil {
		t.Error("another digest is accepted")
	}
}

func TestReal_BundleWithTwoSignaturesIsDenied(t *testing.T) {
	found, _ := published(t, "dsse-2sigs.sigstore.json")
	anybody := authority{anyone: true, parts: trustParts{certificates: publicGood(t), logs: publicGood(t)}, onBundles: demands{log: true}, clock: time.Now}
	if _, err := anybody.check(t.Context(), found, "sha256:"+hex.EncodeToString(make([]byte, 32))); err == nil {
		t.Error("it is accepted")
	}
}

func publicGood(t *testing.T) *trustRoot {
	t.Helper()
	loaded, err := trustRootFromJSON(gate.PublicGood, publicGoodJSON)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestRoots_EmbeddedRootTellsItsAge(t *testing.T) {
	w := newWorld(t)
	w.now = time.Date(2026, 9, 23, 0, 0, 0, 0, time.UTC)
	roots := w.verifier().Roots()
	if len(roots) != 2 || roots[0].Name != gate.PublicGood || !roots[0].Embedded || roots[1].Embedded {
		t.Fatalf("roots %+v, want the embedded and the configured one", roots)
	}
	if want := time.Date(2025, 9, 23, 0, 0, 0, 0, time.UTC); roots[0].Newest != want || roots[0].Age != 365*24*time.Hour {
		t.Errorf("newest %s, age %s; want %s and a year", roots[0].Newest, roots[0].Age, want)
	}
	if !roots[1].Newest.IsZero() || roots[1].Age != 0 {
		t.Errorf("inline keys state no validity, yet they have %+v", roots[1])
	}
}

func TestRoots_ConfiguredRootReplacesTheEmbeddedOne(t *testing.T) {
	w := newWorld(t)
	w.trust(gate.PublicGood, w.sigstore)
	authority := keyless()
	authority.Keyless.TrustRootRef, authority.CTLog = "", nil
	w.require(authority)
	image := signed(w)
	checkAccepted(t, w.review(image), image.Digest)
	if roots := w.verifier().Roots(); roots[0].Embedded {
		t.Error("the embedded root is still there")
	}
}

// Entries of the second version of the log give no time; it comes from the
// timestamp authority of the same root.
func TestVerify_SecondVersionOfTheLog(t *testing.T) {
	instance, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	digest := "sha256:" + hex.EncodeToString(make([]byte, 32))
	statement := []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + digest[7:] + `"}}],"predicateType":"` + signPredicate + `","predicate":{}}`)
	entity, err := instance.AttestHashedRekordV2("builds@example.com", issuer, statement)
	if err != nil {
		t.Fatal(err)
	}
	for name, demand := range map[string]demands{"with its timestamp": {log: true}, "by timestamp alone": {stamp: true}} {
		verifier, err := sigstore.NewVerifier(instance, demand.options()...)
		if err != nil {
			t.Fatal(err)
		}
		found := &candidate{format: formatBundle}
		artifact, err := found.artifact(digest)
		if err != nil {
			t.Fatal(err)
		}
		result, err := verifier.Verify(entity, sigstore.NewPolicy(artifact, sigstore.WithoutIdentitiesUnsafe()))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := found.bind(result, digest); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
