package attest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// environment is a process's, as a map.
type environment map[string]string

func (e environment) get(name string) string { return e[name] }

func workflow(address string) environment {
	return environment{"ACTIONS_ID_TOKEN_REQUEST_URL": address + "/token?api=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "not-to-be-told"}
}

func TestAmbient_TakesTheTokenThatIsThere(t *testing.T) {
	if Ambient(environment{}.get, time.Second) != nil {
		t.Error("a token without an environment")
	}
	if Ambient(environment{"ACTIONS_ID_TOKEN_REQUEST_URL": "https://example.com"}.get, time.Second) != nil {
		t.Error("a workflow without the permission has a token")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer not-to-be-told" || r.URL.Query().Get("audience") != audience || r.URL.Query().Get("api") != "1" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"value": "a.b.c"}`))
	}))
	t.Cleanup(server.Close)
	both := workflow(server.URL)
	for want, variables := range map[string]environment{"a.b.c": workflow(server.URL), "given": both} {
		if want == "given" {
			variables["SIGSTORE_ID_TOKEN"] = "given"
		}
		got, err := Ambient(variables.get, time.Second)(t.Context())
		if err != nil || got != want {
			t.Errorf("got %q and %v, want %q", got, err, want)
		}
	}
}

func TestAmbient_ServiceThatGivesNoTokenIsNoAnswer(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"refused":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"empty":      func(http.ResponseWriter, *http.Request) {},
		"no token":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"count": 1}`)) },
		"no answer":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"cut short":  func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "100") },
		"other JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[]`)) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			token, err := Ambient(workflow(server.URL).get, 200*time.Millisecond)(t.Context())
			var silent *plugin.StageError
			if token != "" || !errors.As(err, &silent) {
				t.Fatalf("got %q and %v, want a StageError", token, err)
			}
			if strings.Contains(err.Error(), "not-to-be-told") {
				t.Errorf("the secret is told: %v", err)
			}
		})
	}
}
