package gate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

func fullText(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLoad_EveryFieldIsRead(t *testing.T) {
	config, err := Load("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Gates) != 1 || len(config.ImagePolicies) != 1 || len(config.TrustRoots) != 1 || len(config.Documents) != 1 {
		t.Fatalf("loaded %d gates, %d policies, %d roots, %d documents", len(config.Gates), len(config.ImagePolicies), len(config.TrustRoots), len(config.Documents))
	}
	spec := config.Gates[0].Spec
	for what, ok := range map[string]bool{
		"duration in days":   spec.Lock.MaxBuildAge == Duration(30*24*time.Hour),
		"duration":           spec.Freshness.FreshFor == Duration(time.Minute),
		"switch":             spec.Switches.Pin == On,
		"number":             spec.Limits["renderSeconds"] == 20,
		"day":                spec.Waivers[0].Until.String() == "2026-12-31",
		"time":               spec.BreakGlass[0].From.Equal(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)),
		"pointer":            spec.Waivers[1].Object.Name == "agent" && spec.Registries[0].Credentials.DockerConfig == "config.json",
		"map of text":        spec.Namespaces[0].Labels["pod-security.kubernetes.io/enforce"] == "restricted",
		"line of the gate":   config.Gates[0].At == plugin.Origin{File: "testdata/full.yaml", Line: 1},
		"line of a waiver":   config.Gates[0].Spec.Waivers[0].At.Line == 69,
		"line of an entry":   config.Gates[0].Spec.BreakGlass[0].At.Line == 88,
		"line of identity":   config.ImagePolicies[0].Spec.Authorities[1].Keyless.Identities[0].At.Line == 124,
		"line of a document": config.Documents[0].At.Line == 137,
		"authority's name":   config.ImagePolicies[0].Spec.Authorities[1].Name == "authority-1",
		"document as JSON": string(config.Documents[0].JSON) == `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy",`+
			`"metadata":{"name":"no-latest"},"spec":{"failurePolicy":"Fail","validations":[{"expression":"true"}]}}`,
	} {
		if !ok {
			t.Errorf("%s is read wrongly", what)
		}
	}
	for _, warning := range config.Warnings {
		t.Errorf("unexpected warning: %s %s", warning.Origin, warning.Message)
	}
}

func TestLoad_AllProblemsAtOnceWithFileAndLine(t *testing.T) {
	_, err := Parse("gate.yaml", []byte(`apiVersion: assay.dev/v1alpha1
kind: Gate
metadata:
  name: a
spec:
  base: yes please
  colour: red
  limits:
    fileBytes: lots
  images:
    platforms: linux/amd64
  profile: 7
`))
	for _, want := range []string{
		`gate.yaml:6: spec.base: is text; write true or false`,
		`gate.yaml:7: spec: unknown field "colour"; known are base, selector,`,
		`gate.yaml:9: spec.limits.fileBytes: is text; write a whole decimal number`,
		`gate.yaml:11: spec.images.platforms: is text, not a list`,
		`gate.yaml:12: spec.profile: is the number 7; quote it`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in:\n%v", want, err)
		}
	}
	findings := plugin.FindingsFromError("gate", err)
	if len(findings) != 5 {
		t.Fatalf("%d findings, want one for each problem:\n%v", len(findings), err)
	}
	for i, finding := range findings {
		if finding.Level != plugin.Deny || finding.Rule != "gate/invalid" || finding.Origin.Line == 0 || finding.Hint == "" || !finding.Unwaivable {
			t.Errorf("finding %d: %+v", i, finding)
		}
	}
}

func TestLoad_KindsThatAreNotReadAreRefusedByName(t *testing.T) {
	for _, test := range []struct{ apiVersion, kind, want string }{
		{"templates.gatekeeper.sh/v1alpha1", "ConstraintTemplate", "ConstraintTemplate (templates.gatekeeper.sh/v1alpha1) is not read in this version"},
		{"constraints.gatekeeper.sh/v1alpha1", "K8sRequiredLabels", "write constraints.gatekeeper.sh/v1beta1"},
		{"mutations.gatekeeper.sh/v1", "Assign", "of Gatekeeper, templates and constraints are read"},
		{"policies.kyverno.io/v1alpha1", "ValidatingPolicy", "write policies.kyverno.io/v1"},
		{"policies.kyverno.io/v1", "ImageValidatingPolicy", "write a ClusterImagePolicy"},
		{"policies.kyverno.io/v1", "NamespacedMutatingPolicy", "write a MutatingAdmissionPolicy"},
		{"policies.kyverno.io/v1", "GeneratingPolicy", "judges nothing"},
		{"policies.kyverno.io/v1", "NamespacedDeletingPolicy", "judges nothing"},
		{"kyverno.io/v1", "ClusterPolicy", "write its validations as a ValidatingPolicy"},
		{"kyverno.io/v1", "Policy", "write its validations as a ValidatingPolicy"},
		{"kyverno.io/v2", "ClusterCleanupPolicy", "judges nothing"},
		{"kyverno.io/v2", "PolicyException", "take it out of the gate"},
		{"admissionregistration.k8s.io/v2", "MutatingAdmissionPolicy", "write admissionregistration.k8s.io/v1"},
		{"admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy", "write admissionregistration.k8s.io/v1"},
		{"policy.sigstore.dev/v1beta1", "TrustRoot", "write policy.sigstore.dev/v1alpha1"},
		{"assay.dev/v1", "Gate", "write assay.dev/v1alpha1"},
		{"v1", "ConfigMap", "mount it as a folder"},
		{"v1", "PodList", "write its items as documents"},
		{"apps/v1", "Deployment", "Deployment (apps/v1) is no kind that is known"},
	} {
		_, err := Parse("x.yaml", []byte("\napiVersion: "+test.apiVersion+"\nkind: "+test.kind+"\n"))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "x.yaml:3: ") {
			t.Errorf("%s: %v", test.kind, err)
		}
	}
	for text, want := range map[string]string{
		`{"@context": "https://openvex.dev/ns/v0.2.0"}`: "x.json:1: reading the gate's configuration: OpenVEX documents are not implemented",
		`{"version": "1.0", "trustPolicies": []}`:       "no gate names this Notation trust policy",
		`{"mediaType": "x"}`:                            "the object has no apiVersion and kind",
		`[]`:                                            "this is no object with apiVersion and kind",
		`hello`:                                         "this is no object with apiVersion and kind",
	} {
		if _, err := Parse("x.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLoad_EmptyIsAnError(t *testing.T) {
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "README.md"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, load := range map[string]func() (*Config, error){
		"no path":                  func() (*Config, error) { return Load() },
		"folder without policies":  func() (*Config, error) { return Load(empty) },
		"path that does not exist": func() (*Config, error) { return Load(filepath.Join(empty, "gate.yaml")) },
		"empty file":               func() (*Config, error) { return Parse("a.yaml", nil) },
		"only comments":            func() (*Config, error) { return Parse("a.yaml", []byte("# later\n---\n---\n")) },
		"null":                     func() (*Config, error) { return Parse("a.yaml", []byte("null")) },
	} {
		if config, err := load(); err == nil || config != nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Parse("a.yaml", []byte("---\n"+DefaultYAML()+"---\n")); err != nil {
		t.Errorf("a twin with a gate in it: %v", err)
	}
}

func TestLoad_FolderIsReadSortedAndHiddenNamesAreNot(t *testing.T) {
	files := fstest.MapFS{
		"g/20.yaml":            {Data: []byte(gateText("second", "  base: true"))},
		"g/10.yml":             {Data: []byte(gateText("first", "  base: true"))},
		"g/more/30.json":       {Data: []byte(`{"apiVersion":"assay.dev/v1alpha1","kind":"Gate","metadata":{"name":"third"},"spec":{}}`)},
		"g/.git/config.yaml":   {Data: []byte("nonsense")},
		"g/..data/00.yaml":     {Data: []byte("nonsense")},
		"g/NOTES.md":           {Data: []byte("nonsense")},
		"outside/trusted.yaml": {Data: []byte("nonsense")},
	}
	config, err := LoadFS(files, "g")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, gate := range config.Gates {
		names = append(names, gate.Metadata.Name+" "+gate.At.String())
	}
	if got := strings.Join(names, ", "); got != "first g/10.yml:1, second g/20.yaml:1, third g/more/30.json:1" {
		t.Error(got)
	}
	files["g/rules.rego"] = &fstest.MapFile{Data: []byte("package main")}
	if _, err := LoadFS(files, "g"); err == nil || !strings.Contains(err.Error(), "g/rules.rego: reading the gate's configuration: no gate names this file of Rego") {
		t.Errorf("a Rego file: %v", err)
	}
}

func TestLoad_MountedConfigMapWorksAndLinksOutDoNot(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "other.yaml")
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(outside, DefaultYAML())
	write(filepath.Join(folder, "..2026_11_23", "gate.yaml"), gateText("mounted", "  base: true"))
	link("..2026_11_23", "..data")
	link("..data/gate.yaml", "gate.yaml")
	config, err := Load(folder)
	if err != nil || len(config.Gates) != 1 || config.Gates[0].Metadata.Name != "mounted" {
		t.Fatalf("%+v %v", config, err)
	}
	link(outside, "out.yaml")
	if _, err := Load(folder); err == nil || !strings.Contains(err.Error(), "out.yaml: reading the gate's configuration: ") {
		t.Errorf("a link out of the folder: %v", err)
	}
	if err := os.Remove(filepath.Join(folder, "out.yaml")); err != nil {
		t.Fatal(err)
	}
	link("..2026_11_23", "linked.yaml")
	if _, err := Load(folder); err == nil || !strings.Contains(err.Error(), "a link to a folder is not followed") {
		t.Errorf("a link to a folder: %v", err)
	}
}

func TestLoad_DataFilesThatTheGateNamesAreNoPolicies(t *testing.T) {
	text := fullText(t)
	files := fstest.MapFS{
		"g/gate.yaml":         {Data: []byte(text)},
		"g/config.json":       {Data: []byte("{\"auths\": {}}")},
		"g/trusted_root.json": {Data: []byte("{\n\t\"mediaType\": \"application/vnd.dev.sigstore.trustedroot+json;version=0.1\"\n}")},
	}
	if _, err := LoadFS(files, "g"); err != nil {
		t.Fatal(err)
	}
	files["g/stray.json"] = &fstest.MapFile{Data: []byte("{\"auths\": {}}")}
	if _, err := LoadFS(files, "g"); err == nil || !strings.Contains(err.Error(), "g/stray.json:1: ") {
		t.Errorf("a file that nothing names: %v", err)
	}
}

func TestLoad_HostileYAMLIsBounded(t *testing.T) {
	bomb := "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: a}\nspec:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		n := string(rune('0' + i))
		p := string(rune('0' + i - 1))
		bomb += "  a" + n + ": &a" + n + " [" + strings.Repeat("*a"+p+", ", 9) + "*a" + p + "]\n"
	}
	for name, test := range map[string]struct{ text, want string }{
		"alias bomb": {bomb, "unfolds to more than 2000000 nodes"},
		"endless alias": {
			"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: a}\nspec: &s\n  again: *s\n", "levels",
		},
		"a million levels": {strings.Repeat("[", 1_000_000), "reading YAML: "},
		"thousands of levels": {
			"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: a}\nspec: " + strings.Repeat("[", 2000) + strings.Repeat("]", 2000), "500 levels",
		},
		"merge key":      {"apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: &m {name: a}\nspec:\n  <<: *m\n", "merge keys (<<) are not read"},
		"a key twice":    {gateText("a", "  base: true\n  base: true"), `"base" is written twice, first in line 6`},
		"tagged object":  {gateText("a", "  selector: !!set {}"), "has the tag"},
		"tagged list":    {gateText("a", "  selector: {projects: !x [a]}"), "has the tag"},
		"tagged text":    {gateText("a", "  profile: !x none"), "spec.profile: is a value of type !x"},
		"tagged policy":  {"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: a}\nspec: !x {}\n", "has the tag"},
		"no text as key": {gateText("a", "  limits: {1: 2}"), `the key "1" is no text`},
		"alias in a gate": {
			gateText("a", "  base: true\n  selector:\n    projects: &p [x]\n    namespaces: &n [*p]"), "spec.selector.namespaces[0]: is a list",
		},
	} {
		if _, err := Parse("a.yaml", []byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %.300v", name, err)
		}
	}
	if _, err := Parse("a.yaml", []byte(gateText("a", "  base: true\n  selector:\n    projects: &p [x]\n    namespaces: *p"))); err != nil {
		t.Errorf("a twin with a harmless alias: %v", err)
	}
	large := fstest.MapFS{"a.yaml": {Data: []byte(DefaultYAML() + strings.Repeat("#", 16<<20))}}
	if _, err := LoadFS(large, "a.yaml"); err == nil || !strings.Contains(err.Error(), "limit fileBytes") {
		t.Errorf("a file of 16 MiB: %.300v", err)
	}
}

func TestLoad_FilesTogetherAreBounded(t *testing.T) {
	for limit, want := range map[int64]int{30: 0, 29: 1} {
		found := problems{}
		collect := collector{limits: plugin.Limits{FileBytes: 10, TreeBytes: limit}, problems: &found}
		file := &fstest.MapFile{Data: []byte("0123456789")}
		collect.inFS(fstest.MapFS{"a.yaml": file, "b.yaml": file, "c.yaml": file}, ".")
		if len(found.list) != want || want > 0 && !strings.HasPrefix(found.err().Error(), "c.yaml: ") {
			t.Errorf("limit %d: %v", limit, found.err())
		}
	}
}

func TestLoad_WhatYAMLVersionsReadDifferentlyIsRefusedInPolicies(t *testing.T) {
	const head = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: a}\nspec:\n  value: "
	for _, value := range []string{"yes", "off", "0777", "0x1f", "1_000", ".inf", "!!binary aGk="} {
		if _, err := Parse("a.yaml", []byte(head+value+"\n")); err == nil || !strings.HasPrefix(err.Error(), "a.yaml:5: spec.value: ") {
			t.Errorf("%s: %v", value, err)
		}
	}
	for value, want := range map[string]string{`"yes"`: `"yes"`, "true": "true", "7": "7", "1.5": "1.5", "2026-12-31": `"2026-12-31"`, "~": "null", "{}": "{}", "[]": "[]"} {
		config, err := Parse("a.yaml", []byte(head+value+"\n"))
		if err != nil || !strings.HasSuffix(string(config.Documents[0].JSON), `"spec":{"value":`+want+`}}`) {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// gateText is a gate with some lines under spec.
func gateText(name, spec string) string {
	return "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata:\n  name: " + name + "\nspec:\n" + spec + "\n"
}
