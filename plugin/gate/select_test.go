package gate

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func mustParse(t *testing.T, documents ...string) *Config {
	t.Helper()
	config, err := Parse("gate.yaml", []byte(strings.Join(documents, "---\n")))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func names(gates []Gate) string {
	var out []string
	for _, gate := range gates {
		out = append(out, gate.Metadata.Name)
	}
	return strings.Join(out, " ")
}

func TestSelect_BaseGatesByProjectAndTheOthersAdd(t *testing.T) {
	config := mustParse(t,
		gateText("team-a", "  base: true\n  selector: {projects: [team-a, 'a-*']}"),
		gateText("team-b", "  base: true\n  selector: {projects: [team-b]}"),
		gateText("flux", "  base: true\n  selector: {namespaces: [apps]}"),
		gateText("shop", "  selector: {applications: [shop]}"),
		gateText("prod", "  selector: {paths: ['**/prod'], repositories: ['https://git.example.com/team-a/**']}"),
	)
	for _, test := range []struct {
		name string
		app  plugin.Application
		path string
		want string
	}{
		{"project", plugin.Application{Name: "web", Project: "team-a", Repository: "https://git.example.com/x.git"}, "dev", "flux team-a"},
		{"glob over projects", plugin.Application{Name: "web", Project: "a-7", Repository: "https://git.example.com/x.git"}, "dev", "flux team-a"},
		{"name adds", plugin.Application{Name: "shop", Project: "team-b", Repository: "https://git.example.com/x.git"}, "dev", "flux shop team-b"},
		{"path and repository add", plugin.Application{Name: "web", Project: "team-a", Repository: "https://git.example.com/team-a/x"}, "apps/prod", "flux prod team-a"},
		{"path alone does not", plugin.Application{Name: "web", Project: "team-a", Repository: "https://git.example.com/x"}, "apps/prod", "flux team-a"},
		{"another spelling of the repository", plugin.Application{Name: "web", Project: "team-a", Repository: "git@GIT.example.com:team-a/x.git"}, "./apps//prod/", "flux prod team-a"},
		{"unknown path and name match", plugin.Application{Project: "team-a", Repository: "https://git.example.com/team-a/x"}, "", "flux prod shop team-a"},
		{"source namespace", plugin.Application{Name: "web", SourceNamespace: "apps", Repository: "https://git.example.com/x"}, "dev", "flux team-a team-b"},
		{"no project: every base gate", plugin.Application{Name: "web", Repository: "https://git.example.com/x"}, "dev", "flux team-a team-b"},
	} {
		gates, err := config.Select(test.app, test.path)
		if err != nil || names(gates) != test.want {
			t.Errorf("%s: %q %v", test.name, names(gates), err)
		}
	}
}

func TestSelect_PathInTheRepositoryChoosesBesideThatInTheTree(t *testing.T) {
	config := mustParse(t,
		gateText("base", "  base: true"),
		gateText("prod", "  selector: {paths: ['teams/prod/**']}"),
		gateText("web", "  selector: {paths: [web]}"),
	)
	for _, test := range []struct {
		name             string
		tree, repository string
		want             string
	}{
		{"the tree is a part of the repository", "web", "teams/prod/web", "base prod web"},
		{"another folder of the repository", "web", "teams/dev/web", "base web"},
		{"the tree is the repository", "teams/prod/web", "teams/prod/web", "base prod"},
		{"the platform does not say it", "web", "", "base web"},
		{"the tree's is not known", "", "./teams//prod/web/", "base prod"},
		{"neither is known", "", "", "base prod web"},
	} {
		gates, err := config.Select(plugin.Application{Name: "shop"}, test.tree, test.repository)
		if err != nil || names(gates) != test.want {
			t.Errorf("%s: %q %v, want %q", test.name, names(gates), err, test.want)
		}
	}
}

func TestSelect_ApplicationThatNoBaseGateCoversIsDenied(t *testing.T) {
	config := mustParse(t,
		gateText("team-a", "  base: true\n  selector: {projects: [team-a]}"),
		gateText("system", "  base: true\n  platform: true\n  selector: {namespaces: [flux-system]}"),
		gateText("extra", "  selector: {applications: ['*']}"),
	)
	for name, app := range map[string]plugin.Application{
		"other project":                                 {Name: "web", Project: "team-x"},
		"project that is a prefix":                      {Name: "web", Project: "team-a2"},
		"project with the glob's own text around it":    {Name: "web", Project: "xteam-a"},
		"gate of another door does not cover it":        {Name: "flux-system", Project: "flux-system"},
		"other source namespace, project gates unknown": {Name: "web", SourceNamespace: "apps"},
	} {
		gates, err := config.Select(app, ".")
		var refusal *plugin.Refusal
		if gates != nil || !errors.As(err, &refusal) || refusal.Rule != "gate/none" || !strings.Contains(refusal.Hint, "team-a (projects team-a)") {
			t.Errorf("%s: %v %v", name, names(gates), err)
		}
	}
	if _, err := config.Select(plugin.Application{Name: "web", Project: "team-a"}, "."); err != nil {
		t.Errorf("a twin: %v", err)
	}
	byName := Gate{Metadata: Metadata{Name: "a"}, Spec: Spec{Base: true, Selector: Selector{Projects: []string{"team-a"}, Applications: []string{"shop"}}}}
	if gates, err := (&Config{Gates: []Gate{byName}}).Select(plugin.Application{Name: "shop", SourceNamespace: "apps"}, "."); err == nil {
		t.Errorf("an application chose its base gate by its own name: %v", names(gates))
	}
	if _, err := (&Config{}).Select(plugin.Application{Project: "team-a"}, "."); err == nil {
		t.Error("an empty configuration covers an application")
	}
}

func TestSelect_ConflictWithoutAProjectNamesTheVariable(t *testing.T) {
	config := mustParse(t,
		gateText("a", "  base: true\n  profile: profile/baseline@1\n  selector: {projects: [team-a]}"),
		gateText("b", "  base: true\n  selector: {projects: [team-b]}"),
	)
	_, err := config.Select(plugin.Application{Name: "web"}, ".")
	var refusal *plugin.Refusal
	if !errors.As(err, &refusal) || refusal.Rule != "gate/conflict" || !strings.Contains(refusal.Hint, "ARGOCD_APP_PROJECT_NAME") {
		t.Fatalf("%v", err)
	}
	if findings := plugin.FindingsFromError("gate", err); len(findings) != 1 || findings[0].Level != plugin.Deny || findings[0].Origin.Line == 0 {
		t.Errorf("%+v", findings)
	}
	if gates, err := config.Select(plugin.Application{Name: "web", Project: "team-b"}, "."); err != nil || names(gates) != "b" {
		t.Errorf("a twin with its project: %v", err)
	}
}

func TestLoad_GatesThatCanMeetAndDisagreeAreRefused(t *testing.T) {
	for _, test := range []struct {
		name, one, two string
		conflict       string
	}{
		{"profiles", "  base: true\n  profile: profile/baseline@1", "  base: true", "spec.profile: profile/baseline@1 and profile/restricted@1"},
		{"none is a profile", "  base: true", "  profile: none", "spec.profile: profile/restricted@1 and none"},
		{"globs that meet", "  base: true\n  profile: none\n  selector: {projects: ['team-*']}", "  base: true\n  selector: {projects: ['*-a']}", "spec.profile"},
		{"globs that do not", "  base: true\n  profile: none\n  selector: {projects: ['team-*']}", "  base: true\n  selector: {projects: ['a-*']}", ""},
		{"an added gate has no opinion", "  base: true\n  profile: none", "  selector: {applications: [shop]}", ""},
		{"no profile where nothing is hardened", "  base: true\n  profile: none", "  base: true\n  switches: {harden: Off}", ""},
		{"credentials", credentialGate("one.json"), credentialGate("two.json"), "spec.registries (registry.example.com) credentials: dockerConfig one.json and dockerConfig two.json"},
		{"same credentials", credentialGate("one.json"), credentialGate("./one.json"), ""},
		{"namespace labels", "  base: true\n  namespaces: [{name: a, labels: {x: '1'}}]", "  base: true\n  namespaces: [{name: a, labels: {x: '2'}}]", "spec.namespaces (a) labels"},
		{"same labels", "  base: true\n  namespaces: [{name: a, labels: {x: '1'}}]", "  base: true\n  namespaces: [{name: a, labels: {x: '1'}}]", ""},
	} {
		for _, order := range [][2]string{{test.one, test.two}, {test.two, test.one}} {
			_, err := Parse("gate.yaml", []byte(gateText("a", order[0])+"---\n"+gateText("b", order[1])))
			switch {
			case test.conflict == "" && err != nil:
				t.Errorf("%s: %v", test.name, err)
			case test.conflict != "" && (err == nil || !strings.Contains(err.Error(), strings.SplitN(test.conflict, ":", 2)[0])):
				t.Errorf("%s: %v", test.name, err)
			case test.conflict != "" && order[0] == test.one && !strings.Contains(err.Error(), `gates "a" and "b" differ in `+test.conflict):
				t.Errorf("%s: %v", test.name, err)
			}
		}
	}
}

func credentialGate(file string) string {
	return "  base: true\n  registries: [{host: registry.example.com, credentials: {dockerConfig: " + file + "}}]"
}

func TestGlobsMeet_AgreesWithTextsThatMatchBoth(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"*", "a", true}, {"*", "a/b", false}, {"**", "a/b", true},
		{"*a", "b*", true}, {"a*", "b*", false}, {"a*c", "ab*", true}, {"*/b", "a/*", true}, {"*/b", "**b", true},
		{"a/*/c", "a/**", true}, {"a/*", "a/*/c", false}, {"*", "**", true}, {"", "", true}, {"", "a", false}, {"", "*", true},
		{"x*y*z", "xz", false}, {"x*y*z", "x**z", true}, {"ab", "a", false}, {"a", "ab", false},
	} {
		if globsMeet(test.a, test.b) != test.want || globsMeet(test.b, test.a) != test.want {
			t.Errorf("%q and %q: want %v", test.a, test.b, test.want)
		}
	}
}

func TestBareRepository_SpellingsOfOneRepositoryAreEqual(t *testing.T) {
	for _, url := range []string{
		"https://git.example.com/team-a/app", "https://GIT.example.com/team-a/app.git", "https://user@git.example.com/team-a/app/", "git@git.example.com:team-a/app.git",
		"ssh://git@git.example.com/team-a/app.git", "git.example.com/team-a/app",
	} {
		if got := bareRepository(url); got != "git.example.com/team-a/app" {
			t.Errorf("%s: %s", url, got)
		}
	}
	if got := bareRepository("git.example.com:8443/team-a/app"); got != "git.example.com:8443/team-a/app" {
		t.Error(got)
	}
	if bareRepository("") != "" {
		t.Error("an unknown repository became a known one")
	}
}
