package policy

import (
	"cmp"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/assay-gitops/assay/plugin/apiserver"
)

// write is a request to the API server.
type write struct {
	// object is empty for a deletion, old for a creation.
	object, old string
	// subresource is "status", or empty.
	subresource string
	// user asks; empty is a tenant.
	user string
	// projects and platform are what the policies about Argo CD and Flux have for
	// parameters.
	projects string
	platform map[string]string
}

func decoded(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	if text == "" {
		return nil
	}
	return &unstructured.Unstructured{Object: objects(t, text)[0].Fields}
}

// installed are the policies of a folder of manifests.
type installed []boundPolicy

// install reads those of manifests/<tool>/admission.
func install(t *testing.T, tool string) installed {
	t.Helper()
	manifests := os.DirFS("../../manifests")
	names, err := fs.Glob(manifests, tool+"/admission/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var policies installed
	for _, name := range names {
		data, err := fs.ReadFile(manifests, name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), "\nkind: ValidatingAdmissionPolicy\n") {
			continue // the kustomization, and the platform's lists
		}
		policy, err := loadPolicy(NewCompiler(), manifests, name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		policies = append(policies, policy)
	}
	return policies
}

// refusals are what the policies say against a request, as the API server would
// ask them.
func (i installed) refusals(t *testing.T, asked write) []string {
	t.Helper()
	var said []string
	for each := range i {
		said = append(said, refusalsOf(t, &i[each], asked)...)
	}
	return said
}

func refusalsOf(t *testing.T, policy *boundPolicy, asked write) []string {
	t.Helper()
	record := asked.attributes(t)
	if !slices.ContainsFunc(policy.match.ResourceRules, func(rule admissionv1.NamedRuleWithOperations) bool { return covers(rule, record) }) {
		return nil
	}
	versioned := &admission.VersionedAttributes{Attributes: record, VersionedKind: record.GetKind()}
	versioned.VersionedObject.Set(record.GetObject())
	versioned.VersionedOldObject.Set(record.GetOldObject())
	judged, _ := cmp.Or(record.GetObject(), record.GetOldObject()).(*unstructured.Unstructured)
	told := *policy.admissionPolicy // the user is known here
	told.validationRefs, told.conditionRefs = make([]apiserver.References, len(told.validationRefs)), make([]apiserver.References, len(told.conditionRefs))
	run := evaluation{policy: &told, subject: &subject{object: judged, namespaced: true, namespace: "team-a"}, request: &attributes{
		versioned: versioned, request: plugincel.CreateAdmissionRequest(record, metav1.GroupVersionResource(record.GetResource()), metav1.GroupVersionKind(record.GetKind())),
	}}
	if policy.file.Spec.ParamKind != nil {
		run.params = asked.params()
	}
	var said []string
	for _, failed := range run.run(t.Context()) {
		if failed.erred {
			t.Errorf("%s could not be evaluated: %+v", policy.file.Name, failed)
		}
		said = append(said, failed.message)
	}
	return said
}

func (w write) attributes(t *testing.T) admission.Attributes {
	t.Helper()
	object, old := decoded(t, w.object), decoded(t, w.old)
	judged := cmp.Or(object, old)
	kind := judged.GroupVersionKind()
	resource := schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: strings.ToLower(kind.Kind) + "s"}
	var after, before, options runtime.Object = nil, nil, &metav1.UpdateOptions{}
	operation := admission.Update
	if object != nil {
		after = object
	} else {
		operation, options = admission.Delete, &metav1.DeleteOptions{}
	}
	if old != nil {
		before = old
	} else {
		operation, options = admission.Create, &metav1.CreateOptions{}
	}
	info := &user.DefaultInfo{Name: cmp.Or(w.user, "system:serviceaccount:team-a:deployer")}
	return admission.NewAttributesRecord(after, before, kind, judged.GetNamespace(), judged.GetName(), resource, w.subresource, operation, options, false, info)
}

func (w write) params() *corev1.ConfigMap {
	if w.platform != nil {
		return &corev1.ConfigMap{Data: w.platform}
	}
	return &corev1.ConfigMap{Data: map[string]string{"projects": w.projects}}
}

// covers reports whether a rule of a policy is about a request.
func covers(rule admissionv1.NamedRuleWithOperations, record admission.Attributes) bool {
	resource := strings.TrimSuffix(record.GetResource().Resource+"/"+record.GetSubresource(), "/")
	return slices.Contains(rule.APIGroups, record.GetResource().Group) && slices.Contains(rule.Resources, resource) &&
		slices.Contains(rule.Operations, admissionv1.OperationType(record.GetOperation()))
}

// bypass is one way around the gate, and the same request with one thing
// changed, which passes.
type bypass struct {
	bad, twin write
	// says is part of what the developer reads.
	says string
}

func checkBypasses(t *testing.T, tool string, table map[string]bypass) {
	t.Helper()
	policies := install(t, tool)
	for name, test := range table {
		t.Run(name, func(t *testing.T) {
			said := policies.refusals(t, test.bad)
			if len(said) != 1 || !strings.Contains(said[0], test.says) || strings.Contains(said[0], "git.example.com") {
				t.Errorf("refused with %q, want one message with %q and without an address", said, test.says)
			}
			if said := policies.refusals(t, test.twin); len(said) != 0 {
				t.Errorf("the twin is refused: %q", said)
			}
		})
	}
}
