package verify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the gate's files may not be: each is refused when the gate is loaded.
func TestNew_RefusesNotationFilesThatAreUnsafe(t *testing.T) {
	for name, row := range map[string]struct {
		arrange func(n *notarized)
		want    string
	}{
		"no policy":               {func(n *notarized) { n.config.Notation.Declared.TrustPolicy = "missing.json" }, "gate.yaml:2: gate base, trust.notation: reading a file"},
		"a policy outside":        {func(n *notarized) { n.config.Notation.Declared.TrustPolicy = "../trustpolicy.json" }, "escapes"},
		"no store":                {func(n *notarized) { n.config.Notation.Declared.TrustStore = "missing" }, "reading a folder"},
		"a store outside":         {func(n *notarized) { n.config.Notation.Declared.TrustStore = ".." }, "escapes"},
		"a link out of the store": {linkOut, "escapes"},
		"a name of two policies": {func(n *notarized) {
			n.require(keyless())
			n.config.Policies[0].Metadata.Name = "acme"
		}, "acme is declared twice"},
		"skip": {func(n *notarized) {
			n.write("trustpolicy.json", []byte(`{"version":"1.0","trustPolicies":[{"name":"a","registryScopes":["*"],"signatureVerification":{"level":"skip"}}]}`))
		}, "the level skip verifies nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNotarized(t)
			row.arrange(n)
			if _, err := New(n.config, n.registry); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("%v, want %q", err, row.want)
			}
		})
	}
	newNotarized(t).verifier()
}

// linkOut has a certificate of the store lie outside of the gate's folder.
func linkOut(n *notarized) {
	outside := filepath.Join(n.t.TempDir(), "root.pem")
	if err := os.WriteFile(outside, n.root.PEM(), 0o600); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(n.config.Dir, "truststore", "x509", "ca", "acme", "link.pem")); err != nil {
		n.t.Fatal(err)
	}
}
