package cosign

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/assay-gitops/assay/e2e/oracles/sandbox"
	"github.com/assay-gitops/assay/plugin/attest"
)

const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {colour: blue}\n"

// cosign verifies what assay attests of the manifests that it prints, and
// nothing else.
func TestAttestation_CosignVerifiesIt(t *testing.T) {
	folder := t.TempDir()
	assay := filepath.Join(folder, "assay")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../../..", "-o", assay, "./cmd/assay").CombinedOutput(); err != nil {
		t.Fatalf("building assay: %v\n%s", err, out)
	}
	write := func(name string, data []byte) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	key, public := keys(t, write)
	bundle := filepath.Join(folder, "verdict.json")
	if err := os.Mkdir(filepath.Join(folder, "app"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("app/settings.yaml", []byte(settings))
	command := exec.CommandContext(t.Context(), assay, "render", "app", "--attest", bundle, "--attest-key", key)
	command.Dir = folder
	manifests, err := command.Output()
	if err != nil {
		t.Fatalf("rendering: %v", err)
	}
	good := write("manifests.yaml", manifests)
	_, other := keys(t, write)
	for name, test := range map[string]struct {
		file, key, predicate string
		verified             bool
	}{
		"as it is":        {good, public, attest.PredicateType, true},
		"other manifests": {write("other.yaml", append(manifests, '\n')), public, attest.PredicateType, false},
		"another key":     {good, other, attest.PredicateType, false},
		"another type":    {good, public, "https://slsa.dev/provenance/v1", false},
	} {
		if err := sandbox.CosignVerifyAttestation(t.Context(), test.file, bundle, test.key, test.predicate); (err == nil) != test.verified {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// keys writes a key pair and returns the names of its halves.
func keys(t *testing.T, write func(string, []byte) string) (private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := cryptoutils.MarshalPrivateKeyToPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	open, err := cryptoutils.MarshalPublicKeyToPEM(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	name := key.X.Text(16)
	return write(name+".key", secret), write(name+".pub", open)
}
