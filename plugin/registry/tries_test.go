package registry_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// The limit on tries is one for the whole question: pings and tokens, which are
// tried again for themselves, do not multiply it.
func TestTries_AreNotMultipliedByWhatComesBeforeTheRequest(t *testing.T) {
	const retries = 3
	for name, test := range map[string]struct {
		path    string
		options ociserver.Options
		class   string
	}{
		"ping":    {"/v2/", ociserver.Options{}, ociserver.ClassPing},
		"token":   {"/token", ociserver.Options{Token: &ociserver.TokenAuth{User: "u", Password: "p"}}, ociserver.ClassToken},
		"request": {"/v2/app/manifests/v1", ociserver.Options{}, ociserver.ClassTag},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, test.options)
			pushImage(t, server, "app:v1")
			client, _ := newClient(t, server, func(o *registry.Options) { o.Limits = limitsWith(t, map[string]int64{"retries": retries}) })
			server.SetFault(func(r *http.Request) *ociserver.Fault {
				if r.URL.Path == test.path || test.path == "/v2/" && strings.TrimSuffix(r.URL.Path, "/") == "/v2" {
					return &ociserver.Fault{Status: http.StatusInternalServerError}
				}
				return nil
			})
			server.ResetRequests()
			unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "500")
			if got := server.Count(test.class); got != retries+1 {
				t.Errorf("%d requests, want %d", got, retries+1)
			}
		})
	}
}
