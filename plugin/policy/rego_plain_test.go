package policy

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// regoConfig is a gate with files of Rego in a folder of its own.
func regoConfig(t testing.TB, files map[string]string, change func(*gate.Rego)) Config {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written := gate.Rego{Files: []string{"policy"}}
	if change != nil {
		change(&written)
	}
	g := gateWith(gate.Judge{Rego: &written})
	g.At = plugin.Origin{File: filepath.ToSlash(filepath.Join(folder, "gate.yaml")), Line: 1}
	return Config{Gate: g}
}

func denyFile(body string) map[string]string {
	return map[string]string{"policy/deny.rego": "package main\n" + body}
}

const ownerRule = `deny contains msg if {
	input.kind == "ConfigMap"
	not input.metadata.labels.owner
	msg := sprintf("%s has no owner", [input.metadata.name])
}`

func plainFindings(t testing.TB, files map[string]string, object string, change func(*gate.Rego)) []plugin.Finding {
	t.Helper()
	return judgeWith(t, regoConfig(t, files, change), sealed(t, object))
}

func TestRego_DenyDeniesEachObject(t *testing.T) {
	finding := one(t, plainFindings(t, denyFile(ownerRule), unowned+"---\n"+strings.Replace(owned, "web", "api", 1), nil))
	if finding.Rule != "policy/main/deny" || finding.Level != plugin.Deny || finding.Message != "web has no owner" || finding.Object.Name != "web" ||
		!strings.Contains(finding.Details[0], "policy/deny.rego:2") {
		t.Errorf("%+v", finding)
	}
	if found := plainFindings(t, denyFile(ownerRule), owned, nil); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestRego_RulesByName(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want int
		rule string
		at   plugin.Level
	}{
		"deny":             {`deny contains "x"`, 1, "policy/main/deny", plugin.Deny},
		"deny_name":        {`deny_latest contains "x"`, 1, "policy/main/deny_latest", plugin.Deny},
		"violation":        {`violation contains {"msg": "x"}`, 1, "policy/main/violation", plugin.Deny},
		"warn":             {`warn contains "x"`, 1, "policy/main/warn", plugin.Warn},
		"warn_name":        {`warn_old_2 contains "x"`, 1, "policy/main/warn_old_2", plugin.Warn},
		"a list":           {`deny := ["x"]`, 1, "policy/main/deny", plugin.Deny},
		"an empty list":    {`deny := []`, 0, "", 0},
		"undefined":        {`deny contains "x" if false`, 0, "", 0},
		"false":            {`deny := false`, 0, "", 0},
		"true":             {`deny := true`, 1, "policy/main/deny", plugin.Deny},
		"text":             {`deny := "x"`, 1, "policy/main/deny", plugin.Deny},
		"a helper":         {"deny contains \"x\" if helper\nhelper if input.kind == \"ConfigMap\"", 1, "policy/main/deny", plugin.Deny},
		"a built-in fails": {`deny contains "x" if to_number("a") > 1`, 1, "policy/main/deny", plugin.Deny},
		"the run's clock":  {`deny contains "x" if time.now_ns() == 1780272000000000000`, 1, "policy/main/deny", plugin.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			found := plainFindings(t, denyFile(test.body), unowned, nil)
			if len(found) != test.want || test.want == 1 && (found[0].Rule != test.rule || found[0].Level != test.at || found[0].Message == "") {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestRego_MetadataIsKept(t *testing.T) {
	finding := one(t, plainFindings(t, denyFile(`deny contains {"msg": "x", "field": "data.key", "severity": "high"}`), unowned, nil))
	if finding.Message != "x" || finding.Field != "data.key" || !strings.Contains(strings.Join(finding.Details, "\n"), `"severity":"high"`) {
		t.Errorf("%+v", finding)
	}
}

func TestRego_ExceptionsAreByRule(t *testing.T) {
	rules := "deny_owner contains \"x\"\n"
	for name, test := range map[string]struct {
		exception string
		want      int
	}{
		"of the rule":       {"exception contains [\"owner\"] if input.metadata.name == \"web\"", 0},
		"of another object": {"exception contains [\"owner\"] if input.metadata.name == \"api\"", 1},
		"of another rule":   {"exception contains [\"latest\"] if true", 1},
	} {
		t.Run(name, func(t *testing.T) {
			if found := plainFindings(t, denyFile(rules+test.exception), unowned, nil); len(found) != test.want {
				t.Errorf("%+v, want %d", found, test.want)
			}
		})
	}
	if found := plainFindings(t, denyFile("deny contains \"x\"\nexception contains [\"\"] if true"), unowned, nil); len(found) != 0 {
		t.Errorf("of the rule without a name: %+v", found)
	}
}

func TestRego_NamespacesDataLibrariesAndVersions(t *testing.T) {
	files := map[string]string{
		"policy/a.rego":        "package team.kubernetes\nimport data.lib.names\ndeny contains \"x\" if names.forbidden(input.metadata.name)",
		"policy/lib/b.rego":    "package lib.names\nforbidden(name) if name in data.limits.names",
		"policy/a_test.rego":   "package team.kubernetes\ntest_a if {",
		"data/limits/n.yaml":   "names: [web]\n",
		"data/limits/more.txt": "no data",
	}
	named := func(r *gate.Rego) { r.Namespaces, r.Data = []string{"team.kubernetes"}, []string{"data"} }
	if finding := one(t, plainFindings(t, files, unowned, named)); finding.Rule != "policy/team.kubernetes/deny" {
		t.Errorf("%+v", finding)
	}
	files["data/limits/n.yaml"] = "names: [api]\n"
	if found := plainFindings(t, files, unowned, named); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
	v0 := denyFile("deny[msg] { msg := \"x\" }")
	one(t, plainFindings(t, v0, unowned, func(r *gate.Rego) { r.V0 = true }))
	if _, err := NewCompiler().Compile(regoConfig(t, v0, nil)); err == nil || !strings.Contains(err.Error(), "does not parse as Rego v1") {
		t.Errorf("v0 as v1: %v", err)
	}
}

func TestRego_CombinedObjectsAreOneInput(t *testing.T) {
	files := denyFile(`deny contains msg if {
	names := [entry.contents.metadata.name | some entry in input; entry.path == "app.yaml"]
	count(names) == 2
	msg := concat(", ", names)
}`)
	two := unowned + "---\n" + strings.Replace(unowned, "web", "api", 1)
	combine := func(r *gate.Rego) { r.Combine = true }
	if finding := one(t, plainFindings(t, files, two, combine)); finding.Message != "web, api" || !finding.Object.IsZero() {
		t.Errorf("%+v", finding)
	}
	if found := plainFindings(t, files, unowned, combine); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestRego_MessagesAboutSecretsQuoteNothing(t *testing.T) {
	files := denyFile("deny contains input.data.key")
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: team-a}\ndata: {key: c2VjcmV0}\n"
	if finding := one(t, plainFindings(t, files, secret, nil)); strings.Contains(finding.Message, "c2VjcmV0") {
		t.Errorf("%+v", finding)
	}
	combined := denyFile("deny contains input[0].contents.data.key")
	if finding := one(t, plainFindings(t, combined, secret, func(r *gate.Rego) { r.Combine = true })); strings.Contains(finding.Message, "c2VjcmV0") {
		t.Errorf("%+v", finding)
	}
}

func TestRego_BadConfigurationIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		files  map[string]string
		change func(*gate.Rego)
		want   string
	}{
		"no such folder":   {nil, nil, "gate.yaml:1: reading judge.rego: "},
		"no Rego in it":    {map[string]string{"policy/a.txt": "a"}, nil, "policy holds no file ending in .rego"},
		"does not parse":   {denyFile("deny contains"), nil, "policy/deny.rego: policy/deny.rego does not parse as Rego v1"},
		"does not compile": {denyFile("deny contains m if true"), nil, "judge.rego does not compile"},
		"the network":      {denyFile("deny contains \"x\" if http.send({})"), nil, "line 2: http.send may not be called here"},
		"no rule":          {denyFile("allow := true"), nil, "package main has no rule deny, violation or warn"},
		"no such package":  {denyFile("deny contains \"x\""), func(r *gate.Rego) { r.Namespaces = []string{"other"} }, "package other has no rule"},
		"above the folder": {denyFile("deny contains \"x\""), func(r *gate.Rego) { r.Files = []string{"../policy"} }, "reading judge.rego"},
		"data is a list":   {map[string]string{"policy/a.rego": "package main\ndeny contains \"x\"", "data.yaml": "[1]\n"}, func(r *gate.Rego) { r.Data = []string{"data.yaml"} }, "data is an object with keys"},
		"data twice": {map[string]string{"policy/a.rego": "package main\ndeny contains \"x\"", "a.yaml": "a: 1\n", "b.yaml": "a: 2\n"},
			func(r *gate.Rego) { r.Data = []string{"a.yaml", "b.yaml"} }, "data.a is there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewCompiler().Compile(regoConfig(t, test.files, test.change))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestRego_LinksDoNotLeaveTheFolder(t *testing.T) {
	config := regoConfig(t, denyFile(`deny contains "x"`), nil)
	elsewhere := filepath.Join(t.TempDir(), "b.rego")
	if err := os.WriteFile(elsewhere, []byte("package main\ndeny contains \"y\""), 0o644); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(filepath.FromSlash(config.Gate.At.File))
	if err := os.Symlink(elsewhere, filepath.Join(folder, "policy", "b.rego")); err != nil {
		t.Fatal(err)
	}
	if _, err := NewCompiler().Compile(config); err == nil || !strings.Contains(err.Error(), "reading judge.rego") {
		t.Errorf("got %v", err)
	}
}

func TestRego_ARuleThatCostsTooMuchIsADenial(t *testing.T) {
	judge := judgeOf(t, regoConfig(t, denyFile("deny contains \"x\" if { a := numbers.range(1, 100000); a[_] + a[_] == 1 }"), nil)).(*gateJudge)
	for _, each := range judge.engines {
		if engine, ok := each.(*plainRego); ok {
			engine.deadline = 50 * time.Millisecond
		}
	}
	found := judge.Judge(t.Context(), sealed(t, unowned))
	if finding := one(t, found); finding.Level != plugin.Deny || !strings.Contains(finding.Message, "costs too much") {
		t.Errorf("%+v", finding)
	}
}

func TestRego_ACancelledRunHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	findings := judgeOf(t, regoConfig(t, denyFile(ownerRule), nil)).Judge(ctx, sealed(t, unowned))
	if finding := one(t, findings); finding.Level != plugin.Undetermined {
		t.Errorf("%+v", finding)
	}
}
