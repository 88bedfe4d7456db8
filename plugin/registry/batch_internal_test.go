package registry

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// waitsFor reports how many repositories of the client's only session wait for
// a token.
func (c *Client) waitsFor() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, session := range c.sessions {
		session.mu.Lock()
		defer session.mu.Unlock()
		return len(session.wanted)
	}
	return 0
}

func TestAuth_TwentyRepositoriesShareOnePingAndOneToken(t *testing.T) {
	server, err := ociserver.Start(ociserver.Options{TLS: true, Token: &ociserver.TokenAuth{User: "team-a", Password: "s3cret"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var references []plugin.Reference
	for i := range 20 {
		repository := fmt.Sprintf("%s/team-a/app-%d", server.Host(), i)
		tag, err := name.NewTag(repository + ":v1")
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(tag, empty.Image, remote.WithTransport(server.Transport()), remote.WithAuth(server.Authenticator())); err != nil {
			t.Fatal(err)
		}
		references = append(references, plugin.Reference{Repository: repository, Tag: "v1"})
	}
	client, err := New(Options{Hosts: []Host{{
		Host: server.Host(), Private: true, CA: server.CA(), Credential: Credential{Username: "team-a", Password: "s3cret"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	server.ResetRequests()
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		for r.URL.Path == "/v2/" && client.waitsFor() < 20 {
			time.Sleep(time.Millisecond) // the ping is answered when all have asked
		}
		return nil
	})
	for _, got := range client.Resolve(context.Background(), references) {
		if got.Err != nil {
			t.Fatal(got.Err)
		}
	}
	if server.Count() != 22 || server.Count(ociserver.ClassPing) != 1 || server.Count(ociserver.ClassToken) != 1 {
		t.Errorf("%d requests, %d pings, %d tokens", server.Count(), server.Count(ociserver.ClassPing), server.Count(ociserver.ClassToken))
	}
}
