package change_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

func TestCompare_NothingDiffersIsTheSame(t *testing.T) {
	app := compare(t, world{manifests: deployment}, world{manifests: deployment})
	if app.Status != change.Same || len(app.Objects) > 0 || len(app.Rollouts) > 0 {
		t.Errorf("got %+v", app)
	}
}

func TestCompare_AChangedImageIsTheAuthorsAndRolls(t *testing.T) {
	app := compare(t, world{manifests: deployment}, world{manifests: replaced(t, deployment, "web:1.0", "web:1.1")})
	object := objectOf(t, app, "Deployment", "web")
	field := fieldOf(t, object, "spec.template.spec.containers[name=web].image")
	if field.Injected || field.Status != change.Changed || !strings.HasPrefix(field.Was, `"registry.example.com/shop/web:1.0@sha256:`) {
		t.Errorf("got %+v", field)
	}
	if len(object.Fields) != 1 || !object.Rolls || object.Effect != report.Rolls || len(app.Rollouts) != 1 || app.Rollouts[0].Name != "web" {
		t.Errorf("got %+v, rollouts %+v", object, app.Rollouts)
	}
}

func TestCompare_ADigestThatMovedUnderTheSameTagIsInjected(t *testing.T) {
	moved := world{manifests: deployment, digests: map[string]string{"registry.example.com/shop/web:1.0": digestOf("moved")}}
	app := compare(t, world{manifests: deployment}, moved)
	if field := fieldOf(t, objectOf(t, app, "Deployment", "web"), "spec.template.spec.containers[name=web].image"); !field.Injected {
		t.Errorf("got %+v", field)
	}
	if len(app.Images) != 1 || !app.Images[0].Moved || app.Images[0].Status != change.Changed || len(app.Rollouts) != 1 {
		t.Errorf("got %+v, rollouts %v", app.Images, app.Rollouts)
	}
}

func TestCompare_WhatHardeningFillsInIsInjectedAndTheRestIsNot(t *testing.T) {
	added := deployment + "      - {name: side, image: registry.example.com/shop/side:1.0}\n"
	object := objectOf(t, compare(t, world{manifests: deployment}, world{manifests: added}), "Deployment", "web")
	for path, injected := range map[string]bool{
		"spec.template.spec.containers[name=side].image":                        false,
		"spec.template.spec.containers[name=side].name":                         false,
		"spec.template.spec.containers[name=side].securityContext.runAsNonRoot": true,
	} {
		if field := fieldOf(t, object, path); field.Injected != injected || field.Status != change.Added {
			t.Errorf("%s: got %+v", path, field)
		}
	}
}

func TestCompare_ObjectsAddedAndRemovedAreToldByTheirLeaves(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec:\n  ports: [{name: http, port: 80}]\n"
	app := compare(t, world{manifests: deployment}, world{manifests: deployment + "\n---\n" + service})
	object := objectOf(t, app, "Service", "web")
	if field := fieldOf(t, object, "spec.ports[name=http].port"); object.Status != change.Added || field.Now != "80" || field.Was != "" || field.Injected {
		t.Errorf("got %+v", object)
	}
	app = compare(t, world{manifests: deployment + "\n---\n" + service}, world{manifests: deployment})
	if object := objectOf(t, app, "Service", "web"); object.Status != change.Removed || fieldOf(t, object, "spec.ports[name=http].port").Was != "80" {
		t.Errorf("got %+v", object)
	}
}

func TestCompare_AVersionOfTheAPIIsAFieldAndAGroupIsAnotherObject(t *testing.T) {
	app := compare(t, world{manifests: deployment}, world{manifests: replaced(t, deployment, "apps/v1", "apps/v1beta2")})
	if field := fieldOf(t, objectOf(t, app, "Deployment", "web"), "apiVersion"); field.Now != `"apps/v1beta2"` || len(app.Objects) != 1 {
		t.Errorf("got %+v", app.Objects)
	}
	app = compare(t, world{manifests: deployment}, world{manifests: replaced(t, deployment, "apps/v1", "extensions/v1beta1")})
	if len(app.Objects) != 2 {
		t.Errorf("got %+v", app.Objects)
	}
}

const generated = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings-%s, namespace: shop}
data: {mode: %s}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers: [{name: web, image: "registry.example.com/shop/web:1.0"}]
      volumes: [{name: settings, configMap: {name: settings-%s}}]
`

func TestCompare_AGeneratedNameIsTheSameObject(t *testing.T) {
	base := strings.NewReplacer("%s}}]", "2b4c6d7f8g}}]", "settings-%s", "settings-2b4c6d7f8g", "mode: %s", "mode: blue").Replace(generated)
	head := strings.NewReplacer("2b4c6d7f8g", "9h8g7f6d5c", "blue", "green").Replace(base)
	app := compare(t, world{manifests: base}, world{manifests: head})
	settings := objectOf(t, app, "ConfigMap", "settings-9h8g7f6d5c")
	if settings.WasID == nil || settings.WasID.Name != "settings-2b4c6d7f8g" || settings.Status != change.Changed || settings.Folded != 1 {
		t.Errorf("got %+v", settings)
	}
	if fieldOf(t, settings, "data.mode").Noise != "" || fieldOf(t, settings, "metadata.name").Noise == "" {
		t.Errorf("got %+v", settings.Fields)
	}
	web := objectOf(t, app, "Deployment", "web")
	if !web.Rolls || web.Folded != 1 || fieldOf(t, web, "spec.template.spec.volumes[name=settings].configMap.name").Noise == "" {
		t.Errorf("got %+v", web)
	}
	named := strings.NewReplacer("2b4c6d7f8g", "colours", "9h8g7f6d5c", "shades")
	app = compare(t, world{manifests: named.Replace(base)}, world{manifests: named.Replace(head)})
	if objectOf(t, app, "ConfigMap", "settings-shades").Status != change.Added {
		t.Errorf("a name that nobody generated is matched: %+v", app.Objects)
	}
}

func TestCompare_ObjectsOfOneIdentityArePairedInTheirOrder(t *testing.T) {
	job := func(args ...string) string {
		var out []string
		for _, arg := range args {
			out = append(out, "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: seed-, namespace: shop}\nspec: {template: {spec: {containers: [{name: seed, image: \"registry.example.com/shop/web:1.0\", args: ["+arg+"]}]}}}\n")
		}
		return strings.Join(out, "\n---\n")
	}
	app := compare(t, world{manifests: job("a", "b")}, world{manifests: job("a", "c", "d")})
	if len(app.Objects) != 2 || app.Objects[0].Status != change.Changed || app.Objects[1].Status != change.Added {
		t.Errorf("got %+v", app.Objects)
	}
	if object := app.Objects[0]; object.Rolls || object.Effect != report.Replaced {
		t.Errorf("a Job's template cannot be changed: %+v", object)
	}
}

func TestCompare_WhatRollsDependsOnTheKindAndOnItsStrategy(t *testing.T) {
	head := func(text string) string { return replaced(t, text, "blue", "green") }
	for name, test := range map[string]struct {
		manifests string
		effect    report.Effect
		rolls     bool
	}{
		"Deployment":         {deployment, report.Rolls, true},
		"None":               {replaced(t, deployment, "replicas: 2", "replicas: 0"), report.NewPods, false},
		"DaemonSet":          {replaced(t, deployment, "kind: Deployment", "kind: DaemonSet", "replicas: 2", "updateStrategy: {type: RollingUpdate}"), report.Rolls, true},
		"DaemonSetOnDelete":  {replaced(t, deployment, "kind: Deployment", "kind: DaemonSet", "replicas: 2", "updateStrategy: {type: OnDelete}"), report.NewPods, false},
		"ReplicaSet":         {replaced(t, deployment, "kind: Deployment", "kind: ReplicaSet"), report.NewPods, false},
		"Rollout":            {replaced(t, deployment, "apps/v1", "argoproj.io/v1alpha1", "kind: Deployment", "kind: Rollout"), report.Rolls, true},
		"ATemplateOfNoPods":  {"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: web}\nspec: {template: {data: blue}}\n", "", false},
		"NotInTheTemplate":   {deployment + "  paused: blue\n", report.Rolls, true},
		"AKindOfItsOwn":      {replaced(t, deployment, "apps/v1", "example.com/v1", "kind: Deployment", "kind: Fleet"), report.ByController, false},
		"OnlyOutsideOfThese": {replaced(t, deployment, "replicas: 2", "minReadySeconds: blue", "value: blue", "value: red"), "", false},
	} {
		app := compare(t, world{manifests: test.manifests}, world{manifests: head(test.manifests)})
		if object := app.Objects[0]; object.Effect != test.effect || object.Rolls != test.rolls || (len(app.Rollouts) == 1) != test.rolls {
			t.Errorf("%s: got %q, rolls %v", name, object.Effect, object.Rolls)
		}
	}
}

func TestCompare_NoiseIsFoldedAndCounts(t *testing.T) {
	const labelled = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {helm.sh/chart: web-1.0}, annotations: {argocd.argoproj.io/tracking-id: a}}
spec:
  selector: {matchLabels: {helm.sh/chart: web-1.0}}
  template:
    metadata: {annotations: {checksum/config: aaa}}
    spec: {containers: [{name: web, image: "registry.example.com/shop/web:1.0"}]}
`
	head := replaced(t, labelled, "web-1.0", "web-1.1", "tracking-id: a", "tracking-id: b", "aaa", "bbb")
	object := objectOf(t, compare(t, world{manifests: labelled}, world{manifests: head}), "Deployment", "web")
	for path, noise := range map[string]string{
		`metadata.labels["helm.sh/chart"]`:                       "generated label",
		`metadata.annotations["argocd.argoproj.io/tracking-id"]`: "tracking",
		`spec.selector.matchLabels["helm.sh/chart"]`:             "",
		`spec.template.metadata.annotations["checksum/config"]`:  "checksum",
	} {
		if field := fieldOf(t, object, path); field.Noise != noise {
			t.Errorf("%s: got %+v", path, field)
		}
	}
	if object.Folded != 3 || !object.Rolls {
		t.Errorf("got %+v", object)
	}
}

func TestCompare_IgnoredFieldsAreFolded(t *testing.T) {
	head := world{manifests: replaced(t, deployment, "replicas: 2", "replicas: 3", "blue", "green")}
	object := objectOf(t, compare(t, world{manifests: deployment}, head, "Deployment/web:spec.replicas"), "Deployment", "web")
	if fieldOf(t, object, "spec.replicas").Noise != "ignored" || object.Folded != 1 {
		t.Errorf("got %+v", object)
	}
	if fieldOf(t, object, "spec.template.spec.containers[name=web].env[name=MODE].value").Noise != "" {
		t.Errorf("another field is ignored: %+v", object)
	}
}

func TestCompare_WhatDoesNotRenderIsNotToldAsAdded(t *testing.T) {
	app := compare(t, world{broken: true}, world{manifests: deployment})
	if len(app.Objects) > 0 || !strings.Contains(app.Note, "the base does not render") || app.Status != change.Changed {
		t.Errorf("got %+v", app)
	}
	if len(app.Findings) == 0 || !has(app, change.Fixed, "render/failed") {
		t.Errorf("got %+v", app.Findings)
	}
	app = compare(t, world{manifests: deployment}, world{broken: true})
	if len(app.Objects) > 0 || !strings.Contains(app.Note, "the head does not render") || !has(app, change.New, "render/failed") {
		t.Errorf("got %+v", app)
	}
}

func TestCompare_NeitherSideRenders(t *testing.T) {
	if app := compare(t, world{broken: true}, world{broken: true}); !strings.Contains(app.Note, "neither side renders") || app.Status != change.Same {
		t.Errorf("got %+v", app)
	}
}

func TestCompare_APartThatDoesNotRenderHidesNoOther(t *testing.T) {
	in := input()
	sides := func(parts ...world) *change.Judged {
		all := &change.Judged{}
		for _, part := range parts {
			all.Verdicts = append(all.Verdicts, part.verdict(t))
		}
		return all
	}
	other := world{manifests: replaced(t, deployment, "name: web,", "name: api,")}
	changed := world{manifests: replaced(t, other.manifests, "replicas: 2", "replicas: 3")}
	in.Base, in.Head = sides(world{broken: true}, other), sides(world{manifests: deployment}, changed)
	app := change.Compare(in)
	if len(app.Objects) != 1 || app.Objects[0].ID.Name != "api" || app.Note == "" {
		t.Errorf("got %+v", app)
	}
	in.Base = sides(other)
	in.Head = sides(world{broken: true}, changed)
	if app := change.Compare(in); len(app.Objects) > 0 || app.Note == "" {
		t.Errorf("got %+v", app)
	}
}

// TestCompare_WhatWasNotSealedIsComparedAsItIsWritten: a run that stopped
// before the seal has no digests, which nobody took away.
func TestCompare_WhatWasNotSealedIsComparedAsItIsWritten(t *testing.T) {
	stopped := world{manifests: replaced(t, deployment, "replicas: 2", "replicas: 3"), unsealed: true}
	for name, sides := range map[string][2]world{"Head": {{manifests: deployment}, stopped}, "Base": {stopped, {manifests: deployment}}} {
		app := compare(t, sides[0], sides[1])
		object := objectOf(t, app, "Deployment", "web")
		if len(object.Fields) != 1 || object.Fields[0].Path != "spec.replicas" || object.Fields[0].Injected || app.Note != "" {
			t.Errorf("%s: got %+v", name, app)
		}
	}
}

func has(app change.Application, state change.State, rule string) bool {
	for _, finding := range app.Findings {
		if finding.State == state && finding.Rule == rule {
			return true
		}
	}
	return false
}

func TestCompare_OneSideAloneIsAddedOrRemoved(t *testing.T) {
	in := input()
	in.Head = world{manifests: deployment}.judged(t)
	app := change.Compare(in)
	if app.Status != change.Added || app.Before != nil || app.After == nil || objectOf(t, app, "Deployment", "web").Status != change.Added || app.Images[0].Status != change.Added {
		t.Errorf("got %+v", app)
	}
	in.Base, in.Head = in.Head, nil
	app = change.Compare(in)
	if app.Status != change.Removed || app.After != nil || objectOf(t, app, "Deployment", "web").Status != change.Removed || len(app.Rollouts) > 0 {
		t.Errorf("got %+v", app)
	}
}

func TestCompare_NoVerdictDenies(t *testing.T) {
	for name, verdicts := range map[string][]*plugin.Verdict{"None": nil, "Nil": {nil}, "Zero": {{}}} {
		in := input()
		in.Base, in.Head = world{manifests: deployment}.judged(t), &change.Judged{Verdicts: verdicts}
		app := change.Compare(in)
		report := change.Summarise(change.Header{}, []change.Application{app})
		if app.After.Outcome != plugin.Denied || report.Summary.NewDenials != 1 {
			t.Errorf("%s: got %+v", name, app)
		}
	}
}
