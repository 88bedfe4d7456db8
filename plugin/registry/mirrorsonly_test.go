package registry

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// TestMirrorsOnly_NeverAsksTheOrigin: what the mirror does not have is not
// there. Its twin without the switch asks the origin, too.
func TestMirrorsOnly_NeverAsksTheOrigin(t *testing.T) {
	for _, only := range []bool{true, false} {
		origin, mirror := start(t), start(t)
		client, err := New(Options{Hosts: []Host{
			{Host: origin.Host(), Private: true, PlainHTTP: true, Mirrors: []string{mirror.Host()}, MirrorsOnly: only},
			{Host: mirror.Host(), Private: true, PlainHTTP: true},
		}})
		if err != nil {
			t.Fatal(err)
		}
		answers := client.Resolve(context.Background(), []plugin.Reference{{Repository: origin.Host() + "/a", Tag: "v1"}})
		if answers[0].Err == nil {
			t.Fatal("resolved a tag that is nowhere")
		}
		if asked := origin.Count() > 0; asked == only {
			t.Errorf("mirrorsOnly %v: origin asked %v", only, asked)
		}
	}
}

func TestMirrorsOnly_WithoutAMirrorIsRefused(t *testing.T) {
	if _, err := New(Options{Hosts: []Host{{Host: "registry.example.com", MirrorsOnly: true}}}); err == nil {
		t.Fatal("accepted")
	}
}

func start(t *testing.T) *ociserver.Server {
	t.Helper()
	server, err := ociserver.Start(ociserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// TestMirrorsOnly_ASilentMirrorIsNoAnswer: that another mirror has nothing does
// not make "could not look" a "no".
func TestMirrorsOnly_ASilentMirrorIsNoAnswer(t *testing.T) {
	silent, empty := start(t), start(t)
	silent.SetFault(func(*http.Request) *ociserver.Fault { return &ociserver.Fault{Status: http.StatusInternalServerError} })
	limits := plugin.DefaultLimits()
	limits.Retries = 1
	client, err := New(Options{
		Limits: limits, Sleep: func(context.Context, time.Duration) error { return nil },
		Hosts: []Host{
			{Host: "registry.example.com", Mirrors: []string{silent.Host(), empty.Host()}, MirrorsOnly: true},
			{Host: silent.Host(), Private: true, PlainHTTP: true}, {Host: empty.Host(), Private: true, PlainHTTP: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	var noAnswer *plugin.StageError
	if _, err := client.Referrers(context.Background(), "registry.example.com/a", digest); !errors.As(err, &noAnswer) {
		t.Errorf("referrers: %v, want no answer", err)
	}
	if _, err := client.Manifest(context.Background(), "registry.example.com/a", digest); !errors.As(err, &noAnswer) {
		t.Errorf("manifest: %v, want no answer", err)
	}
	silent.SetFault(nil)
	if list, err := client.Referrers(context.Background(), "registry.example.com/b", digest); err != nil || len(list) > 0 {
		t.Errorf("once both answer: %v, %v", list, err)
	}
}
