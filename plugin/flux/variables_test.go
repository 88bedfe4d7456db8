package flux

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/kustomize"
)

// Flux's own reading of substituteFrom is the measure.
func TestVariables_AreThoseThatFluxReads(t *testing.T) {
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "team-a", Name: name} }
	reader := fake.NewClientBuilder().WithObjects(
		&corev1.ConfigMap{ObjectMeta: named("plain"), Data: map[string]string{"zone": "a\nb", "size": "small", "over": "plain"}},
		&corev1.Secret{ObjectMeta: named("hidden"), Data: map[string][]byte{"size": []byte("large\n"), "token": []byte("s3cret")}},
		&corev1.ConfigMap{ObjectMeta: named("last"), Data: map[string]string{"over": "last"}},
	).Build()
	for name, references := range map[string][]kustomizev1.SubstituteReference{
		"none":               nil,
		"in their order":     {{Kind: "ConfigMap", Name: "plain"}, {Kind: "Secret", Name: "hidden"}, {Kind: "ConfigMap", Name: "last"}},
		"in the other order": {{Kind: "ConfigMap", Name: "last"}, {Kind: "Secret", Name: "hidden"}, {Kind: "ConfigMap", Name: "plain"}},
		"one is missing":     {{Kind: "ConfigMap", Name: "other", Optional: true}, {Kind: "ConfigMap", Name: "plain"}},
	} {
		t.Run(name, func(t *testing.T) {
			post := &kustomizev1.PostBuild{SubstituteFrom: references}
			spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(post)
			if err != nil {
				t.Fatal(err)
			}
			secret := map[string]string{}
			collecting := kustomize.ContextWithSecretVarsCollector(t.Context(), func(found map[string]string) { maps.Copy(secret, found) })
			want, err := kustomize.LoadVariables(collecting, reader, unstructured.Unstructured{Object: map[string]any{
				"metadata": map[string]any{"namespace": "team-a"}, "spec": map[string]any{"postBuild": spec},
			}})
			if err != nil {
				t.Fatal(err)
			}
			got, hidden, err := asAccount{reader, "team-a", "default"}.variables(t.Context(), post)
			if err != nil || !maps.Equal(got, want) || !slices.Equal(hidden, slices.Sorted(maps.Keys(secret))) {
				t.Errorf("got %v, secret %v: %v; Flux reads %v, secret %v", got, hidden, err, want, secret)
			}
		})
	}
}
