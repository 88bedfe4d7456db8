package flux

import "github.com/assay-gitops/assay/plugin/flux/v1alpha1"

// frozen are the files of the chart that is published: its templates are what
// was judged, and no value changes them.
func frozen(object *v1alpha1.GatedSource) (map[string][]byte, error) {
	return nil, stalled(reasonNotVerified, "publishing the chart of GatedSource %s/%s: frozen charts are not there yet", object.Namespace, object.Name)
}
