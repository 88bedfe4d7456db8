package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestCompile_ARuleThatNamesAKindIsAWarning(t *testing.T) {
	for name, test := range map[string]struct{ resources, hint, good string }{
		"a kind":                     {"apps Deployment", "deployments", "apps deployments"},
		"a kind of an odd plural":    {"networking.k8s.io Ingress", "ingresses", "networking.k8s.io ingresses"},
		"the singular":               {"apps deployment", "deployments", "apps deployments"},
		"capitals alone":             {"apps Deployments", "deployments", "apps deployments"},
		"a plural that is its kind":  {`"" Endpoints`, "endpoints", `"" endpoints`},
		"a kind in all groups":       {`"*" Pod`, "pods", `"*" pods`},
		"a custom kind":              {"example.com Widget", "widgets", "example.com widgets"},
		"a subresource of a kind":    {"apps Deployment/scale", "deployments/scale", "apps deployments/scale"},
		"an odd plural, all of them": {`"" Pod`, "pods", `"" "*"`},
	} {
		t.Run(name, func(t *testing.T) {
			compiled, err := NewCompiler().Compile(policyConfig(t, policyText{resources: test.resources}.String(), nil))
			if err != nil {
				t.Fatal(err)
			}
			warning := one(t, compiled.Warnings)
			if warning.Rule != ruleResourceName || warning.Level != plugin.Warn || warning.Origin.File != "policy.yaml" || warning.Hint != "resources are plural and lower case: "+test.hint {
				t.Errorf("%+v, want the hint %s", warning, test.hint)
			}
			if !strings.Contains(warning.Message, `policy "team-label"`) {
				t.Errorf("the message does not name the policy: %s", warning.Message)
			}
			twin, err := NewCompiler().Compile(policyConfig(t, policyText{resources: test.good}.String(), nil))
			if err != nil || len(twin.Warnings) != 0 {
				t.Errorf("twin: %v %+v", err, twin.Warnings)
			}
		})
	}
}

func TestCompile_ABindingThatNamesAKindIsAWarning(t *testing.T) {
	text := func(resource string) string {
		return policyText{bindingMatch: `matchResources: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [` + resource + "]}]}"}.String()
	}
	for resource, want := range map[string]int{"ConfigMap": 1, "ConfigMap, ConfigMap": 1, "configmaps": 0} {
		compiled, err := NewCompiler().Compile(policyConfig(t, text(resource), nil))
		if err != nil || len(withRule(compiled.Warnings, ruleResourceName)) != want {
			t.Errorf("%s: %v, %+v", resource, err, compiled.Warnings)
		}
	}
}

// A singular of a group that the API server does not have may be a plural: the
// definition decides.
func TestCompile_ALowerCaseNameOfACustomGroupIsNoWarning(t *testing.T) {
	compiled, err := NewCompiler().Compile(policyConfig(t, policyText{resources: "example.com deployment"}.String(), nil))
	if err != nil || len(compiled.Warnings) != 0 {
		t.Errorf("%v, %+v", err, compiled.Warnings)
	}
}
