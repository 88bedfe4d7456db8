package manifests_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/setup"
)

// build renders a folder of testdata or argocd as kustomize does.
func build(t *testing.T, path string) []plugin.Object {
	t.Helper()
	root, err := os.OpenRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), plugin.Source{
		Root: root, Path: path, Application: plugin.Application{Name: "argocd", Namespace: "argocd"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return rendering.Objects
}

// judge is what the strict gate says of the objects, whatever its level.
func judge(t *testing.T, objects []plugin.Object) []plugin.Finding {
	t.Helper()
	config, err := gate.Load("../examples/gates/starter")
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := policy.NewCompiler().Compile(policy.Config{Gate: config.Gates[0]})
	if err != nil {
		t.Fatal(err)
	}
	images, _ := plugin.ImageFinder{}.Find(objects)
	sealed := plugin.Sealed{Objects: objects, Images: plugin.NewImageIndex(images), At: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)}
	var findings []plugin.Finding
	for _, judge := range compiled.Judges {
		findings = append(findings, judge.Judge(t.Context(), sealed)...)
	}
	return findings
}

func object(t *testing.T, objects []plugin.Object, kind string) plugin.Object {
	t.Helper()
	at := slices.IndexFunc(objects, func(o plugin.Object) bool { return o.ID().Kind == kind })
	if at < 0 {
		t.Fatalf("there is no %s", kind)
	}
	return objects[at]
}

// at is the value below names of members.
func at(fields map[string]any, names ...string) any {
	var value any = fields
	for _, name := range names {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	return value
}

// named is the item of a list that has the name.
func named(t *testing.T, list any, name string) map[string]any {
	t.Helper()
	items, _ := list.([]any)
	for _, item := range items {
		if fields, _ := item.(map[string]any); fields["name"] == name {
			return fields
		}
	}
	t.Fatalf("nothing is named %s in %v", name, list)
	return nil
}

func podSpec(t *testing.T, objects []plugin.Object) map[string]any {
	t.Helper()
	spec, _ := at(object(t, objects, "Deployment").Fields, "spec", "template", "spec").(map[string]any)
	return spec
}

func TestSidecar_PassesTheGateThatItBrings(t *testing.T) {
	objects := build(t, "testdata/installed")
	for _, finding := range judge(t, objects) {
		t.Errorf("%s: %s %s: %s", finding.Rule, finding.Object, finding.Field, finding.Message)
	}
	sidecar := named(t, podSpec(t, objects)["containers"], "assay")
	sidecar["securityContext"] = map[string]any{"privileged": true}
	rules := map[string]bool{}
	for _, finding := range judge(t, objects) {
		rules[finding.Rule] = true
	}
	if !rules["pss/privileged"] || !rules["pss/capabilities_restricted"] {
		t.Errorf("twin: a privileged sidecar passes: %v", rules)
	}
}

func TestSidecar_TheImageIsTheOneThatTheInstallationNames(t *testing.T) {
	const reference = "ghcr.io/assay-gitops/assay"
	for folder, want := range map[string]string{
		"testdata/installed": reference + "@sha256:" + strings.Repeat("a", 64),
		"testdata/ko":        "ko://github.com/assay-gitops/assay/cmd/assay",
	} {
		if got := named(t, podSpec(t, build(t, folder))["containers"], "assay")["image"]; got != want {
			t.Errorf("%s: image %v, want %s", folder, got, want)
		}
	}
}

// A gate that changes gives the ConfigMap another name, so that the sidecar is
// started with it.
func TestSidecar_TheGateIsTheConfigMapThatTheInstallationMakes(t *testing.T) {
	objects := build(t, "testdata/installed")
	name, _ := at(object(t, objects, "ConfigMap").Fields, "metadata", "name").(string)
	if !strings.HasPrefix(name, "assay-gate-") {
		t.Fatalf("the ConfigMap is named %q", name)
	}
	if mounted := at(named(t, podSpec(t, objects)["volumes"], "assay-gate"), "configMap", "name"); mounted != name {
		t.Errorf("the sidecar mounts %v, the ConfigMap is %s", mounted, name)
	}
}

func TestSidecar_EveryVolumeIsThere(t *testing.T) {
	spec := podSpec(t, build(t, "testdata/installed"))
	mounts, _ := named(t, spec["containers"], "assay")["volumeMounts"].([]any)
	if len(mounts) != 4 {
		t.Errorf("%d mounts", len(mounts))
	}
	for _, mount := range mounts {
		fields, _ := mount.(map[string]any)
		named(t, spec["volumes"], fields["name"].(string))
	}
}

// The chart's values say what the component says.
func TestHelmValues_AreTheComponent(t *testing.T) {
	var values map[string]any
	decode(t, "argocd/helm-values.yaml", &values)
	pod := added(t)
	var network map[string]any
	decode(t, "argocd/sidecar/network-policy.yaml", &network)
	for name, pair := range map[string][2]any{
		"containers":                   {at(values, "repoServer", "extraContainers"), any(pod["containers/-"])},
		"volumes":                      {at(values, "repoServer", "volumes"), any(pod["volumes/-"])},
		"automountServiceAccountToken": {at(values, "repoServer", "automountServiceAccountToken"), pod["automountServiceAccountToken"][0]},
		"network policy":               {values["extraObjects"], []any{network}},
	} {
		if pair[0] == nil || !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: the values have %v, the component has %v", name, pair[0], pair[1])
		}
	}
}

// added is what the component adds to the Pod, by place.
func added(t *testing.T) map[string][]any {
	t.Helper()
	var patch []struct {
		Op, Path string
		Value    any
	}
	decode(t, "argocd/sidecar/repo-server.yaml", &patch)
	places := map[string][]any{}
	for _, each := range patch {
		place := strings.TrimPrefix(each.Path, "/spec/template/spec/")
		places[place] = append(places[place], each.Value)
	}
	return places
}

// Patches of an installation count containers, as "containers/0".
func TestSidecar_IsTheLastContainer(t *testing.T) {
	containers, _ := podSpec(t, build(t, "testdata/installed"))["containers"].([]any)
	if len(containers) != 2 || at(containers[1].(map[string]any), "name") != "assay" {
		t.Errorf("%v", containers)
	}
}

func decode(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestGate_TheConfigMapIsAGateThatLoads(t *testing.T) {
	var configMap struct {
		APIVersion, Kind string
		Metadata         map[string]any
		Data             map[string]string
	}
	decode(t, "argocd/gate.yaml", &configMap)
	mounted := t.TempDir()
	for name, text := range configMap.Data {
		if err := os.WriteFile(filepath.Join(mounted, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := gate.Load(mounted)
	if err != nil {
		t.Fatal(err)
	}
	made, err := setup.New(setup.Options{Config: config, LockRequired: true})
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	if warnings := made.Warnings(); len(warnings) != 0 {
		t.Errorf("%+v", warnings)
	}
}

func TestAdmission_TheKustomizationHasEveryFileAndTheListThatTheBindingNames(t *testing.T) {
	for tool, shipped := range map[string]map[string]any{
		"argocd": {"projects": ""},
		"flux": {
			"namespaces": "flux-system\n", "writers": "system:serviceaccount:assay-system:assay-source\n", "sharedSources": "",
			"urls": "http://assay-source.assay-system.svc.cluster.local./\n",
		},
	} {
		files, err := filepath.Glob(tool + "/admission/*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		objects := build(t, tool+"/admission")
		kinds := map[string]int{}
		for _, each := range objects {
			kinds[each.ID().Kind]++
		}
		// One file is the kustomization, one the list.
		if policies := len(files) - 2; policies < 3 || kinds["ValidatingAdmissionPolicy"] != policies || kinds["ValidatingAdmissionPolicyBinding"] != policies || kinds["ConfigMap"] != 1 {
			t.Fatalf("%s: %d files, %v", tool, len(files), kinds)
		}
		list := object(t, objects, "ConfigMap").Fields
		if !reflect.DeepEqual(list["data"], shipped) {
			t.Errorf("%s: the list is shipped with %q", tool, list["data"])
		}
		for _, each := range objects {
			checkStrict(t, each, list, tool == "flux")
		}
	}
}

// checkStrict demands of a policy and of a binding that nothing makes them pass by
// mistake. The binding of one that has parameters names the list.
func checkStrict(t *testing.T, each plugin.Object, list map[string]any, listed bool) {
	t.Helper()
	switch each.ID().Kind {
	case "ValidatingAdmissionPolicyBinding":
		param, given := at(each.Fields, "spec", "paramRef").(map[string]any)
		if listed && !given {
			t.Errorf("%s names no list", each.ID())
		}
		if given && (param["name"] != at(list, "metadata", "name") || param["namespace"] != at(list, "metadata", "namespace") || param["parameterNotFoundAction"] != "Deny") {
			t.Errorf("%v is not the list %v", param, list["metadata"])
		}
		if actions := at(each.Fields, "spec", "validationActions"); !reflect.DeepEqual(actions, []any{"Deny"}) {
			t.Errorf("%s: %v", each.ID(), actions)
		}
	case "ValidatingAdmissionPolicy":
		if at(each.Fields, "spec", "failurePolicy") != "Fail" || at(each.Fields, "spec", "matchConstraints", "matchPolicy") != "Equivalent" {
			t.Errorf("%s is not strict", each.ID())
		}
	}
}

// pinned is a reference with a digest.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+(:[a-z0-9.-]+)?@sha256:[0-9a-f]{64}$`)

func TestKo_BuildsWhatThereIsOnAPinnedBase(t *testing.T) {
	var config struct {
		DefaultBaseImage string
		DefaultPlatforms []string
		Builds           []struct {
			ID, Main            string
			Env, Flags, Ldflags []string
		}
	}
	decode(t, "../.ko.yaml", &config)
	if !pinned.MatchString(config.DefaultBaseImage) || len(config.Builds) == 0 {
		t.Fatalf("%+v", config)
	}
	for _, each := range config.Builds {
		if _, err := os.Stat(filepath.Join("..", each.Main, "main.go")); err != nil {
			t.Errorf("%s: %v", each.ID, err)
		}
	}
}
