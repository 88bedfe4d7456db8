package gate

import (
	"fmt"
	"strings"
	"testing"
)

func TestLoad_TenantCredentialsThatAreRefused(t *testing.T) {
	const entry = "- {host: registry.example.com, prefix: team-a/}"
	text := gateText("a", "  base: true\n  tenantCredentials:\n  "+entry)
	for _, test := range []refusal{
		{"no host", "host: registry.example.com, ", "", "host"},
		{"empty host", "host: registry.example.com", "host: ''", "spec.tenantCredentials[0].host"},
		{"scheme", "host: registry", "host: https://registry", "has a scheme"},
		{"host with the path", "host: registry.example.com", "host: registry.example.com/team-a", "has a path"},
		{"every host", "host: registry.example.com", "host: '*'", "is no host"},
		{"every host below a domain", "host: registry.example.com", "host: '*.example.com'", "is no host"},
		{"another name of Docker Hub", "host: registry.example.com", "host: docker.io", "write index.docker.io"},
		{"prefix that ends inside of a name", "prefix: team-a/", "prefix: team-a", "team-a would match team-abc too"},
		{"prefix that begins with a slash", "prefix: team-a/", "prefix: /team-a/", "is no prefix of repositories"},
		{"prefix with an empty part", "prefix: team-a/", "prefix: team-a//b/", "is no prefix of repositories"},
		{"prefix with a glob", "prefix: team-a/", "prefix: 'team-*/'", "looks like a glob"},
		{"twice", entry, entry + "\n  " + entry, "registry.example.com/team-a/ is there twice"},
		{"a credential", "prefix: team-a/", "prefix: team-a/, credentials: {keychain: ecr}", "credentials"},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, text) })
	}
	if _, err := Parse("a.yaml", []byte(strings.Replace(text, ", prefix: team-a/", "", 1))); err != nil {
		t.Errorf("all of a host: %v", err)
	}
}

// TestLoad_TenantCredentialsInClearTextAreWarnedAbout as the gate's own are.
func TestLoad_TenantCredentialsInClearTextAreWarnedAbout(t *testing.T) {
	for host, warned := range map[string]bool{"registry.example.com": true, "other.example.com": false} {
		text := gateText("a", "  base: true\n  registries:\n  - {host: registry.example.com, private: true, plainHTTP: true}\n  tenantCredentials: [{host: "+host+"}]")
		config, err := Parse("a.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(fmt.Sprint(config.Warnings), "clear text"); got != warned {
			t.Errorf("%s: warned %v: %v", host, got, config.Warnings)
		}
	}
}

func TestCombine_TenantCredentialsIntersect(t *testing.T) {
	gate := func(base bool, entries ...TenantCredential) Gate {
		return Gate{Metadata: Metadata{Name: "a"}, Spec: Spec{Base: base, TenantCredentials: entries}}
	}
	whole, part, deeper, other := TenantCredential{"h", ""}, TenantCredential{"h", "x/"}, TenantCredential{"h", "x/y/"}, TenantCredential{"i", "x/"}
	for _, test := range []struct {
		name  string
		gates []Gate
		want  string
	}{
		{"one gate", []Gate{gate(true, other, part)}, "[h/x/ i/x/]"},
		{"the longer prefix", []Gate{gate(true, part), gate(true, deeper)}, "[h/x/y/]"},
		{"all of a host and a part of it", []Gate{gate(true, part), gate(true, whole)}, "[h/x/]"},
		{"another host", []Gate{gate(true, part), gate(true, other)}, "[]"},
		{"a sibling whose name only begins so", []Gate{gate(true, part), gate(true, TenantCredential{"h", "xy/"})}, "[]"},
		{"a base gate that says nothing", []Gate{gate(true, part), gate(true)}, "[]"},
		{"an added gate that says nothing", []Gate{gate(true, part), gate(false)}, "[h/x/]"},
		{"an added gate does not grant", []Gate{gate(true, part), gate(false, part, other)}, "[h/x/]"},
		{"an added gate takes all away", []Gate{gate(true, part), {Spec: Spec{TenantCredentials: []TenantCredential{}}}}, "[]"},
		{"each once", []Gate{gate(true, whole, part), gate(true, whole, part)}, "[h/ h/x/]"},
	} {
		for range 2 {
			effective, err := Combine(test.gates)
			if got := fmt.Sprint(effective.TenantCredentials); err != nil || got != test.want {
				t.Errorf("%s: %s %v, want %s", test.name, got, err, test.want)
			}
			test.gates = append(test.gates[1:len(test.gates):len(test.gates)], test.gates[0])
		}
	}
}
