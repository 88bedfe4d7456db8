package inplace_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/inplace"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web} # the shop's
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web # first
        image: registry.example.com/web:1
`

func TestMake_PlainManifest_OnlyLinesAreAdded(t *testing.T) {
	s := newScene(t, gate.Harden{}, map[string]string{"app/web.yaml": deployment})
	plan := s.write(t)
	want := deployment + `        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop:
            - ALL
          runAsNonRoot: true
          seccompProfile:
            type: RuntimeDefault
`
	if got := s.files(t)["app/web.yaml"]; got != want || len(plan.Left) > 0 || plan.Settings != 4 {
		t.Errorf("%d settings, left %+v:\n%s", plan.Settings, plan.Left, got)
	}
	if _, changes := s.hardened(t); changes != 0 {
		t.Errorf("hardening still fills in %d settings", changes)
	}
	if again := s.make(t); len(again.Files)+len(again.Left) > 0 {
		t.Errorf("a second run would write %+v", again)
	}
}

// TestMake_Kustomization_AComponentMakesTheSame: names, namespace and patches
// of the kustomization come after the component.
func TestMake_Kustomization_AComponentMakesTheSame(t *testing.T) {
	s := newScene(t, everything(), map[string]string{
		"base/kustomization.yaml": "resources: [web.yaml]\nnamePrefix: base-\n",
		"base/web.yaml":           deployment,
		"app/kustomization.yaml": "# the shop\nnamespace: shop\nnamePrefix: prod-\nresources:\n- ../base # base\n- rollout.yaml\n- namespace.yaml\n" +
			"patches:\n- patch: |-\n    - op: replace\n      path: /spec/replicas\n      value: 3\n  target: {kind: Rollout}\n",
		"app/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
		"app/rollout.yaml":   strings.NewReplacer("apps/v1", "argoproj.io/v1alpha1", "Deployment", "Rollout", "spec:\n  selector", "spec:\n  replicas: 1\n  selector").Replace(deployment),
	})
	before, _ := s.hardened(t)
	plan := s.write(t)
	for _, left := range plan.Left {
		if left.Object.Kind != "NetworkPolicy" { // the prefix would rename them
			t.Errorf("left: %+v", left)
		}
	}
	files := s.files(t)
	for _, name := range []string{"app/hardening/kustomization.yaml", "app/hardening/deployment-base-web.yaml", "app/hardening/rollout-web.yaml", "app/hardening/namespace-shop.yaml"} {
		if files[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	if !strings.HasSuffix(files["app/kustomization.yaml"], "components:\n- hardening\n") || !strings.Contains(files["app/kustomization.yaml"], "- ../base # base\n") {
		t.Errorf("%s", files["app/kustomization.yaml"])
	}
	if files["base/web.yaml"] != deployment {
		t.Errorf("the base was changed:\n%s", files["base/web.yaml"])
	}
	after, _ := s.hardened(t)
	sameObjects(t, before, after)
	if again := s.make(t); len(again.Files) > 0 {
		t.Errorf("a second run would write %+v", again.Files)
	}
}

func TestMake_Chart_ListsTheSettingsAndWritesNothing(t *testing.T) {
	s := newScene(t, gate.Harden{}, map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n", "app/templates/web.yaml": deployment})
	before := s.files(t)
	plan := s.write(t)
	if len(plan.Files) > 0 || len(plan.Left) != 1 || len(plan.Left[0].Settings) == 0 || plan.Undetermined() {
		t.Errorf("%+v", plan)
	}
	sameFiles(t, before, s.files(t))
}

// TestMake_ImageWithoutAnAnswer_NothingIsWrittenAboutItsObject, and the other
// object is written.
func TestMake_ImageWithoutAnAnswer_NothingIsWrittenAboutItsObject(t *testing.T) {
	silent := strings.ReplaceAll(strings.ReplaceAll(deployment, "/web:1", "/silent:1"), "name: web}", "name: silent}")
	s := newScene(t, gate.Harden{}, map[string]string{"app/all.yaml": silent + "---\n" + deployment})
	plan := s.write(t)
	if len(plan.Left) != 1 || !plan.Undetermined() || plan.Left[0].Object.Name != "silent" || !strings.Contains(plan.Left[0].Reason, "does not answer") {
		t.Errorf("%+v", plan.Left)
	}
	if got := s.files(t)["app/all.yaml"]; !strings.HasPrefix(got, silent+"---\n") || strings.Count(got, "securityContext") != 1 {
		t.Errorf("%s", got)
	}
}

func TestMake_StandardInput_IsRefused(t *testing.T) {
	s := newScene(t, gate.Harden{}, map[string]string{"app/web.yaml": deployment})
	s.source.Rendered = []byte(deployment)
	if _, err := inplace.Make(t.Context(), s, s.source); err == nil {
		t.Error("no error")
	}
}
