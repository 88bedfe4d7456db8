package flux

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-logr/logr"
	"sigs.k8s.io/yaml"

	"github.com/fluxcd/pkg/chartutil"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// inlineVariables are those that the object writes itself; nil when nothing is
// substituted.
func inlineVariables(object *v1alpha1.GatedSource) map[string]string {
	post := postBuildOf(object)
	if post == nil {
		return nil
	}
	return withInline(map[string]string{}, post.Substitute)
}

// withInline puts written variables over those of objects; Flux drops line
// breaks of both.
func withInline(variables, written map[string]string) map[string]string {
	for name, value := range written {
		variables[name] = strings.ReplaceAll(value, "\n", "")
	}
	return variables
}

func writtenValues(object *v1alpha1.GatedSource) (map[string]any, error) {
	values := map[string]any{}
	if object.Spec.Helm == nil || object.Spec.Helm.Values == nil {
		return values, nil
	}
	if err := json.Unmarshal(object.Spec.Helm.Values.Raw, &values); err != nil {
		return nil, stalled(reasonValuesFailed, "reading spec.helm.values: %w; write a mapping", err)
	}
	return values, nil
}

// inlineValues are the values that the object writes itself, YAML.
func inlineValues(object *v1alpha1.GatedSource) (string, error) {
	values, err := writtenValues(object)
	if err != nil || len(values) == 0 {
		return "", err
	}
	return asYAML(values)
}

// values are a chart's, as Flux merges them: those of objects in their order,
// and then those that are written.
func (a asAccount) values(ctx context.Context, helm *v1alpha1.HelmRendering) (string, error) {
	written, err := writtenValues(&v1alpha1.GatedSource{Spec: v1alpha1.GatedSourceSpec{Helm: helm}})
	if err != nil {
		return "", err
	}
	merged, err := chartutil.ChartValuesFromReferences(ctx, logr.Discard(), a.reader, a.namespace, written, helm.ValuesFrom...)
	if err != nil {
		return "", a.explain("reading spec.helm.valuesFrom", err)
	}
	if len(merged) == 0 {
		return "", nil
	}
	return asYAML(merged)
}

func asYAML(values map[string]any) (string, error) {
	text, err := yaml.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("writing the values: %w", err)
	}
	return string(text), nil
}
