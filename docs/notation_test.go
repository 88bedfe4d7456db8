package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// TestNotation_ExampleLoads: the files of the page are a gate, and without one
// of them they are none.
func TestNotation_ExampleLoads(t *testing.T) {
	page, err := os.ReadFile("notation.md")
	if err != nil {
		t.Fatal(err)
	}
	_, policy, found := strings.Cut(string(page), "```json\n")
	policy, _, _ = strings.Cut(policy, "```")
	if !found {
		t.Fatal("the page shows no trust policy")
	}
	root, err := notary.NewAuthority("root", notary.Validity{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, data := range map[string]string{
		"gate.yaml": blocks(t, "notation.md")[0], "trustpolicy.json": policy, "truststore/x509/ca/acme/root.pem": string(root.PEM()),
	} {
		full := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := func() error {
		config, err := gate.Load(folder)
		if err != nil {
			return err
		}
		made, err := setup.New(setup.Options{Config: config})
		if err == nil {
			made.Close()
		}
		return err
	}
	if err := load(); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(filepath.Join(folder, "truststore", "x509", "ca")); err != nil {
		t.Fatal(err)
	}
	if err := load(); err == nil || !strings.Contains(err.Error(), "trust store ca:acme") {
		t.Errorf("without the trust store: %v", err)
	}
}
