// Package discover finds what a repository deploys: Argo CD's Applications and
// ApplicationSets, Flux's Kustomizations, HelmReleases and GatedSources, and
// plain roots where there is neither.
package discover

import (
	"context"
	"os"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// Application is one thing that a repository deploys.
type Application struct {
	// Kind is the object's kind, or "kustomize", "helm" or "directory" for a plain
	// root.
	Kind string
	// Namespace and Name are the object's; a plain root has its path as its name.
	Namespace, Name string
	// Origin is the file and line that define it.
	Origin plugin.Origin
	// Parents are what made it, the outermost first: "ApplicationSet argocd/shop".
	Parents []string
	// Identity is by what gates are chosen.
	Identity plugin.Application
	// Parts are rendered and judged each on its own, as the platform does it.
	Parts []Part
	// Unseen are what of it cannot be looked at, and why.
	Unseen []Unseen
	// Notes are what a reader should know of it, a line each: that it is suspended,
	// what was assumed.
	Notes []string
}

// Part is one source of an application.
type Part struct {
	// Repository is the URL as it is written; empty for the tree that the
	// application was found in.
	Repository string
	// Revision is the branch, tag, commit or version as it is written.
	Revision string
	// Path is the folder in that repository.
	Path string
	// Chart is set instead of Path for a chart of a Helm repository or registry.
	Chart *render.ChartReference
	// Digest is the chart's, where the definition pins it.
	Digest string
	// Parameters are the rendering options, as Settle completes them for a tree and
	// a commit. Value files of other parts are written "$name/path" and are listed
	// in References; Parameters.Helm.References says where they are in the tree.
	Parameters plugin.Parameters
	// References are the other repositories that "$name" stands for.
	References map[string]Reference
	// Release is set for a HelmRelease: it is rendered by render.FindRelease, which
	// finds its source and its values among Objects.
	Release *plugin.Object
	Objects []plugin.Object
	// Hidden are values that come from Secrets.
	Hidden []string

	// argo is the source as it is written, for Settle, and application whose it is.
	argo        *render.ArgoSource
	application plugin.Application
}

// Reference is a repository that value files come from (Argo CD, sources[].ref).
type Reference struct {
	Repository, Revision string
}

// Unseen is a part that was not looked at.
type Unseen struct {
	What, Reason, Hint string
	Origin             plugin.Origin
}

// Tree is one side, as it is read.
type Tree struct {
	Root *os.Root
	// Own reports whether a repository's URL means this tree.
	Own func(url string) bool
	// Open is the tree of a repository at a revision, for what Git generators look
	// into; its error says why it cannot be seen. nil opens this tree alone, where
	// Own says so and the revision is HEAD.
	Open func(ctx context.Context, repository, revision string) (*os.Root, error)
	// Clusters are Argo CD cluster Secrets for the cluster generator; nil where
	// nobody gave them.
	Clusters []plugin.Object
	Limits   plugin.Limits
	// Manifests are the objects in the tree's files that definitions may name; nil
	// reads the tree anew for each question.
	Manifests *Manifests
	// Near is the file that defines what the objects at hand were rendered from;
	// empty for those of files. Of several objects of one name the nearest counts.
	Near string
	// Rendered are objects of other renderings of the same side. Those that
	// definitions stand beside count before them.
	Rendered []plugin.Object
}

// Found is what discovery made of files or of the objects of a rendering.
type Found struct {
	Applications []Application
	Unseen       []Unseen
}

// Definitions turns objects, which are those of files or of one rendering, into
// the applications that they define. Objects of other kinds are what the
// definitions may refer to: sources, ConfigMaps, Secrets. Parents are written
// into each application.
type Definitions func(ctx context.Context, tree Tree, objects []plugin.Object, parents []string) Found
