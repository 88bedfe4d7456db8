package flux

import (
	"encoding/json"
	"fmt"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/render"
)

// parametersOf are how the object says to render. What its fields mean is
// render's to say, as a preview reads the same object out of a repository.
func parametersOf(object *v1alpha1.GatedSource, read inputs) (plugin.Parameters, error) {
	namespace := applicationOf(object, observed{}).Namespace
	if isHelm(object) {
		var fields render.HelmFields
		if err := sameFields("spec.helm", object.Spec.Helm, &fields); err != nil {
			return plugin.Parameters{}, err
		}
		if fields.KubeVersion == "" {
			fields.KubeVersion = read.kubeVersion
		}
		if len(fields.APIVersions) == 0 {
			fields.APIVersions = read.apiVersions
		}
		return plugin.Parameters{Kind: render.KindHelm, Helm: fields.Parameters(object.Name, namespace, read.values)}, nil
	}
	var fields render.KustomizationFields
	if err := sameFields("spec.kustomize", object.Spec.Kustomize, &fields); err != nil {
		return plugin.Parameters{}, err
	}
	parameters := fields.Parameters(render.Variables{Values: read.variables, Secret: read.secret})
	parameters.DefaultNamespace = namespace
	return plugin.Parameters{Kind: render.KindFlux, Flux: parameters}, nil
}

// sameFields reads what is written, nil included, into fields of the same names.
func sameFields(name string, written, fields any) error {
	data, err := json.Marshal(written)
	if err == nil {
		err = json.Unmarshal(data, fields)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}
