//go:build cloud

package registry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

func TestKeychain_OfACloudIsForItsOwnHostsOnly(t *testing.T) {
	for _, test := range []struct {
		keychain, host string
		covered        bool
	}{
		{"ecr", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", true},
		{"ecr", "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", true},
		{"ecr", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", true},
		{"ecr", "123456789012.dkr-ecr.eu-west-1.on.aws", true},
		{"ecr", "public.ecr.aws", true},
		{"ecr", "registry.example.com", false},
		{"ecr", "teama.azurecr.io", false},
		{"ecr", "123456789012.dkr.ecr.eu-west-1.amazonaws.com.example.com", false},
		{"ecr", "123456789012.dkr.ecr.eu-west-1.amazonaws.com:8443", false},
		{"ecr", "123456789012.dkr.ecr.s3.amazonaws.com", false},             // the bucket 123456789012.dkr.ecr
		{"ecr", "123456789012.dkr.ecr.s3-eu-west-1.amazonaws.com", false},   // and in a region
		{"ecr", "123456789012.dkr.ecr.eu-west-1.s3.amazonaws.com", false},   // the bucket 123456789012.dkr.ecr.eu-west-1
		{"ecr", "x123456789012.dkr.ecr.eu-west-1.elb.amazonaws.com", false}, // a load balancer
		{"ecr", "evil.public.ecr.aws", false},
		{"acr", "teama.azurecr.io", true},
		{"acr", "teama-d4hbchfqc0fgcgcv.azurecr.io", true},
		{"acr", "teama.azurecr.cn", true},
		{"acr", "teama.azurecr.us", true},
		{"acr", "azurecr.io", false},
		{"acr", "teama.azurecr.io.example.com", false},
		{"acr", "teamaazurecr.io", false},
		{"acr", "teama.westeurope.data.azurecr.io", false},
		{"acr", "teama.azurecr.io:8443", false},
		{"acr", "public.ecr.aws", false},
	} {
		_, err := registry.New(registry.Options{Hosts: []registry.Host{{Host: test.host, Keychain: test.keychain}}})
		if (err == nil) != test.covered {
			t.Errorf("%s for %s: %v, want covered %v", test.keychain, test.host, err, test.covered)
		}
		if err != nil && !strings.Contains(err.Error(), "its own cloud's registries only") {
			t.Errorf("%s for %s is refused for another reason: %v", test.keychain, test.host, err)
		}
	}
}

// A registry of another host asks for a credential; the cloud's own service is
// not asked for one.
func TestKeychain_OfACloudIsNotAskedForAnotherHost(t *testing.T) {
	var asked atomic.Int32
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer cloud.Close()
	t.Setenv("AWS_ENDPOINT_URL", cloud.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "key")
	t.Setenv("IDENTITY_ENDPOINT", cloud.URL)
	t.Setenv("IDENTITY_HEADER", "header")
	server := startServer(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "team-a", Password: "p"}})
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Hosts = append(o.Hosts,
			registry.Host{Host: "123456789012.dkr.ecr.eu-west-1.amazonaws.com", Keychain: "ecr"},
			registry.Host{Host: "teama.azurecr.io", Keychain: "acr"})
	})
	if _, err := client.Manifest(t.Context(), server.Host()+"/team-a/app", "v1"); err == nil {
		t.Error("the registry answered without a credential")
	}
	if len(server.Requests()) == 0 {
		t.Error("the registry was not asked, so this shows nothing")
	}
	if asked.Load() != 0 {
		t.Errorf("the cloud was asked %d times for another host's credential", asked.Load())
	}
}
