package verify

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// The bundles of testdata/real that published projects carry as their own test
// data (its README names the sources). All verify without a network; those
// about a sha256 digest by the way that an image takes, from the gate to the
// evidence, and those about packages of npm, whose digests are sha512 and can
// be no image's, by the authority of a gate.
//
// None of them was made by GitHub's own Fulcio, whose bundles no Go module
// carries: its trusted root is there, and hello-world has its timestamp
// authority's time.

const loginByGitHub = "https://github.com/login/oauth"

func realFile(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata/real", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// subjectOf is the digest that a bundle is about.
func subjectOf(t *testing.T, name string) string {
	t.Helper()
	found := parseBundle(name, realFile(t, name), plugin.DefaultLimits())
	if found.refused != nil {
		t.Fatal(found.refused)
	}
	if found.content == nil {
		content, err := found.entity.SignatureContent()
		if err != nil {
			t.Fatal(err)
		}
		return "sha256:" + hex.EncodeToString(content.MessageSignatureContent().Digest())
	}
	var statement struct {
		Subject []struct{ Digest map[string]string }
	}
	if err := json.Unmarshal(found.content, &statement); err != nil {
		t.Fatal(err)
	}
	for algorithm, digest := range statement.Subject[0].Digest {
		return algorithm + ":" + digest
	}
	t.Fatal("it has no subject")
	return ""
}

// mailOf is the address in a bundle's certificate: that of a person, who stands
// in the file and nowhere else.
func mailOf(t *testing.T, name string) string {
	t.Helper()
	content, err := parseBundle(name, realFile(t, name), plugin.DefaultLimits()).entity.VerificationContent()
	if err != nil {
		t.Fatal(err)
	}
	return content.Certificate().EmailAddresses[0]
}

// trustFile is a trust root in a file, as a gate names it.
func (w *world) trustFile(name string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.config.Dir, name+".json"), realFile(w.t, name+".json"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.config.TrustRoots = append(w.config.TrustRoots, gate.TrustRoot{
		Metadata: gate.Metadata{Name: name}, Spec: gate.TrustRootSpec{TrustedRootFile: name + ".json"}, At: plugin.Origin{File: "gate.yaml", Line: 20},
	})
}

// signedBy trusts one certificate identity of the public-good instance, or of
// the named root.
func signedBy(root, issuer, subject string) gate.Authority {
	authority := gate.Authority{Keyless: &gate.KeylessRef{TrustRootRef: root, Identities: []gate.Identity{{Issuer: issuer, Subject: subject}}}}
	if root != "" {
		authority.CTLog = &gate.CTLog{TrustRootRef: root}
	}
	return authority
}

func signedWith(t *testing.T, file, stamps string) gate.Authority {
	t.Helper()
	authority := gate.Authority{Key: &gate.KeyRef{Data: string(realFile(t, file))}}
	if stamps != "" {
		authority.RFC3161Timestamp = &gate.RFC3161Timestamp{TrustRootRef: stamps}
	}
	return authority
}

func TestReal_BundlesAboutSHA256VerifyByTheGate(t *testing.T) {
	for name, test := range map[string]struct {
		root string
		// at is when the gate judges; zero is now.
		at time.Time
		// authority trusts the signer and other somebody else.
		authority, other gate.Authority
		want             plugin.Claims
	}{
		"a.txt.sigstore.json": {
			authority: signedBy("", loginByGitHub, mailOf(t, "a.txt.sigstore.json")), other: signedBy("", loginByGitHub, "team-a@example.com"),
			want: plugin.Claims{Signer: mailOf(t, "a.txt.sigstore.json"), Issuer: loginByGitHub, TrustRoot: gate.PublicGood, Signed: time.Date(2024, 1, 26, 19, 35, 30, 0, time.UTC)},
		},
		"othername.sigstore.json": {
			root: "scaffolding", at: time.Date(2024, 7, 13, 0, 0, 0, 0, time.UTC), // a test installation's, whose authorities have ended
			authority: signedBy("scaffolding", "http://oidc.local:8080", "foo!oidc.local"), other: signedBy("scaffolding", "http://oidc.local:8080", "bar!oidc.local"),
			want: plugin.Claims{Signer: "foo!oidc.local", Issuer: "http://oidc.local:8080", TrustRoot: "scaffolding", Signed: time.Date(2024, 7, 12, 19, 6, 29, 0, time.UTC)},
		},
		"hello-world.sigstore.json": {
			root:      "github-trusted-root",
			authority: signedWith(t, "hello-world.pub", "github-trusted-root"), other: signedWith(t, "publish_key.pub", "github-trusted-root"),
			want: plugin.Claims{TrustRoot: "github-trusted-root"},
		},
		"public-key-validity.sigstore.json": {
			root: "public-key-validity", at: time.Date(2026, 6, 4, 18, 0, 0, 0, time.UTC), // its root held for six hours
			authority: signedWith(t, "public-key-validity.pem", "public-key-validity"), other: signedWith(t, "publish_key.pub", "public-key-validity"),
			want: plugin.Claims{TrustRoot: "public-key-validity"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			judge := func(authority gate.Authority, digest string) plugin.Review {
				w := newWorld(t)
				if !test.at.IsZero() {
					w.now = test.at
				}
				if test.root != "" {
					w.trustFile(test.root)
				}
				w.require(authority)
				image := w.image("any")
				image.Digest = digest
				w.refer(image, realFile(t, name), "")
				return w.review(image)
			}
			digest := subjectOf(t, name)
			accepted := judge(test.authority, digest)
			checkAccepted(t, accepted, digest)
			claims := accepted.Evidence[0].Claims()
			if test.want.Issuer != "" && (claims.Signer != test.want.Signer || claims.Issuer != test.want.Issuer || !claims.Signed.Equal(test.want.Signed)) || claims.TrustRoot != test.want.TrustRoot {
				t.Errorf("claims %+v, want %+v", claims, test.want)
			}
			checkRefused(t, judge(test.other, digest), wanted{rule: ruleNotTrusted})
			checkRefused(t, judge(test.authority, "sha256:"+strings.Repeat("0", 64)), wanted{rule: ruleNotTrusted})
		})
	}
}

// The only thing that is wrong with this one is that it is no signature: the
// reason for another signer is another.
func TestReal_AttestationOfAnImageIsNoSignature(t *testing.T) {
	const name = "oci-attestation.sigstore.json"
	for subject, reason := range map[string]string{
		mailOf(t, name):      "it is an attestation (https://cosign.sigstore.dev/attestation/v1), not a signature",
		"team-a@example.com": "team-a@example.com",
	} {
		w := newWorld(t)
		w.require(signedBy("", loginByGitHub, subject))
		image := w.image("any")
		image.Digest = subjectOf(t, name)
		w.refer(image, realFile(t, name), "")
		found := parseBundle(name, realFile(t, name), plugin.DefaultLimits())
		_, err := w.verifier().policies[0].authorities[0].check(t.Context(), found, image.Digest)
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%v does not say %q", err, reason)
		}
		checkRefused(t, w.review(image), wanted{rule: ruleNotSigned})
	}
}

func TestReal_BundlesAboutPackagesVerifyByTheAuthority(t *testing.T) {
	for name, test := range map[string]struct{ authority, other gate.Authority }{
		"bundle-provenance.json": {signedBy("", "https://token.actions.githubusercontent.com", releaseWorkflow), signedBy("", "https://token.actions.githubusercontent.com", releaseWorkflow+"s")},
		"bundle-publish.json":    {logged(signedWith(t, "publish_key.pub", "")), logged(signedWith(t, "hello-world.pub", ""))},
		"dsse.sigstore.json":     {signedBy("", loginByGitHub, mailOf(t, "dsse.sigstore.json")), signedBy("", loginByGitHub, "team-a@example.com")},
	} {
		t.Run(name, func(t *testing.T) {
			found := parseBundle(name, realFile(t, name), plugin.DefaultLimits())
			judge := func(authority gate.Authority, digest string) error {
				w := newWorld(t)
				w.require(authority)
				_, err := w.verifier().policies[0].authorities[0].check(t.Context(), found, digest)
				return err
			}
			digest := subjectOf(t, name)
			const only = "it is an attestation ("
			if err := judge(test.authority, digest); err == nil || !strings.HasPrefix(err.Error(), only) {
				t.Errorf("the signer's own: %v", err)
			}
			for what, err := range map[string]error{
				"another signer": judge(test.other, digest),
				"another digest": judge(test.authority, "sha512:"+strings.Repeat("0", 128)),
			} {
				if err == nil || strings.HasPrefix(err.Error(), only) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// logged asks for the public-good instance's log besides.
func logged(authority gate.Authority) gate.Authority {
	authority.CTLog = &gate.CTLog{TrustRootRef: gate.PublicGood}
	return authority
}
