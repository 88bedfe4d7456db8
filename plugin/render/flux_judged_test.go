package render

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// fluxFinding is one case of findings: a tree with the fields of a Kustomization, and
// the one change without which nothing is found.
type fluxFinding struct {
	name       string
	file       string
	parameters plugin.FluxParameters
	field      string
	part       string
	hint       string
	// was is replaced by now in the file, or the parameters by repaired.
	was, now string
	repaired *plugin.FluxParameters
}

func (c fluxFinding) run(t *testing.T, rule string) {
	find := func(file string, parameters plugin.FluxParameters) (found []plugin.Finding) {
		source := plugin.Source{Root: writeTree(t, map[string]string{"app/a.yaml": file}), Path: "app", Parameters: fluxWith(parameters)}
		for _, finding := range mustRender(t, source).Findings {
			if finding.Rule == rule {
				found = append(found, finding)
			}
		}
		return found
	}
	found := find(c.file, c.parameters)
	if len(found) != 1 {
		t.Fatalf("got %d findings of %s, want one: %v", len(found), rule, found)
	}
	got := found[0]
	if got.Level != plugin.Deny || got.Field != c.field || !strings.Contains(got.Message, c.part) || !strings.Contains(got.Hint, c.hint) || got.Object.Name == "" || got.Origin.File != "app/a.yaml" || got.Origin.Line != 1 {
		t.Errorf("got %+v", got)
	}
	if c.repaired == nil {
		c.repaired = &c.parameters
	}
	if c.was != "" && !strings.Contains(c.file, c.was) {
		t.Fatalf("the case has no %q", c.was)
	}
	if twin := find(strings.Replace(c.file, c.was, c.now, 1), *c.repaired); len(twin) > 0 {
		t.Errorf("the twin is denied: %+v", twin)
	}
}

const (
	fluxPod  = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: registry.example.com/${TAG}/web:1\n"
	podImage = "spec.containers[0].image"
)

func TestFlux_AnImageWithAVariableIsDenied(t *testing.T) {
	set := substituting(map[string]string{"TAG": "1.0"})
	other := substituting(map[string]string{"OTHER": "x"})
	always := plugin.FluxParameters{PostBuild: &plugin.FluxPostBuild{Always: true}}
	with := func(image string) string {
		return strings.Replace(fluxPod, "registry.example.com/${TAG}/web:1", image, 1)
	}
	for _, test := range []fluxFinding{
		{name: "no postBuild", file: fluxPod, part: "TAG", hint: "postBuild.substitute", repaired: &set},
		{name: "no variable at all", file: fluxPod, parameters: substituting(nil), part: "TAG", hint: "postBuild.substitute", repaired: &set},
		{name: "another variable", file: fluxPod, parameters: other, part: "no value for TAG", hint: "${TAG:=value}", repaired: &set},
		{name: "another variable, a default", file: fluxPod, parameters: other, part: "no value for TAG", hint: "${TAG:=value}", was: "${TAG}", now: "${TAG:=1.0}"},
		{name: "always, no default", file: fluxPod, parameters: always, part: "no value for TAG", hint: "${TAG:=value}", was: "${TAG}", now: "${TAG:-1.0}"},
		{name: "a suffix that may be empty", file: with("registry.example.com/web${SUFFIX}:1"), parameters: set, part: "no value for SUFFIX", hint: "SUFFIX", was: "${SUFFIX}", now: "${SUFFIX:=}"},
		{name: "a default of a default", file: with("registry.example.com/${OTHER:-${TAG}}/web:1"), parameters: always, part: "no value for TAG", hint: "TAG", repaired: &other},
		{name: "escaped", file: with("registry.example.com/$${TAG}/web:1"), parameters: set, part: "nothing fills in TAG", hint: "one $", was: "$${", now: "${"},
		{name: "switched off", file: strings.Replace(fluxPod, "  name: web\n", "  name: web\n  labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}\n", 1), parameters: set, part: "nothing fills in TAG", hint: "remove kustomize.toolkit.fluxcd.io/substitute", was: "substitute: disabled", now: "substitute: enabled"},
		{name: "a variable in a value", file: fluxPod, parameters: substituting(map[string]string{"TAG": "${MORE}"}), part: "nothing fills in MORE", hint: "MORE", repaired: &set},
		{name: "an image of the fields", file: with("web:1"), parameters: plugin.FluxParameters{Images: []plugin.FluxImage{{Name: "web", NewTag: "${TAG}"}}}, part: "TAG", hint: "TAG", repaired: &plugin.FluxParameters{Images: []plugin.FluxImage{{Name: "web", NewTag: "2"}}}},
	} {
		test.field = podImage
		t.Run(test.name, func(t *testing.T) { test.run(t, ruleUnresolved) })
	}
}

// TestFlux_AVariableElsewhereIsNoMatter: scripts have them, and nothing fills
// in what is published.
func TestFlux_AVariableElsewhereIsNoMatter(t *testing.T) {
	files := map[string]string{"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  run.sh: |\n    docker pull registry.example.com/web:${TAG}\n"}
	for _, parameters := range []plugin.FluxParameters{{}, substituting(nil)} {
		rendering := mustRender(t, plugin.Source{Root: writeTree(t, files), Path: ".", Parameters: fluxWith(parameters)})
		if len(rendering.Findings) > 0 {
			t.Errorf("found %v", rendering.Findings)
		}
		data, _ := rendering.Objects[0].Fields["data"].(map[string]any)
		if data["run.sh"] != "docker pull registry.example.com/web:${TAG}\n" {
			t.Errorf("got %v", data)
		}
	}
}

// TestFlux_AnObjectThatItsConsumerLeavesOutIsDenied: kustomize passes over
// objects with this annotation, and the consumer builds once more.
func TestFlux_AnObjectThatItsConsumerLeavesOutIsDenied(t *testing.T) {
	const local = "config.kubernetes.io/local-config"
	with := func(value string) plugin.FluxParameters {
		return plugin.FluxParameters{CommonMetadata: plugin.FluxMetadata{Annotations: map[string]string{local: value}}}
	}
	harmless := with("false")
	filled := substituting(map[string]string{"KEY": local})
	other := substituting(map[string]string{"KEY": "example.com/other"})
	plain := "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
	variable := "apiVersion: v1\nkind: Secret\nmetadata: {name: a, annotations: {\"${KEY}\": \"true\"}}\n"
	for _, test := range []fluxFinding{
		{name: "commonMetadata", file: plain, parameters: with("true"), repaired: &harmless},
		{name: "a variable", file: variable, parameters: filled, repaired: &other},
	} {
		test.field, test.part, test.hint = "metadata.annotations", local, "remove the annotation"
		t.Run(test.name, func(t *testing.T) { test.run(t, ruleNotSupported) })
	}
}

const ciphertext = "ENC[AES256_GCM,data:Tr7o=,iv:1=,tag:k=,type:str]"

func TestFlux_CiphertextElsewhereThanInASecretsDataIsDenied(t *testing.T) {
	stanza := "sops: {mac: \"" + ciphertext + "\", version: 3.9.0}\n"
	for _, test := range []fluxFinding{
		{name: "an image", file: strings.Replace(fluxPod, "registry.example.com/${TAG}/web:1", ciphertext, 1), field: podImage, was: ciphertext, now: "registry.example.com/web:1"},
		{name: "a Deployment with SOPS' field", file: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n" + stanza, field: "sops", was: stanza},
		{name: "a ConfigMap", file: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: \"" + ciphertext + "\"}\n" + stanza, field: "data.k", part: "data.k", was: "data: {k: \"" + ciphertext + "\"}\n" + stanza},
		{name: "a file in a ConfigMap", file: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  k: |\n    password: " + ciphertext + "\n", field: "data.k", was: ciphertext, now: "x"},
		{name: "a Secret's annotation", file: strings.Replace(fluxSecret, "  name: login\n", "  name: login\n  annotations: {a: \""+ciphertext+"\"}\n", 1), field: "metadata.annotations.a", was: "a: \"" + ciphertext + "\"", now: "a: b"},
		{name: "a Secret's type", file: strings.Replace(fluxSecret, "type: Opaque", "type: "+ciphertext, 1), field: "type", was: ciphertext, now: "Opaque"},
		{name: "a kind that is called Secret", file: strings.Replace(fluxSecret, "apiVersion: v1", "apiVersion: example.com/v1", 1), field: "data.other", was: "example.com/v1", now: "v1"},
		{name: "an item of a list", file: "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: {users: [root, {name: \"" + ciphertext + "\"}]}\n", field: "spec.users[1].name", was: ciphertext, now: "x"},
	} {
		if test.hint = "--encrypted-regex"; test.part == "" {
			test.part = "encrypted with SOPS"
		}
		t.Run(test.name, func(t *testing.T) { test.run(t, ruleEncrypted) })
	}
}

// TestFlux_CiphertextCannotBeWaived: Flux would decrypt it behind the gate.
func TestFlux_CiphertextCannotBeWaived(t *testing.T) {
	object := plugin.Object{Fields: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"k": ciphertext}}}
	found := encrypted([]plugin.Object{object})
	if len(found) != 1 || !found[0].Unwaivable || strings.Contains(found[0].Message, "ENC[") {
		t.Errorf("got %+v", found)
	}
}

func TestFlux_ASecretThatNobodyDecryptsIsDenied(t *testing.T) {
	for line, want := range map[string]int{"sops_mac=" + ciphertext + "\n": 1, "": 0} {
		root := writeTree(t, map[string]string{
			"kustomization.yaml": "secretGenerator:\n- name: login\n  envs:\n  - login.env\n", "login.env": "password=" + ciphertext + "\n" + line,
		})
		rendering := mustRender(t, plugin.Source{Root: root, Path: ".", Parameters: fluxWith(plugin.FluxParameters{})})
		if len(rendering.Findings) != want || want > 0 && !strings.Contains(rendering.Findings[0].Hint, "files") {
			t.Errorf("%q: %+v", line, rendering.Findings)
		}
	}
}

// TestFlux_CiphertextInASecretStaysAsItIs: substitution, metadata, the seal
// and a report leave every byte of it, or show nothing of it.
func TestFlux_CiphertextInASecretStaysAsItIs(t *testing.T) {
	parameters := substituting(map[string]string{"REGION": "eu"})
	parameters.CommonMetadata.Labels = map[string]string{"owner": "team-a"}
	source := plugin.Source{Root: writeTree(t, map[string]string{"a.yaml": fluxSecret}), Path: ".", Parameters: fluxWith(parameters)}
	rendering := mustRender(t, source)
	if len(rendering.Findings) > 0 {
		t.Errorf("found %v", rendering.Findings)
	}
	written := readStream(t, fluxSecret)[0]
	sealed, err := plugin.YAMLEncoding{}.Encode(rendering.Objects)
	if err != nil {
		t.Fatal(err)
	}
	read := readStream(t, string(sealed))[0]
	for _, field := range []string{"sops", "data", "stringData", "type"} {
		if !reflect.DeepEqual(written[field], read[field]) {
			t.Errorf("%s is %v, was %v", field, read[field], written[field])
		}
	}
	shown, err := plugin.YAMLEncoding{}.Encode([]plugin.Object{plugin.MaskObject(rendering.Objects[0])})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown), "Tr7o") || strings.Contains(string(shown), "CwE4O1s") {
		t.Errorf("ciphertext is shown:\n%s", shown)
	}
}
