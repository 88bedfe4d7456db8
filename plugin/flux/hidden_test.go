package flux

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/render"
)

// forReal runs a pipeline with the renderer that counts.
func forReal(ctx context.Context, source plugin.Source, said rules) *plugin.Verdict {
	pipeline := &plugin.Pipeline{
		Renderer: render.New(render.Options{Limits: plugin.DefaultLimits()}), Resolver: noImages{}, Encoding: plugin.JSONEncoding{},
		Gates: []plugin.GateStages{{Name: "test", Deny: true, Verifiers: []plugin.Verifier{noImages{}}, Judges: []plugin.Judge{said}}},
	}
	return pipeline.Run(ctx, source)
}

// TestReconcile_PartsOfSecretValuesAreShownNowhere: in what is denied, and in
// what is published and judged again, which has the same parts.
func TestReconcile_PartsOfSecretValuesAreShownNowhere(t *testing.T) {
	s := newScene(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "settings"}, Data: map[string][]byte{"token": []byte("hunter2-hunter2")}}
	if err := s.Client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: \"${token:0:6}\", b: \"${token:8:7}\"}\n"
	s.source("main@sha1:aaa", map[string]string{"web.yaml": manifest})
	s.gated(func(spec *v1alpha1.GatedSourceSpec) {
		spec.Kustomize = &v1alpha1.KustomizeRendering{PostBuild: &kustomizev1.PostBuild{SubstituteFrom: []kustomizev1.SubstituteReference{{Kind: "Secret", Name: "settings"}}}}
	})
	var said rules
	s.judge.say = func(ctx context.Context, source plugin.Source) *plugin.Verdict { return forReal(ctx, source, said) }
	s.settle()
	s.says(metav1.ConditionTrue, meta.SucceededReason)
	said = func() []plugin.Finding {
		return []plugin.Finding{{Rule: "example/rule", Level: plugin.Deny, Message: "data says hunter and hunter2 of team-a"}}
	}
	s.source("main@sha1:bbb", map[string]string{"web.yaml": manifest + "# new\n"})
	s.settle()
	s.says(metav1.ConditionFalse, "VerificationFailed", "judged again", "main@sha1:aaa stays")
	message := conditions.Get(s.object(), meta.ReadyCondition).Message
	if strings.Contains(message, "hunt") || strings.Count(message, "of team-a") != 2 {
		t.Error(message)
	}
}

// TestSources_ChartsWithValuesOfSecretsSayNoMoreOfTheirFailures than where.
func TestSources_ChartsWithValuesOfSecretsSayNoMoreOfTheirFailures(t *testing.T) {
	for _, kind := range []string{"ConfigMap", "Secret"} {
		object := &v1alpha1.GatedSource{Spec: v1alpha1.GatedSourceSpec{Helm: &v1alpha1.HelmRendering{ValuesFrom: []meta.ValuesReference{{Kind: kind, Name: "values"}}}}}
		parameters, err := parametersOf(object, inputs{})
		if err != nil || parameters.Helm.SecretValues != (kind == "Secret") {
			t.Errorf("%s: %+v %v", kind, parameters.Helm, err)
		}
	}
}
