package gate

import (
	"strings"
	"testing"
)

// refusal changes one thing in testdata/full.yaml, which loads, and says what
// must be heard.
type refusal struct{ name, old, new, want string }

func (r refusal) run(t *testing.T, full string) {
	t.Helper()
	if strings.Count(full, r.old) == 0 {
		t.Fatalf("%q is not in the file", r.old)
	}
	_, err := Parse("full.yaml", []byte(strings.Replace(full, r.old, r.new, 1)))
	if err == nil || !strings.Contains(err.Error(), r.want) {
		t.Errorf("want %q, got: %v", r.want, err)
		return
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		if !strings.HasPrefix(line, "full.yaml:") || !strings.Contains(line, "; ") {
			t.Errorf("no file and line, or no hint: %s", line)
		}
	}
}

func TestLoad_GateValuesThatAreRefused(t *testing.T) {
	full := fullText(t)
	for _, test := range []refusal{
		{"no name", "  name: team-a\n  labels", "  labels", "full.yaml:4: metadata.name: is required"},
		{"empty name", "name: team-a\n  labels", "name: ''\n  labels", "metadata.name: is empty"},
		{"name with capitals", "name: team-a\n  labels", "name: Team\n  labels", `metadata.name: "Team" has the wrong form`},
		{"no spec", "spec:\n  base: true", "body:\n  base: true", "full.yaml:1: spec: is required"},
		{"unknown field", "  profile:", "  profil:", `full.yaml:33: spec: unknown field "profil"`},
		{"unknown top-level field", "kind: Gate\n", "kind: Gate\nstatus: {}\n", `unknown field "status"`},
		{"switch of another spelling", "pin: On", "pin: on", `full.yaml:13: spec.switches.pin: "on" is none of its values; write On or Off`},
		{"switch as boolean", "deny: On", "deny: true", "spec.switches.deny: is the boolean true; write On or Off"},
		{"switch as number", "deny: On", "deny: 1", "spec.switches.deny: is the number 1; write On or Off"},
		{"unknown lock mode", "mode: Locked", "mode: Frozen", `spec.lock.mode: "Frozen" is none of its values; write Locked or Resolve`},
		{"unknown drift", "drift: Warn", "drift: Allow", "spec.lock.drift"},
		{"age without unit", "maxBuildAge: 30d", "maxBuildAge: '30'", `spec.lock.maxBuildAge: "30" is no duration`},
		{"negative age", "maxBuildAge: 30d", "maxBuildAge: -1h", "is not between"},
		{"zero freshness", "freshFor: 1m", "freshFor: 0s", "is not between"},
		{"unknown undeclared", "undeclared: Warn", "undeclared: Pass", "spec.images.undeclared"},
		{"allowed place without a host", "undeclared: Warn", "allowed: [team-a/web]", "does not begin with a registry's host"},
		{"allowed place on every host", "undeclared: Warn", "allowed: ['*/team-a/**']", "does not begin with a registry's host"},
		{"allowed tag", "undeclared: Warn", "allowed: ['registry.example.com/web:1']", "names a tag or a digest"},
		{"platform of another form", "linux/amd64", "amd64", `spec.images.platforms[0]: "amd64" has the wrong form`},
		{"platform twice", "linux/arm64", "linux/amd64", "is there twice"},
		{"image field without kind", "      kind: Engine\n", "", "spec.images.fields[0].kind: is required"},
		{"image field with a leading dot", "path: spec.image", "path: .spec.image", "is no path"},
		{"unknown noMatch", "noMatch: Deny", "noMatch: Allow", "spec.trust.noMatch"},
		{"unknown besideSigstore", "besideSigstore: Both", "besideSigstore: Any", "spec.trust.notation.besideSigstore"},
		{"no Notation trust policy", "trustPolicy: trustpolicy.json", "trustPolicy: ''", "spec.trust.notation.trustPolicy"},
		{"no Notation trust store", "trustStore: truststore", "trustStore: ''", "spec.trust.notation.trustStore"},
		{"revocation host with a scheme", "hosts: [ocsp.example.com]", "hosts: ['http://ocsp.example.com']", "spec.trust.notation.revocation.hosts[0]"},
		{"unknown platforms", "platforms: AllLeaves", "platforms: Some", "spec.trust.platforms"},
		{"trust policy that is not loaded", "policies: [team-a]", "policies: [team-b]", `full.yaml:29: spec.trust.policies[0]: there is no ClusterImagePolicy "team-b"`},
		{"empty list of trust policies", "policies: [team-a]", "policies: []", "is an empty list, which would mean all"},
		{"judge policy that is not loaded", "policies: [no-latest]", "policies: [no-root]", `there is no ValidatingAdmissionPolicy or ValidatingPolicy or NamespacedValidatingPolicy or constraint "no-root"`},
		{"profile without version", "profile/restricted@1", "profile/restricted", "spec.profile"},
		{"pack in place of a profile", "profile/restricted@1", "pack/workload@1", "spec.profile"},
		{"pack without version", "pack/workload@1", "pack/workload", "spec.judge.packs[0]"},
		{"self as a pack", "pack/workload@1", "pack/self@1", "self is always on"},
		{"unknown pod security level", "level: restricted\n", "level: strict\n", "spec.judge.podSecurity.level"},
		{"pod security without level", "      level: restricted\n", "", "spec.judge.podSecurity.level: is required"},
		{"pod security version", "version: v1.34", "version: 1.34.1", `"1.34.1" has the wrong form`},
		{"rule level", "level: Warn", "level: Info", "spec.judge.rules[0].level"},
		{"rule without area", "rule: workload/probes", "rule: probes", "spec.judge.rules[0].rule"},
		{"level for a self rule", "rule: workload/probes", "rule: self/kinds", `"self/kinds" belongs to self`},
		{"indeterminate", "indeterminate: Warn", "indeterminate: Off", "spec.judge.indeterminate"},
		{"limit that does not exist", "renderSeconds: 20", "renderSecond: 20", "spec.limits.renderSecond: setting limit renderSecond: there is no such limit"},
		{"limit of zero", "renderSeconds: 20", "renderSeconds: 0", "0 is below 1"},
		{"limit out of range", "renderSeconds: 20", "renderSeconds: 99999999999999999999", "spec.limits.renderSeconds"},
		{"null", "  profile: profile/restricted@1", "  profile:", "spec.profile: has no value"},
		{"namespace with a glob", "protectedNamespaces: [platform]", "protectedNamespaces: ['platform-*']", "spec.protectedNamespaces[0]"},
		{"label that is no text", "enforce: restricted}", "enforce: true}", "is the boolean true"},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, full) })
	}
}

func TestLoad_ValueOfAnotherTypeIsOneProblem(t *testing.T) {
	full := fullText(t)
	for _, change := range [][2]string{{"deny: On", "deny: true"}, {"mode: Locked", "mode: 1"}, {"level: Warn", "level: [Warn]"}, {"owner: team-a", "owner: 7"}} {
		if !strings.Contains(full, change[0]) {
			t.Fatalf("%q is not in the file", change[0])
		}
		if _, err := Parse("full.yaml", []byte(strings.Replace(full, change[0], change[1], 1))); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", change[1], err)
		}
	}
}

func TestLoad_SelectorsThatAreRefused(t *testing.T) {
	full := fullText(t)
	for _, test := range []refusal{
		{"base gate chosen by path", "namespaces: [team-a]", "paths: [apps/**]", "spec.selector.paths: a base gate is chosen by what the platform controls"},
		{"base gate chosen by name", "namespaces: [team-a]", "applications: [shop]", "spec.selector.applications: a base gate"},
		{"base gate chosen by repository", "namespaces: [team-a]", "repositories: ['**']", "spec.selector.repositories: a base gate"},
		{"glob with a question mark", `"team-a-*"`, `"team-?"`, "only * (within a segment)"},
		{"glob with braces", `"team-a-*"`, `"{a,b}"`, "only * (within a segment)"},
		{"empty glob", `"team-a-*"`, `""`, "spec.selector.projects[1]: is empty"},
		{"empty list", "namespaces: [team-a]", "namespaces: []", "is an empty list"},
		{"endless glob", `"team-a-*"`, strings.Repeat("x", 301), "longer than 300 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, full) })
	}
	for name, spec := range map[string]string{
		"platform for every project":  "  base: true\n  platform: true\n  selector: {projects: ['**']}",
		"platform without a selector": "  base: true\n  platform: true",
		"platform in an added gate":   "  platform: true\n  selector: {projects: [platform]}",
	} {
		if _, err := Parse("a.yaml", []byte(gateText("a", spec))); err == nil || !strings.Contains(err.Error(), "spec.platform: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse("a.yaml", []byte(gateText("a", "  base: true\n  platform: true\n  selector: {projects: [platform]}"))); err != nil {
		t.Errorf("a twin: %v", err)
	}
}

func TestLoad_RegistriesThatAreRefused(t *testing.T) {
	full := fullText(t)
	for _, test := range []refusal{
		{"scheme", "host: registry.example.com:5000", "host: https://registry.example.com", "has a scheme"},
		{"path", "host: registry.example.com:5000", "host: registry.example.com/team-a", "has a path"},
		{"glob", "host: registry.example.com:5000", "host: '*.example.com'", "is no host"},
		{"capitals", "host: registry.example.com:5000", "host: Registry.example.com", "is no host"},
		{"another name of Docker Hub", "host: registry.example.com:5000", "host: docker.io", "write index.docker.io"},
		{"prefix without a slash", "prefix: team-a/", "prefix: team-a", "team-a would match team-abc too"},
		{"http to a public host", "private: true", "plainHTTP: true", "http is for loopback and private hosts"},
		{"two kinds of credentials", "dockerConfig: config.json", "dockerConfig: config.json\n      keychain: ecr", "2 kinds of credentials"},
		{"no kind of credentials", "    credentials:\n      dockerConfig: config.json", "    credentials: {}", "0 kinds of credentials"},
		{"user without password", "dockerConfig: config.json", "usernameFile: user", "belong together"},
		{"cloud keychain for another host", "dockerConfig: config.json", "keychain: ecr", "is not a host of ecr"},
		{"unknown keychain", "dockerConfig: config.json", "keychain: hub", "write one of ecr, acr, gar"},
		{"mirror with a scheme", "mirror.example.com/copies", "https://mirror.example.com/copies", "spec.registries[0].mirrors[0]"},
		{"chart host with a scheme", "charts.example.com", "https://charts.example.com", "spec.charts.hosts[0]"},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, full) })
	}
	for keychain, host := range map[string]string{
		"ecr": "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "acr": "example.azurecr.io", "gar": "europe-docker.pkg.dev",
	} {
		changed := strings.NewReplacer("host: registry.example.com:5000", "host: "+host, "dockerConfig: config.json", "keychain: "+keychain).Replace(full)
		if _, err := Parse("a.yaml", []byte(changed)); err != nil {
			t.Errorf("a twin, %s: %v", keychain, err)
		}
	}
}

func TestLoad_ExceptionsThatAreRefused(t *testing.T) {
	full := fullText(t)
	object := "    object: {apiVersion: apps/v1, kind: Deployment, namespace: team-a, name: agent}\n"
	for _, test := range []refusal{
		{"waiver of a self rule", "rule: image/not-signed", "rule: self/kinds", `"self/kinds" belongs to self, which no waiver covers`},
		{"waiver without image and object", "    image: registry.example.com/team-a/legacy\n", "", "names neither an image nor an object"},
		{"waiver with both", object, object + "    image: registry.example.com/team-a/legacy\n", "names both an image and an object"},
		{"waiver by tag", "team-a/legacy", "team-a/legacy:v1", "is not a repository in normal form"},
		{"waiver by short name", "image: registry.example.com/team-a/legacy", "image: nginx", "write index.docker.io/library/nginx"},
		{"waiver without content", "    content: sha256:" + strings.Repeat("0", 64) + "\n", "", "spec.waivers[0].content: is required"},
		{"waiver with short content", "sha256:" + strings.Repeat("0", 64), "sha256:00", "has the wrong form"},
		{"waiver without owner", "    owner: team-a\n", "", "spec.waivers[0].owner: is required"},
		{"waiver without reason", "    reason: the build moves next month\n", "", "spec.waivers[0].reason: is required"},
		{"waiver without reference", "    reference: https://tickets.example.com/17\n", "", "spec.waivers[0].reference: is required"},
		{"waiver without approver", "    approver: platform@example.com\n    until", "    until", "spec.waivers[0].approver: is required"},
		{"waiver without end", "    until: 2026-12-31\n  - rule", "  - rule", "spec.waivers[0].until: is required"},
		{"waiver with a time as its end", "until: 2026-12-31", "until: 2026-12-31T00:00:00Z", "spec.waivers[0].until"},
		{"waiver with a day that does not exist", "until: 2026-12-31", "until: 2026-02-30", "spec.waivers[0].until"},
		{"waived object without name", ", name: agent}", "}", "spec.waivers[1].object.name: is required"},
		{"break glass for a day and a minute", "until: 2026-11-23T20:00:00Z", "until: 2026-11-24T08:01:00Z", "the longest is 24h0m0s"},
		{"break glass that ends before it begins", "until: 2026-11-23T20:00:00Z", "until: 2026-11-23T07:00:00Z", "is not after from"},
		{"break glass without revision", "    revision: 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n", "", "spec.breakGlass[0].revision: is required"},
		{"break glass with an empty application", "application: shop", "application: ''", "spec.breakGlass[0].application: is empty"},
		{"break glass without approver", "    approver: platform@example.com\n    from", "    from", "spec.breakGlass[0].approver: is required"},
		{"break glass with days", "from: 2026-11-23T08:00:00Z", "from: 2026-11-23", "spec.breakGlass[0].from"},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, full) })
	}
	if _, err := Parse("a.yaml", []byte(strings.Replace(full, "until: 2026-11-23T20:00:00Z", "until: 2026-11-24T08:00:00Z", 1))); err != nil {
		t.Errorf("a twin of exactly 24 hours: %v", err)
	}
}

func TestLoad_NamesThatAreThereTwice(t *testing.T) {
	full := fullText(t)
	for _, kind := range []string{"kind: Gate", "kind: ClusterImagePolicy", "kind: TrustRoot", "kind: ValidatingAdmissionPolicy"} {
		var again string
		for _, document := range strings.Split(full, "\n---\n") {
			if strings.Contains(document, kind+"\n") {
				again = document
			}
		}
		_, err := Parse("full.yaml", []byte(full+"---\n"+again))
		if err == nil || !strings.Contains(err.Error(), "there are two of "+strings.TrimPrefix(kind, "kind: ")) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
