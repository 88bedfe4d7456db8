package discover

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// API groups of Flux and of the gate's own objects.
const (
	groupKustomize = "kustomize.toolkit.fluxcd.io"
	groupHelm      = "helm.toolkit.fluxcd.io"
	groupSource    = "source.toolkit.fluxcd.io"
	groupOwn       = "assay.dev"
)

const (
	// deepestParents bounds Kustomizations that render Kustomizations.
	deepestParents = 16
	// mostDefinitions bounds the applications of one set of objects.
	mostDefinitions = 10_000
)

// bootstrapName is the name and namespace of what `flux bootstrap` makes.
const bootstrapName = "flux-system"

// Flux finds Flux's Kustomizations and GatedSources. HelmReleases are found in
// renderings alone, which have parents: a file of a base that is only patched is
// no release. A Kustomization that stands in what it renders itself, as that of
// `flux bootstrap` does, is not found again.
func Flux(ctx context.Context, tree Tree, objects []plugin.Object, parents []string) Found {
	search := &fluxSearch{ctx: ctx, tree: tree, objects: objects, parents: parents}
	for _, object := range objects {
		id := object.ID()
		read := search.reader(id)
		if read == nil || slices.ContainsFunc(parents, func(parent string) bool { return isParent(parent, id) }) {
			continue
		}
		if len(parents) >= deepestParents {
			search.found.Unseen = append(search.found.Unseen, Unseen{
				What: parentName(id), Reason: fmt.Sprintf("it stands %d applications deep; assay looks no deeper", deepestParents), Origin: object.Origin,
			})
			return search.found
		}
		if len(search.found.Applications) >= mostDefinitions {
			search.found.Unseen = append(search.found.Unseen, Unseen{
				What: parentName(id) + " and all that follows", Reason: fmt.Sprintf("more than %d applications are defined in one place", mostDefinitions), Origin: object.Origin,
			})
			return search.found
		}
		read(object)
	}
	return search.found
}

// fluxSearch is one search among objects.
type fluxSearch struct {
	ctx     context.Context //nolint:containedctx // the search is one call
	tree    Tree
	objects []plugin.Object
	// beside and elsewhere hold the objects, and those of other renderings, that
	// definitions name; they are made when the first is looked for.
	beside, elsewhere map[manifestKey][]plugin.Object
	parents           []string
	found             Found
}

// reader is what reads objects of a kind; nil for those that define nothing.
func (s *fluxSearch) reader(id plugin.ObjectID) func(plugin.Object) {
	switch {
	case id.Group() == groupKustomize && id.Kind == "Kustomization":
		return s.kustomization
	case id.Group() == groupOwn && id.Kind == "GatedSource":
		return s.gatedSource
	case id.Group() == groupOperator && id.Kind == "FluxInstance":
		return s.instance
	case id.Group() == groupOperator && id.Kind == "ResourceSet":
		return s.resourceSet
	case render.IsHelmRelease(id) && len(s.parents) > 0:
		return s.release
	}
	return nil
}

// AsParent is how an application is named among the parents of others. The file
// tells apart what has one name in several clusters.
func (a Application) AsParent() string {
	name := a.Kind + " " + place(a.Namespace, a.Name)
	if a.Namespace == "" || a.Origin.File == "" {
		return name
	}
	return name + " in " + a.Origin.File
}

// parentName is the same without the file.
func parentName(id plugin.ObjectID) string { return id.Kind + " " + place(id.Namespace, id.Name) }

func isParent(parent string, id plugin.ObjectID) bool {
	return parent == parentName(id) || strings.HasPrefix(parent, parentName(id)+" ")
}

func place(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// application begins the application that an object defines.
func (s *fluxSearch) application(object plugin.Object) Application {
	id := object.ID()
	return Application{
		Kind: id.Kind, Namespace: id.Namespace, Name: id.Name, Origin: object.Origin, Parents: s.parents,
		Identity: plugin.Application{Name: id.Name, SourceNamespace: id.Namespace, Namespace: id.Namespace},
	}
}

// decode reads the fields of an object's spec. What cannot be read is unseen.
func (s *fluxSearch) decode(object plugin.Object, spec any) bool {
	data, err := json.Marshal(object.Fields["spec"])
	if err == nil {
		err = json.Unmarshal(data, spec)
	}
	if err != nil {
		s.found.Unseen = append(s.found.Unseen, Unseen{
			What: parentName(object.ID()), Reason: "its spec cannot be read: " + withoutPrefix(err), Hint: "correct the field", Origin: object.Origin,
		})
	}
	return err == nil
}

// withoutPrefix is an error of the JSON decoder in words of the manifest.
func withoutPrefix(err error) string { return strings.TrimPrefix(err.Error(), "json: ") }

// suspended is what is said of an object that Flux does not look at for now.
func suspended(kind string) string {
	return "the " + kind + " is suspended: Flux does not apply this until it is resumed"
}
