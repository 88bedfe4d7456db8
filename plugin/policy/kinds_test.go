package policy

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// definitionOf is a CustomResourceDefinition.
func definitionOf(name, group, kind, scope string) string {
	plural, _, _ := strings.Cut(name, ".")
	return fmt.Sprintf("\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: %s}\nspec: {group: %q, scope: %s, names: {kind: %s, plural: %s}, versions: []}\n",
		name, group, scope, kind, plural)
}

const (
	deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: team-a}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: web, image: web}]}}}"
	widget     = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web, namespace: team-a}"
)

func TestKinds_ARenderedDefinitionDoesNotHideAKindFromAPolicy(t *testing.T) {
	for name, test := range map[string]struct{ resources, object, definition string }{
		"a built-in kind renamed":              {"apps deployments", deployment, definitionOf("foos.apps", "apps", "Deployment", "Namespaced")},
		"a core kind renamed":                  {`"" configmaps`, strings.TrimSpace(unlabelled), definitionOf("foos.", "", "ConfigMap", "Cluster")},
		"a custom kind renamed":                {"example.com widgets", widget, definitionOf("foos.example.com", "example.com", "Widget", "Cluster")},
		"a custom kind renamed by a false one": {"example.com widgets", widget, definitionOf("foos.example.org", "example.com", "Widget", "Cluster")},
	} {
		t.Run(name, func(t *testing.T) {
			for _, definition := range []string{"", test.definition} {
				config := policyConfig(t, policyText{resources: test.resources}.String(), nil)
				finding := one(t, withRule(judgeWith(t, config, sealed(t, test.object+definition)), "policy/team-label"))
				if finding.Level != plugin.Deny {
					t.Errorf("definition %q: %+v", definition, finding)
				}
			}
			other := policyConfig(t, policyText{resources: "example.com gadgets"}.String(), nil)
			if found := withRule(judgeWith(t, other, sealed(t, test.object+test.definition)), "policy/team-label"); len(found) != 0 {
				t.Errorf("twin: %+v", found)
			}
		})
	}
}

func TestKinds_ARenderedDefinitionNamesAnIrregularPlural(t *testing.T) {
	config := policyConfig(t, policyText{resources: "example.com gizmos"}.String(), nil)
	one(t, withRule(judgeWith(t, config, sealed(t, widget+definitionOf("gizmos.example.com", "example.com", "Widget", "Namespaced"))), "policy/team-label"))
	if found := withRule(judgeWith(t, config, sealed(t, widget)), "policy/team-label"); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestKinds_ARenderedDefinitionMovesNoKindOutOfAScope(t *testing.T) {
	for _, scope := range []string{"Namespaced", "Cluster"} {
		for _, said := range []string{"Namespaced", "Cluster"} {
			text := strings.ReplaceAll(policyText{resources: "example.com widgets"}.String(), "resources: [widgets]", "resources: [widgets], scope: "+scope)
			config := policyConfig(t, text, nil)
			input := sealed(t, widget+definitionOf("widgets.example.com", "example.com", "Widget", said))
			if found := withRule(judgeWith(t, config, input), "policy/team-label"); len(found) != 1 {
				t.Errorf("a rule for %s, a definition that says %s: %+v", scope, said, found)
			}
		}
	}
}

func TestSelf_ADefinitionOfABuiltInKindIsDenied(t *testing.T) {
	for name, definition := range map[string]string{
		"apps":                 definitionOf("foos.apps", "apps", "Deployment", "Cluster"),
		"core":                 definitionOf("configmaps.", "", "ConfigMap", "Cluster"),
		"networking.k8s.io":    definitionOf("ingresses.networking.k8s.io", "networking.k8s.io", "Ingress", "Cluster"),
		"apiextensions.k8s.io": definitionOf("foos.apiextensions.k8s.io", "apiextensions.k8s.io", "CustomResourceDefinition", "Cluster"),
		"another case":         definitionOf("foos.APPS", "APPS", "Deployment", "Cluster"),
		"another name":         definitionOf("foos.example.org", "example.com", "Widget", "Cluster"),
		"no plural":            definitionOf(".example.com", "example.com", "Widget", "Cluster"),
	} {
		if found := withRule(selfFindings(SelfConfig{}, sealed(t, strings.TrimSpace(unlabelled)+definition)), ruleSelfDefinition); len(found) != 1 {
			t.Errorf("%s: %+v", name, found)
		}
	}
	for _, twin := range []string{
		definitionOf("widgets.example.com", "example.com", "Widget", "Cluster"),
		definitionOf("gateways.gateway.networking.k8s.io", "gateway.networking.k8s.io", "Gateway", "Namespaced"),
	} {
		if found := selfFindings(SelfConfig{}, sealed(t, strings.TrimSpace(unlabelled)+twin)); len(found) != 0 {
			t.Errorf("twin: %+v", found)
		}
	}
}

func TestSelf_ADefinitionMovesNoObjectOutOfTheDestination(t *testing.T) {
	for name, text := range map[string]string{
		"built-in": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}" + definitionOf("configmaps.", "", "ConfigMap", "Cluster"),
		"custom":   "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}" + definitionOf("widgets.example.com", "example.com", "Widget", "Cluster"),
	} {
		input := sealed(t, text)
		input.Source.Application.Namespace = "argocd"
		if found := withRule(selfFindings(SelfConfig{}, input), ruleSelfNamespace); len(found) != 1 {
			t.Errorf("%s: %+v", name, found)
		}
		input.Source.Application.Namespace = "team-a"
		if found := withRule(selfFindings(SelfConfig{}, input), ruleSelfNamespace); len(found) != 0 {
			t.Errorf("%s: twin: %+v", name, found)
		}
	}
}

func TestAdmission_ANamespacedObjectWithoutADestinationIsNamespacedAllTheSame(t *testing.T) {
	for scope, want := range map[string]int{"Namespaced": 1, `"*"`: 1, "Cluster": 0} {
		text := strings.ReplaceAll(policyText{}.String(), "resources: [configmaps]", "resources: [configmaps], scope: "+scope)
		input := sealed(t, strings.ReplaceAll(unlabelled, ", namespace: team-a", ""))
		if found := judgeWith(t, policyConfig(t, text, nil), input); len(found) != want {
			t.Errorf("scope %s: %+v", scope, found)
		}
	}
}

func TestKinds_PluralsAreThoseOfTheDefinitions(t *testing.T) {
	for kind, want := range map[string]string{
		"Gateway": "gateways", "NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "Endpoints": "endpoints", "Application": "applications", "Policy": "policies",
	} {
		gvk := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: kind}
		if got := apiserver.GuessResource(gvk).Resource; got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}

func TestKinds_MoreDefinitionsOfOneKindThanAreLookedAtAreDenied(t *testing.T) {
	config := policyConfig(t, policyText{resources: "example.com gizmos"}.String(), nil)
	text := widget
	for i := range apiserver.PluralsPerKind {
		text += definitionOf(fmt.Sprintf("w%d.example.com", i), "example.com", "Widget", "Namespaced")
	}
	more := definitionOf("gizmos.example.com", "example.com", "Widget", "Namespaced")
	finding := one(t, withRule(judgeWith(t, config, sealed(t, text+more)), ruleInvalidObject))
	if finding.Level != plugin.Deny || finding.Object.Name != "gizmos.example.com" {
		t.Errorf("%+v", finding)
	}
	again := definitionOf("w0.example.com", "example.com", "Widget", "Namespaced")
	if found := withRule(judgeWith(t, config, sealed(t, text+again)), ruleInvalidObject); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}
