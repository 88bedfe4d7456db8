package throwaway_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// The file is what a gate reads back as the same trust root.
func TestTrustRootYAML_IsReadByAGate(t *testing.T) {
	made, err := throwaway.New()
	if err != nil {
		t.Fatal(err)
	}
	want, err := made.TrustRoot("throwaway")
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.TrustRootYAML("throwaway")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "root.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := gate.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(config.TrustRoots) != 1 || !reflect.DeepEqual(config.TrustRoots[0].Spec, want.Spec) {
		t.Fatalf("read %+v, want %+v", config.TrustRoots, want)
	}
}
