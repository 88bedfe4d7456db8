package setup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

const gateWithKeyFile = `apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: team-a}
spec: {base: true}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: release}
spec:
  images: [{glob: "registry.example.com/**"}]
  authorities:
  - key: {file: cosign.pub}
`

func TestNew_KeyFileIsReadBesideTheFileThatNamesIt(t *testing.T) {
	t.Chdir(t.TempDir())
	key, err := throwaway.NewKey()
	check(t, err)
	public, err := key.PublicPEM()
	check(t, err)
	check(t, os.MkdirAll("gates/team-a", 0o755))
	check(t, os.WriteFile("gates/team-a/gate.yaml", []byte(gateWithKeyFile), 0o600))
	check(t, os.WriteFile("gates/team-a/cosign.pub", []byte(public), 0o600))
	absolute, err := filepath.Abs("gates")
	check(t, err)
	for _, path := range []string{"gates", "gates/team-a", "gates/team-a/gate.yaml", absolute} {
		config, err := gate.Load(path)
		check(t, err)
		made, err := setup.New(setup.Options{Config: config})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if _, err := made.Roots(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		made.Close()
	}
	check(t, os.Rename("gates/team-a/cosign.pub", "cosign.pub"))
	config, err := gate.Load("gates")
	check(t, err)
	if _, err := setup.New(setup.Options{Config: config}); err == nil || !strings.Contains(err.Error(), "cosign.pub") {
		t.Errorf("the key lies elsewhere: %v", err)
	}
}
