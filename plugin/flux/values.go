package flux

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/render"
)

// values are a chart's, as Flux merges them: those of objects in their order,
// and then those that are written.
func (a asAccount) values(ctx context.Context, helm *v1alpha1.HelmRendering) (string, error) {
	if helm == nil {
		return "", nil
	}
	written := map[string]any{}
	if helm.Values != nil {
		if err := json.Unmarshal(helm.Values.Raw, &written); err != nil {
			return "", stalled(reasonValuesFailed, "reading spec.helm.values: %w; write a mapping", err)
		}
	}
	references := make([]render.ValuesReference, len(helm.ValuesFrom))
	for i, reference := range helm.ValuesFrom {
		var err error
		if references[i], err = a.reference(ctx, reference); err != nil {
			return "", err
		}
	}
	merged, err := render.MergeReleaseValues(written, references)
	var refused *plugin.Refusal
	if errors.As(err, &refused) {
		return "", waiting(reasonValuesFailed, "%w; %s", err, refused.Hint)
	}
	if err != nil {
		return "", fmt.Errorf("merging the values of spec.helm: %w", err)
	}
	return render.EncodeReleaseValues(merged)
}

// reference reads what one entry of valuesFrom names.
func (a asAccount) reference(ctx context.Context, written meta.ValuesReference) (render.ValuesReference, error) {
	read := render.ValuesReference{
		Kind: written.Kind, Name: written.Name, Key: written.GetValuesKey(), TargetPath: written.TargetPath, Optional: written.Optional, Literal: written.Literal,
	}
	data, found, err := a.object(ctx, written.Kind, written.Name)
	if err != nil {
		return read, a.explain(fmt.Sprintf("reading %s %s/%s (spec.helm.valuesFrom)", written.Kind, a.namespace, written.Name), err)
	}
	if found {
		read.Data, read.Found = data[read.Key]
	}
	return read, nil
}
