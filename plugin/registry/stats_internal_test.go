package registry

import (
	"fmt"
	"testing"
	"time"
)

func TestStats_HostsThatNoGateListsAreOne(t *testing.T) {
	client, err := New(Options{Hosts: []Host{{Host: "registry.example.com", Mirrors: []string{"mirror.example.com/hub"}}, {Host: "docker.io"}, {Host: "[2001:db8::1]"}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5000 {
		client.count(fmt.Sprintf("host-%d.example.net", i), 200)
		client.count(fmt.Sprintf("\xff%d", i), 100000+i)
	}
	for _, host := range []string{"registry.example.com", "registry.example.com:443", "mirror.example.com", "index.docker.io", "[2001:db8::1]:443", "registry.example.com:5000"} {
		client.count(host, 503)
	}
	client.count("registry.example.com", 99)
	client.count("registry.example.com", 600)
	want := fmt.Sprint([]Stat{
		{"[2001:db8::1]", 503, 1}, {"index.docker.io", 503, 1}, {"mirror.example.com", 503, 1},
		{OtherHosts, 0, 5000}, {OtherHosts, 200, 5000}, {OtherHosts, 503, 1}, {"registry.example.com", 0, 2}, {"registry.example.com", 503, 2},
	})
	if got := fmt.Sprint(client.Stats()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSessions_OfHostsThatNoGateListsAreBounded(t *testing.T) {
	client, err := New(Options{Hosts: []Host{{Host: "registry.example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	session := func(host string) *session {
		made, err := client.session(host, "app")
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	listed, kept, dropped := session("registry.example.com"), session("kept.example.net"), session("dropped.example.net")
	for i := range 3 * maxSessions {
		session(fmt.Sprintf("host-%d.example.net", i))
		session("kept.example.net")
	}
	if got := len(client.sessions); got != maxSessions+1 {
		t.Errorf("there are %d sessions, want %d", got, maxSessions+1)
	}
	if session("registry.example.com") != listed || session("kept.example.net") != kept {
		t.Error("a session that is listed, or in use, was forgotten")
	}
	again := session("dropped.example.net")
	if again == dropped || again.id != dropped.id || again.flight == dropped.flight {
		t.Error("a session that was forgotten must have its partition again, and flights of its own")
	}
}

// TestSessions_OfTenantsAreBounded also where the gate lists the host.
func TestSessions_OfTenantsAreBounded(t *testing.T) {
	host := Repositories{Host: "registry.example.com"}
	client, err := New(Options{Hosts: []Host{{Host: host.Host}}, Tenants: []Repositories{host}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * maxSessions {
		ctx, _ := Tenant{Name: fmt.Sprint(i), Credentials: []TenantCredential{{host, Credential{Username: "puller", Password: "password"}}}}.Visit(t.Context())
		if _, err := client.place(ctx, host.Host+"/app"); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(client.sessions); got != maxSessions+1 {
		t.Errorf("there are %d sessions, want %d", got, maxSessions+1)
	}
}

func TestTokens_OfOneSessionAreBounded(t *testing.T) {
	client, err := New(Options{Clock: func() time.Time { return time.Unix(1_000_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	session, err := client.session("registry.example.com", "app")
	if err != nil {
		t.Fatal(err)
	}
	ended, alive := token{"t", time.Unix(0, 0), time.Unix(1, 0)}, token{"t", time.Unix(0, 0), time.Unix(2_000_000, 0)}
	for i := range maxTokens - 1 {
		session.tokens[fmt.Sprint("app-", i)] = ended
	}
	session.tokens["app"] = alive
	if session.dropTokens(0); len(session.tokens) != maxTokens {
		t.Errorf("%d tokens are left where there was room", len(session.tokens))
	}
	session.dropTokens(1)
	if session.tokens["app"] != alive || len(session.tokens) != 1 {
		t.Errorf("tokens that have ended were kept before one that has not")
	}
	for i := range maxTokens {
		session.tokens[fmt.Sprint("more-", i)] = alive
	}
	if session.dropTokens(2); len(session.tokens) != maxTokens-2 {
		t.Errorf("there are %d tokens, want %d", len(session.tokens), maxTokens-2)
	}
}
