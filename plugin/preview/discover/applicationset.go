package discover

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover/appset"
	"github.com/assay-gitops/assay/plugin/render"
)

// ArgoApplicationSets finds the Applications that Argo CD's ApplicationSets
// give. They have the set as their last parent, and its place as their origin.
func ArgoApplicationSets(ctx context.Context, tree Tree, objects []plugin.Object, parents []string) Found {
	var found Found
	for _, object := range objects {
		if !appset.Is(object.ID()) {
			continue
		}
		expansion := appset.Expand(ctx, object, appset.Input{
			Tree: tree.open, Clusters: tree.Clusters, Limits: tree.Limits,
			Replaced: func(note func(string)) map[string]any { return render.RandomFunctions(note) },
		})
		for _, problem := range expansion.Problems {
			found.Unseen = append(found.Unseen, Unseen(problem))
		}
		if len(found.Applications)+len(expansion.Applications) > mostDefinitions {
			found.Unseen = append(found.Unseen, tooMany(object))
			continue
		}
		inside := append(slices.Clone(parents), appset.Name(object.ID()))
		found = found.and(ArgoApplications(ctx, tree, expansion.Applications, inside))
	}
	return found
}

func tooMany(set plugin.Object) Unseen {
	return Unseen{
		What: appset.Name(set.ID()), Reason: "with its Applications there are more than 10000 in one place", Hint: "take narrower generators", Origin: set.Origin,
	}
}

// open is what a Git generator looks into.
func (t Tree) open(ctx context.Context, repository, revision string) (*os.Root, error) {
	switch {
	case t.Open != nil:
		return t.Open(ctx, repository, revision)
	case t.Own == nil || !t.Own(repository):
		return nil, errors.New("it is another repository")
	case revision != "" && revision != "HEAD":
		return nil, errors.New("it is another revision")
	}
	return t.Root, nil
}
