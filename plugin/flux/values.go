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
// and then those that are written. hidden are those that come from Secrets.
func (a asAccount) values(ctx context.Context, helm *v1alpha1.HelmRendering) (text string, hidden []string, err error) {
	if helm == nil {
		return "", nil, nil
	}
	written := map[string]any{}
	if helm.Values != nil {
		if err := json.Unmarshal(helm.Values.Raw, &written); err != nil {
			return "", nil, stalled(reasonValuesFailed, "reading spec.helm.values: %w; write a mapping", err)
		}
	}
	references := make([]render.ValuesReference, len(helm.ValuesFrom))
	for i, reference := range helm.ValuesFrom {
		if references[i], err = a.reference(ctx, reference); err != nil {
			return "", nil, err
		}
		if reference.Kind == "Secret" {
			hidden = append(hidden, render.SecretTexts(references[i].Data)...)
		}
	}
	merged, err := render.MergeReleaseValues(written, references)
	var refused *plugin.Refusal
	if errors.As(err, &refused) {
		return "", nil, waiting(reasonValuesFailed, "%w; %s", err, refused.Hint)
	}
	if err != nil {
		return "", nil, fmt.Errorf("merging the values of spec.helm: %w", err)
	}
	text, err = render.EncodeReleaseValues(merged)
	return text, hidden, err
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
