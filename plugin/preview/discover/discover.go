package discover

import (
	"context"

	"github.com/assay-gitops/assay/plugin"
)

// definitions is the one list of what can define applications.
func definitions() []Definitions {
	return []Definitions{
		ArgoApplications,
		ArgoApplicationSets,
		Flux,
	}
}

// Objects finds the applications that objects define: those of files, or those
// that an application renders to.
func Objects(ctx context.Context, tree Tree, objects []plugin.Object, parents []string) Found {
	var found Found
	for _, define := range definitions() {
		found = found.and(define(ctx, tree, objects, parents))
	}
	return found
}

// and joins what two looks found.
func (f Found) and(other Found) Found {
	return Found{Applications: append(f.Applications, other.Applications...), Unseen: append(f.Unseen, other.Unseen...)}
}
