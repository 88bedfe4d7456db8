//go:build !cloud

package registry_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry"
)

func TestKeychain_NotBuiltInIsRefusedByNameWithTheTagToBuildWith(t *testing.T) {
	for keychain, host := range map[string]string{"ecr": "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "acr": "teama.azurecr.io"} {
		_, err := registry.New(registry.Options{Hosts: []registry.Host{{Host: host, Keychain: keychain}}})
		if err == nil {
			t.Errorf("%s was accepted", keychain)
			continue
		}
		for _, want := range []string{host, "built without keychain \"" + keychain + "\"", "-tags cloud"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %q", keychain, want, err)
			}
		}
	}
	if _, err := registry.New(registry.Options{Hosts: []registry.Host{{Host: "europe-docker.pkg.dev", Keychain: "gar"}}}); err != nil {
		t.Errorf("the keychain that is built in: %v", err)
	}
}
