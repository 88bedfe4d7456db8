package verify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// checkNew wants the configuration refused with the reason, or accepted when
// the reason is empty.
func checkNew(t *testing.T, config Config, reason string) {
	t.Helper()
	_, err := New(config, newMemory())
	switch {
	case reason == "" && err != nil:
		t.Errorf("it is refused: %v", err)
	case reason != "" && (err == nil || !strings.Contains(err.Error(), reason)):
		t.Errorf("error %v, want %q", err, reason)
	}
}

func TestNew_WithoutARegistryIsRefused(t *testing.T) {
	w := newWorld(t)
	w.verifier()
	if _, err := New(w.config, nil); err == nil || !strings.Contains(err.Error(), "no registry") {
		t.Errorf("error %v", err)
	}
}

func TestNew_SameNameIsRefusedWhereverItStands(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		w.config.Policies = append(w.config.Policies, w.config.Policies[0])
	}
	w.config.Policies[1].Metadata.Name = "another"
	checkNew(t, w.config, "ClusterImagePolicy signed is declared twice")
	w.config.Policies[2].Metadata.Name = "third"
	checkNew(t, w.config, "")
}

func TestNew_ModeEnforceDenies(t *testing.T) {
	w := newWorld(t)
	w.config.Policies[0].Spec.Mode = "enforce"
	checkRefused(t, w.review(w.image("a")), notSigned)
}

func TestNew_FaultOfAnAuthorityWithoutALineIsToldAtItsPolicy(t *testing.T) {
	w := newWorld(t)
	first(func(a *gate.Authority) { a.At, a.SignatureFormat = plugin.Origin{}, "v3" })(&w.config)
	checkNew(t, w.config, policyLine)
	if got := refuse(plugin.Origin{}, "about %s", "it").Error(); got != "about it" {
		t.Errorf("without any line: %q", got)
	}
}

func TestNew_StaticTakesNothingElse(t *testing.T) {
	for name, change := range map[string]func(*gate.Authority){
		"":                 func(*gate.Authority) {},
		"source":           func(a *gate.Authority) { a.Source = []gate.SignatureSource{{OCI: "registry.example.com/a"}} },
		"ctlog":            func(a *gate.Authority) { a.CTLog = &gate.CTLog{TrustRootRef: rootName} },
		"rfc3161timestamp": func(a *gate.Authority) { a.RFC3161Timestamp = &gate.RFC3161Timestamp{TrustRootRef: rootName} },
		"signatureFormat":  func(a *gate.Authority) { a.SignatureFormat = "bundle" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			authority := gate.Authority{Static: &gate.StaticRef{Action: "pass"}}
			change(&authority)
			w.require(authority)
			reason := "static takes neither"
			if name == "" {
				reason = ""
			}
			checkNew(t, w.config, reason)
		})
	}
}

// What the cluster takes to ask for the log or for a timestamp is accepted.
func TestNew_WaysToNameALogOrATimestampAuthority(t *testing.T) {
	w := newWorld(t)
	w.trust(gate.PublicGood, w.sigstore)
	authority := byKey(t, newKey(t, "ecdsa-p256"))
	authority.CTLog = &gate.CTLog{URL: "https://rekor.example.com"}
	w.require(authority)
	checkNew(t, w.config, "")
	authority = stamped()
	authority.RFC3161Timestamp.TrustRootRef, authority.SignatureFormat = "", "bundle"
	w.require(authority)
	checkNew(t, w.config, "")
	authority.SignatureFormat = "legacy"
	w.require(authority)
	checkNew(t, w.config, "rfc3161timestamp has no trustRootRef")
}

func TestNew_AddressOfTheCertificateAuthority(t *testing.T) {
	for _, row := range []struct{ url, root, reason string }{
		{"https://fulcio.example.com", rootName, ""},
		{"https://fulcio.example.com", "", "without a trustRootRef"},
		{publicFulcio, "", ""},
		{"", "", ""},
	} {
		w := newWorld(t)
		first(func(a *gate.Authority) { a.Keyless.URL, a.Keyless.TrustRootRef = row.url, row.root })(&w.config)
		checkNew(t, w.config, row.reason)
	}
}

func TestNew_TimestampOfARootWithoutTimestampAuthorityIsRefused(t *testing.T) {
	w := newWorld(t)
	w.require(stamped())
	checkNew(t, w.config, "")
	w.config.TrustRoots[0].Spec.SigstoreKeys.TimestampAuthorities = nil
	checkNew(t, w.config, "has no timestampAuthorities")
}

func TestNew_GlobsAtTheEdge(t *testing.T) {
	for glob, reason := range map[string]string{
		"registry.example.com/app":        "names no digest and has no wildcard",
		"registry.example.com/*sha256:*":  "",
		"registry.example.com/a*b":        "",
		"registry.example.com/*-sha257:*": "names a tag",
	} {
		_, err := compileGlob(glob)
		if (err != nil) != (reason != "") || err != nil && !strings.Contains(err.Error(), reason) {
			t.Errorf("glob %s: error %v, want %q", glob, err, reason)
		}
	}
}

func TestNew_HashesOfAKey(t *testing.T) {
	text, _ := newKey(t, "rsa-2048").PublicPEM()
	for hash, reason := range map[string]string{"": "", "sha256": "", "sha384": "", "sha512": "", "sha1": "hashAlgorithm is"} {
		w := newWorld(t)
		w.require(gate.Authority{Key: &gate.KeyRef{Data: text, HashAlgorithm: hash}})
		checkNew(t, w.config, reason)
	}
}

// A hash that the policy names is the only one; without one the curve's own is
// tried too, and no key is tried twice.
func TestNew_VerifiersOfAKey(t *testing.T) {
	for _, row := range []struct {
		algorithm, hash string
		want            int
	}{{"ecdsa-p256", "", 1}, {"rsa-2048", "", 1}, {"ed25519", "", 1}, {"ecdsa-p384", "", 2}, {"ecdsa-p384", "sha256", 1}} {
		authority := byKey(t, newKey(t, row.algorithm))
		authority.Key.HashAlgorithm = row.hash
		keys, err := compiler{}.keys(plugin.Origin{}, *authority.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(keys[0].bundle); got != row.want {
			t.Errorf("%s, hash %q: %d verifiers, want %d", row.algorithm, row.hash, got, row.want)
		}
	}
}

func TestNew_KeyThatCannotBeParsedIsRefused(t *testing.T) {
	w := newWorld(t)
	w.require(gate.Authority{Key: &gate.KeyRef{Data: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}})
	checkNew(t, w.config, `parsing the PEM block "PUBLIC KEY"`)
}

// Where a file of the configuration is looked for, and what it may be.
func TestNew_FileOfTheConfiguration(t *testing.T) {
	folder := t.TempDir()
	text, _ := newKey(t, "ecdsa-p256").PublicPEM()
	if err := os.WriteFile(filepath.Join(folder, "key.pub"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ dir, file, name, reason string }{
		{folder, "gate.yaml", "key.pub", ""},
		{folder, "gate.yaml", "folder", "is a directory"},
		{"", "gate.yaml", "key.pub", "was not read from a folder"},
		{"", filepath.Join(folder, "gate.yaml"), "key.pub", ""},
		{t.TempDir(), filepath.Join(folder, "gate.yaml"), "key.pub", ""},
	} {
		w := newWorld(t)
		w.require(gate.Authority{Key: &gate.KeyRef{File: row.name}})
		w.config.Dir, w.config.Policies[0].At = row.dir, plugin.Origin{File: row.file, Line: 1}
		checkNew(t, w.config, row.reason)
	}
}

func TestVerify_FindingsStandInTheOrderOfThePoliciesNames(t *testing.T) {
	w := newWorld(t)
	w.config.Policies = append(policies(keyless()), policies(byKey(t, newKey(t, "ecdsa-p256")))...)
	w.config.Policies[0].Metadata.Name, w.config.Policies[1].Metadata.Name = "z", "a"
	findings := w.review(w.image("a")).Findings
	if len(findings) != 2 || !strings.Contains(findings[0].Message, "by a:") || !strings.Contains(findings[1].Message, "by z:") {
		t.Errorf("findings %+v, want a's and z's", findings)
	}
}

// A signature by a key proves no time, even where the log tells one.
func TestVerify_SignatureByAKeyClaimsNoTime(t *testing.T) {
	w := newWorld(t)
	signer := newKey(t, "ecdsa-p256")
	authority := byKey(t, signer)
	authority.CTLog = &gate.CTLog{TrustRootRef: rootName}
	w.require(authority)
	image := w.image("a")
	w.sign(image, throwaway.Signer{Key: signer})
	review := w.review(image)
	checkAccepted(t, review, image.Digest)
	if got := review.Evidence[0].Claims().Signed; !got.IsZero() {
		t.Errorf("signed at %s, want no time", got)
	}
}
