//go:build !kms

package verify

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
)

func TestNew_KeyServiceIsRefusedByNameWithTheTagToBuildWith(t *testing.T) {
	for _, scheme := range []string{"awskms", "azurekms", "gcpkms", "hashivault"} {
		w := newWorld(t)
		w.verifier() // the same without the fault
		key(gate.KeyRef{KMS: scheme + "://account/secret"})(&w.config)
		_, err := New(w.config, w.registry)
		if err == nil {
			t.Fatalf("%s was accepted", scheme)
		}
		for _, want := range []string{authorityLine, scheme, "built without KMS", "-tags kms", "data or file"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %q", want, err)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells more of the key's URI than its scheme: %v", err)
		}
	}
}
