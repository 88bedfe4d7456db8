package policy

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// isFluxSource reports whether the object is a source of Flux. It applies nothing: a
// Kustomization, a HelmRelease and whatever else does are judged for themselves,
// and what a GatedSource takes from a source the gate judges.
func isFluxSource(id plugin.ObjectID) bool {
	return id.Group() == "source.toolkit.fluxcd.io" &&
		slices.Contains([]string{"GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket"}, id.Kind)
}

// judgeFeeding denies Flux's sources and GatedSources outside of the application's
// own namespace: the gate of a GatedSource follows from its namespace, and a source
// elsewhere could take the place of one that the platform applies without a gate.
func judgeFeeding(o selfObject) []plugin.Finding {
	if !isFluxSource(o.id) && (o.id.Group() != "assay.dev" || o.id.Kind != "GatedSource") {
		return nil
	}
	app := o.source.Application
	own := cmp.Or(app.SourceNamespace, app.Namespace)
	namespace := cmp.Or(o.id.Namespace, app.Namespace)
	switch {
	case namespace == own:
		return nil
	case own == "":
		return []plugin.Finding{o.deny(ruleSelfGitOps, "metadata.namespace", fmt.Sprintf(
			"a %s may be rendered into the application's own namespace alone, and nobody said which that is (on the command line: --namespace)", o.id.Kind))}
	}
	return []plugin.Finding{o.deny(ruleSelfGitOps, "metadata.namespace", fmt.Sprintf(
		"namespace %q is not the application's own (%s): a %s there is judged by another gate, or by none", namespace, own, o.id.Kind))}
}
