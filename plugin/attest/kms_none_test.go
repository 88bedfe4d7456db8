//go:build !kms

package attest

import (
	"strings"
	"testing"
)

func TestSigner_AKeyServiceIsRefusedByNameWithTheTagToBuildWith(t *testing.T) {
	for _, scheme := range []string{"awskms", "azurekms", "gcpkms", "hashivault"} {
		err := Signer{Key: scheme + "://account/secret"}.Check(t.Context())
		if err == nil {
			t.Fatalf("%s was accepted", scheme)
		}
		for _, want := range []string{scheme, "built without KMS", "-tags kms", "as a file"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %q", want, err)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells more of the key's URI than its scheme: %v", err)
		}
	}
	file, _ := keyFile(t, newKey(t), "")
	if err := (Signer{Key: file}).Check(t.Context()); err != nil {
		t.Errorf("twin: %v", err)
	}
}
