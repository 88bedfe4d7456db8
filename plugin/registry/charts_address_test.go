package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry"
)

func TestChart_AddressesThatMeanSomethingElseAreRefused(t *testing.T) {
	server := startCharts(t)
	secret := registry.Host{Host: server.host(), Prefix: "charts", Private: true, CA: server.ca(), Credential: registry.Credential{Username: "team-a", Password: "secret-a"}}
	client := chartClient(t, secret)
	wantArchive(t, client, server.chart())
	asked := server.count("")
	for _, c := range []struct {
		name   string
		change func(*registry.Chart)
	}{
		{"no scheme", func(c *registry.Chart) { c.Repository = server.host() + "/charts" }},
		{"file", func(c *registry.Chart) { c.Repository = "file:///etc" }},
		{"git", func(c *registry.Chart) { c.Repository = "git://" + server.host() + "/charts" }},
		{"plain HTTP", func(c *registry.Chart) { c.Repository = "http://" + server.host() + "/charts" }},
		{"user", func(c *registry.Chart) { c.Repository = "https://user:secret-b@" + server.host() + "/charts" }},
		{"query", func(c *registry.Chart) { c.Repository += "?token=secret-b" }},
		{"fragment", func(c *registry.Chart) { c.Repository += "#secret-b" }},
		{"dots", func(c *registry.Chart) { c.Repository += "/../other" }},
		{"encoded dots", func(c *registry.Chart) { c.Repository += "/%2e%2e/other" }},
		{"encoded slash", func(c *registry.Chart) { c.Repository += "%2f..%2fother" }},
		{"backslash", func(c *registry.Chart) { c.Repository += `/..\elsewhere` }},
		{"double slash", func(c *registry.Chart) { c.Repository = server.URL + "/charts//x" }},
		{"name with a path", func(c *registry.Chart) { c.Name = "../team-a" }},
		{"name of nothing", func(c *registry.Chart) { c.Name = "" }},
		{"version with a path", func(c *registry.Chart) { c.Version = "0.1.0/../0.2.0" }},
		{"version that is a digest", func(c *registry.Chart) { c.Version = "sha256:" + digestOfText("") }},
		{"registry without a dot", func(c *registry.Chart) { c.Repository = "oci://team-a/charts" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			chart := server.chart()
			c.change(&chart)
			_, err := client.Chart(t.Context(), chart)
			if ruleOf(err) != "chart/unavailable" {
				t.Errorf("got %v, want chart/unavailable", err)
			}
			if strings.Contains(fmt.Sprint(err), "secret-b") {
				t.Errorf("the error shows a credential: %v", err)
			}
		})
	}
	if now := server.count(""); now != asked {
		t.Errorf("the server was asked %d times", now-asked)
	}
}

func TestChart_IndexThatNamesAnotherPlace(t *testing.T) {
	other := startCharts(t)
	for _, c := range []struct {
		name, address, rule string
	}{
		{"another host", other.URL + "/charts/team-a-0.1.0.tgz", "chart/host"},
		{"another host without a scheme", "//" + other.host() + "/charts/team-a-0.1.0.tgz", "chart/host"},
		{"a registry", "oci://" + other.host() + "/charts/team-a:0.1.0", "chart/unavailable"},
		{"plain HTTP", "http://SELF/charts/team-a-0.1.0.tgz", "chart/unavailable"},
		{"a user", "https://user:secret-b@SELF/charts/team-a-0.1.0.tgz", "chart/unavailable"},
		{"an encoded path out of the prefix", "x/%2e%2e/%2e%2e/other.tgz", "chart/unavailable"},
		{"no address", "https:team-a-0.1.0.tgz", "chart/unavailable"},
		{"a broken address", "https://[::1", "chart/unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := startCharts(t)
			client := chartClient(t, server.entry(), other.entry())
			wantArchive(t, client, server.chart())
			asked := server.count("")
			server.index(strings.ReplaceAll(c.address, "SELF", server.host()), "")
			_, err := client.Chart(t.Context(), server.chart())
			if ruleOf(err) != c.rule || strings.Contains(err.Error(), "secret-b") {
				t.Errorf("got %q: %v; want %s", ruleOf(err), err, c.rule)
			}
			if now := server.count(""); now != asked+1 {
				t.Errorf("the server was asked %d times, want once for the index", now-asked)
			}
		})
	}
	if count := other.count("/charts/team-a-0.1.0.tgz"); count != 0 {
		t.Errorf("the other host was asked %d times", count)
	}
	t.Run("a host that is allowed", func(t *testing.T) {
		server := startCharts(t)
		server.index(other.URL+"/charts/team-a-0.1.0.tgz", "")
		chart := server.chart()
		chart.Hosts = []string{other.host()}
		wantArchive(t, chartClient(t, server.entry(), other.entry()), chart)
	})
}

func TestChart_CredentialStaysWithItsHostAndPrefix(t *testing.T) {
	other := startCharts(t)
	server := startCharts(t)
	server.answer("/charts/team-a-0.1.0.tgz", http.RedirectHandler(other.URL+"/charts/team-a-0.1.0.tgz", http.StatusFound).ServeHTTP)
	secret := server.entry()
	secret.Prefix, secret.Credential = "charts", registry.Credential{Username: "team-a", Password: "secret-a"}
	wantArchive(t, chartClient(t, secret, other.entry()), server.chart())
	if !server.authorized() || other.authorized() {
		t.Errorf("its own host saw the credential: %t; the other: %t", server.authorized(), other.authorized())
	}
	elsewhere := startCharts(t)
	secret = elsewhere.entry()
	secret.Prefix, secret.Credential = "chart", registry.Credential{Username: "team-a", Password: "secret-a"}
	wantArchive(t, chartClient(t, secret), elsewhere.chart())
	if elsewhere.authorized() {
		t.Error("a credential for chart/ was shown for charts/")
	}
}

func TestChart_PrivateAddressNeedsAnEntry(t *testing.T) {
	server := startCharts(t)
	if _, err := chartClient(t).Chart(t.Context(), server.chart()); ruleOf(err) != "registry/private-address" {
		t.Errorf("got %v, want registry/private-address", err)
	}
	target := startCharts(t)
	server.answer("/charts/team-a-0.1.0.tgz", http.RedirectHandler(target.URL+"/charts/team-a-0.1.0.tgz", http.StatusFound).ServeHTTP)
	if _, err := chartClient(t, server.entry()).Chart(t.Context(), server.chart()); ruleOf(err) != "registry/private-address" {
		t.Errorf("a redirect: got %v, want registry/private-address", err)
	}
	wantArchive(t, chartClient(t, server.entry(), target.entry()), server.chart())
}
