package registry

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// TestFlight_TimeThatIsOverIsToldByItsLimits: no try has failed, as none could
// begin.
func TestFlight_TimeThatIsOverIsToldByItsLimits(t *testing.T) {
	server, err := ociserver.Start(ociserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	limits, err := plugin.NewLimits(map[string]int64{"requestSeconds": 1, "retries": 1, "retryAfterSeconds": 1, "requestsPerHost": 1})
	if err != nil {
		t.Fatal(err)
	}
	client, err := New(Options{Limits: limits, Hosts: []Host{{Host: server.Host(), Private: true, PlainHTTP: true}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	at, err := client.place(t.Context(), server.Host()+"/app")
	if err != nil {
		t.Fatal(err)
	}
	at.session.slots <- struct{}{} // another request holds the only place
	_, err = client.Referrers(t.Context(), server.Host()+"/app", "sha256:"+strings.Repeat("a", 64))
	var told *plugin.StageError
	if !errors.As(err, &told) || !strings.Contains(err.Error(), "all tries together took more than 3s (limits requestSeconds, retries and retryAfterSeconds)") {
		t.Errorf("%v", err)
	}
}
