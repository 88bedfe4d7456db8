package plugin

import (
	"context"
	"strings"
	"testing"
)

// TestMask_VariablesFromSecretsAreHiddenWhereverTheyWerePut: a value that a
// Secret gave to a ConfigMap is as secret there; its twin came from elsewhere.
func TestMask_VariablesFromSecretsAreHiddenWhereverTheyWerePut(t *testing.T) {
	object := Object{Fields: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"url": "db://hunter2@db"}}}
	said := func(secret []string) string {
		pipeline := passing()
		pipeline.Renderer = renders(object)
		pipeline.Always = []Judge{judgeFunc(func(context.Context, Sealed) []Finding {
			return []Finding{{Rule: "example/rule", Object: object.ID(), Message: "data.url is db://hunter2@db", Details: []string{"hunter2"}, Was: `"hunter2"`}}
		})}
		values := map[string]string{"PASSWORD": "hunter2\n", "OTHER": ""}
		source := Source{Parameters: Parameters{Flux: FluxParameters{PostBuild: &FluxPostBuild{Substitute: values, Secret: secret}}}}
		var text strings.Builder
		for _, finding := range withRule(pipeline.Run(t.Context(), source).Findings, "example/rule") {
			text.WriteString(finding.Message + strings.Join(finding.Details, "") + finding.Was)
		}
		return text.String()
	}
	if got := said([]string{"PASSWORD", "OTHER", "MISSING"}); got == "" || strings.Contains(got, "hunter2") {
		t.Errorf("a secret value is shown: %s", got)
	}
	if got := said(nil); strings.Count(got, "hunter2") < 2 {
		t.Errorf("a value that is no secret is hidden: %s", got)
	}
}

// hiding renders an object with a part of a secret value, and says so.
type hiding struct {
	object Object
	parts  []string
	failed error
}

func (h hiding) Render(context.Context, Source) (Rendering, error) {
	return Rendering{Objects: []Object{h.object}, Hidden: h.parts}, h.failed
}

// TestMask_PartsOfSecretValuesAreHidden that the renderer names, also when it
// fails, and handed to nobody but through the verdict. The twin has none.
func TestMask_PartsOfSecretValuesAreHidden(t *testing.T) {
	object := Object{Fields: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}}}
	for _, failed := range []error{nil, &Refusal{Rule: "example/rule", Message: "the text is hunt"}} {
		for _, parts := range [][]string{{"hunt"}, nil} {
			pipeline := passing()
			pipeline.Renderer = hiding{object, parts, failed}
			pipeline.Always = []Judge{judgeFunc(func(context.Context, Sealed) []Finding {
				return []Finding{{Rule: "example/rule", Object: object.ID(), Message: "the text is hunt"}}
			})}
			verdict := pipeline.Run(t.Context(), Source{Hidden: []string{"hunter2"}})
			said := withRule(verdict.Findings, "example/rule")
			if len(said) != 1 || strings.Contains(said[0].Message, "hunt") != (parts == nil) || len(verdict.Hidden()) != 1+len(parts) {
				t.Errorf("%v: %+v, %q", failed, said, verdict.Hidden())
			}
		}
	}
}
