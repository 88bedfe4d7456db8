package mutate

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

const (
	configMap  = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {key: value}"
	deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: registry.example.com/web:1, ports: [{containerPort: 80}]}`
)

func TestMutate_WritesTheChangeAndNoDefault(t *testing.T) {
	for name, test := range map[string]struct{ resources, mutations, object, want string }{
		"a label is merged": {"", "", configMap, strings.Replace(configMap, "{name: web}", "{name: web, labels: {team: a}}", 1)},
		"a label is added by a patch": {
			"", jsonPatch(`[JSONPatch{op: "add", path: "/metadata/labels", value: {"team": "a"}}]`), configMap,
			strings.Replace(configMap, "{name: web}", "{name: web, labels: {team: a}}", 1),
		},
		"a field of a container, found by its name": {
			"deployments", apply(`Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: object.spec.template.spec.containers.map(c, Object.spec.template.spec.containers{name: c.name, imagePullPolicy: "Always"})}}}}`),
			deployment, strings.Replace(deployment, "{name: web, image", "{name: web, imagePullPolicy: Always, image", 1),
		},
		"a sidecar": {
			"deployments", apply(`Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{initContainers: [Object.spec.template.spec.initContainers{name: "mesh", image: "registry.example.com/mesh:1", restartPolicy: "Always"}]}}}}`),
			deployment, deployment + "\n      initContainers:\n      - {name: mesh, image: 'registry.example.com/mesh:1', restartPolicy: Always}",
		},
		"a container is taken away": {
			"deployments", jsonPatch(`object.spec.template.spec.containers.size() > 1 ? [JSONPatch{op: "remove", path: "/spec/template/spec/containers/1"}] : []`),
			deployment + "\n      - {name: debug, image: registry.example.com/debug:1}", deployment,
		},
		"a container before the others": {
			"deployments", jsonPatch(`[JSONPatch{op: "add", path: "/spec/template/spec/containers/0", value: Object.spec.template.spec.containers{name: "first", image: "registry.example.com/first:1"}}]`),
			deployment, strings.Replace(deployment, "      - {name: web", "      - {name: first, image: 'registry.example.com/first:1'}\n      - {name: web", 1),
		},
		"a field with a default": {
			"deployments", apply(`Object{spec: Object.spec{replicas: 3}}`), deployment, strings.Replace(deployment, "spec:\n  selector", "spec:\n  replicas: 3\n  selector", 1),
		},
		"what is already so": {"", "", strings.Replace(configMap, "{name: web}", "{name: web, labels: {team: a}}", 1), strings.Replace(configMap, "{name: web}", "{name: web, labels: {team: a}}", 1)},
		"a test that fails":  {"", jsonPatch(`[JSONPatch{op: "test", path: "/data/key", value: "other"}, JSONPatch{op: "remove", path: "/data/key"}]`), configMap, configMap},
		"a test that holds":  {"", jsonPatch(`[JSONPatch{op: "test", path: "/data/key", value: "value"}, JSONPatch{op: "replace", path: "/data/key", value: "other"}]`), configMap, strings.Replace(configMap, "value", "other", 1)},
		"a Pod's tolerations stay the server's": {
			"pods", apply(`Object{metadata: Object.metadata{labels: {"team": "a"}}}`),
			"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}",
			"apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {team: a}}\nspec: {containers: [{name: web, image: web}]}",
		},
		"a Secret's text gives way to the policy's": {
			"secrets", apply(`Object{data: {"key": "bmV3"}}`),
			"apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {key: old, other: stays}",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: web}\ndata: {key: bmV3}\nstringData: {other: stays}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			mutator := mutatorOf(t, "", policyText{resources: test.resources, mutations: test.mutations}.String())
			objects, findings := mutateWith(t, mutator, test.object)
			wantObject(t, objects[0], test.want)
			unstable := name == "a container before the others"
			if changed := test.object != test.want; changed != (len(findings) > 0) || (len(withLevel(findings, plugin.Info)) != len(findings)) != unstable {
				t.Errorf("findings\n%s", describe(findings))
			}
			if unstable {
				return
			}
			again, said := mutateWith(t, mutator, yamlOf(t, objects[0]))
			wantObject(t, again[0], test.want)
			if len(said) > 0 {
				t.Errorf("a second time:\n%s", describe(said))
			}
		})
	}
}

func TestMutate_AChangeSaysWhatWasAndIsAndWhy(t *testing.T) {
	mutator := mutatorOf(t, "", policyText{}.String())
	_, findings := mutateWith(t, mutator, configMap)
	if len(findings) != 1 {
		t.Fatal(describe(findings))
	}
	f := findings[0]
	if f.Rule != "mutate/labels" || f.Level != plugin.Info || f.Field != "metadata.labels" || f.Was != "null" || f.Now != `{"team":"a"}` ||
		!strings.Contains(f.Why, `"labels" (gate.yaml:`) || !strings.Contains(f.Details[0], `binding "labels-everywhere" (gate.yaml:`) ||
		f.Object.Name != "web" || f.Origin.String() != "app.yaml:1" {
		t.Errorf("%+v", f)
	}
}
