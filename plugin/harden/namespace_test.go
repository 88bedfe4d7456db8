package harden

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// TestPodSecurityLabels_OfANamespaceThatTheGateListsAreSaidAndNotWritten: an
// object that a sync brings, it deletes as well.
func TestPodSecurityLabels_OfANamespaceThatTheGateListsAreSaidAndNotWritten(t *testing.T) {
	const all = `{"pod-security.kubernetes.io/audit":"baseline","pod-security.kubernetes.io/enforce":"baseline","pod-security.kubernetes.io/warn":"baseline"}`
	const some = `{"pod-security.kubernetes.io/audit":"baseline","pod-security.kubernetes.io/warn":"baseline"}`
	owned := []gate.Namespace{{Name: "owned", Owned: true}}
	for name, test := range map[string]struct {
		described []gate.Namespace
		objects   []plugin.Object
		hint      string
		details   string
	}{
		"owned":                   {owned, []plugin.Object{workload{}.object(t)}, all, ""},
		"what enforce would stop": {owned, []plugin.Object{workload{pod: "hostNetwork: true"}.object(t)}, some, "without enforce: the Pods of deployment/web would be refused"},
		"twin: not owned":         {[]gate.Namespace{{Name: "owned"}}, []plugin.Object{workload{}.object(t)}, "", ""},
		"twin: labelled":          {[]gate.Namespace{{Name: "owned", Owned: true, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "privileged"}}}, []plugin.Object{workload{}.object(t)}, "", ""},
		"other labels":            {[]gate.Namespace{{Name: "owned", Owned: true, Labels: map[string]string{"team": "a"}}}, []plugin.Object{workload{}.object(t)}, all, ""},
		"twin: nothing runs":      {owned, []plugin.Object{object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")}, "", ""},
		"twin: of others":         {[]gate.Namespace{{Name: "other", Owned: true}}, []plugin.Object{workload{}.object(t)}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			hardener := newHardener(t, Config{Profile: "none", More: gate.Harden{PodSecurityLabels: "baseline"}, Namespaces: test.described})
			rendering := plugin.Unhardened{Objects: test.objects, Images: imagesOf(test.objects, good())}
			rendering.Source.Application.Namespace = "owned"
			before := encode(t, test.objects[0])
			objects, findings := hardener.Harden(t.Context(), rendering)
			if len(objects) != 1 || encode(t, objects[0]) != before {
				t.Errorf("%d objects, %s", len(objects), encode(t, objects[0]))
			}
			if test.hint == "" {
				if len(findings) > 0 {
					t.Errorf("findings %+v", findings)
				}
				return
			}
			if len(findings) != 1 || findings[0].Rule != ruleHeldBack || findings[0].Level != plugin.Info || findings[0].Object != (plugin.ObjectID{APIVersion: "v1", Kind: "Namespace", Name: "owned"}) ||
				!strings.Contains(findings[0].Hint, test.hint) || !strings.Contains(findings[0].Hint, "managedNamespaceMetadata") ||
				!strings.Contains(strings.Join(findings[0].Details, "\n"), test.details) {
				t.Errorf("findings %+v", findings)
			}
		})
	}
}

// TestPodSecurityLabels_OfARenderedNamespaceAreWrittenOnce, whatever the gate
// lists.
func TestPodSecurityLabels_OfARenderedNamespaceAreWrittenOnce(t *testing.T) {
	namespace := object(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: owned, labels: {team: a}}\n")
	objects, findings := hardened(t, gate.Harden{PodSecurityLabels: "restricted"}, good(), namespace)
	want := map[string]any{"team": "a", "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/audit": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
	if got := at(objects[0].Fields, "metadata", "labels"); !reflect.DeepEqual(got, want) || len(findings) != 1 {
		t.Errorf("labels %v, findings %+v", got, findings)
	}
	other := object(t, "apiVersion: other.example.com/v1\nkind: Namespace\nmetadata: {name: owned}\n")
	if objects, _ := hardened(t, gate.Harden{PodSecurityLabels: "restricted"}, good(), other); at(objects[0].Fields, "metadata", "labels") != nil {
		t.Error("another group's Namespace was labelled")
	}
}
