package discover

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// groupOperator is the API group of Flux's operator.
const groupOperator = "fluxcd.controlplane.io"

// instanceSpec are the fields of a FluxInstance that say what the cluster
// deploys (fluxcd.controlplane.io/v1).
type instanceSpec struct {
	Sync *struct {
		Kind string `json:"kind"`
		URL  string `json:"url"`
		Ref  string `json:"ref"`
		Path string `json:"path"`
		Name string `json:"name"`
	} `json:"sync"`
	Kustomize struct {
		Patches []struct {
			Target struct {
				Kind string `json:"kind"`
			} `json:"target"`
		} `json:"patches"`
	} `json:"kustomize"`
}

// instance reads a FluxInstance: it makes a source and a Kustomization, both
// with the name of its namespace, as `flux bootstrap` does.
func (s *fluxSearch) instance(object plugin.Object) {
	var spec instanceSpec
	if !s.decode(object, &spec) || spec.Sync == nil {
		return
	}
	app := s.application(object)
	app.Notes = append(app.Notes, "FluxInstance "+place(app.Namespace, app.Name)+" makes this Kustomization")
	app.Kind, app.Name = "Kustomization", app.Namespace
	if spec.Sync.Name != "" {
		app.Name = spec.Sync.Name
	}
	app.Identity.Name, app.Identity.Repository = app.Name, withoutUser(spec.Sync.URL)
	for _, patch := range spec.Kustomize.Patches {
		if patch.Target.Kind == app.Kind {
			app.unseen("spec.kustomize.patches of the Kustomization", "what the FluxInstance changes in the Kustomization that it makes is not applied here", "write a Kustomization of your own for it")
		}
	}
	folder, from := folderOf(spec.Sync.Path), given{}
	switch own := s.tree.Own != nil && s.tree.Own(spec.Sync.URL); {
	case own:
		from = s.ownTree()
	case spec.Sync.Kind != "GitRepository" && s.isFolder(folder):
		from = s.ownTree()
		app.Notes = append(app.Notes, fmt.Sprintf("%s %s is taken to be made of this repository, as it has %s", spec.Sync.Kind, withoutUser(spec.Sync.URL), folder))
	case spec.Sync.Kind != "GitRepository":
		app.unseen(spec.Sync.Kind+" "+withoutUser(spec.Sync.URL), "what it holds is not in this repository", "give its address with --repository when it is made of this one")
		s.found.Applications = append(s.found.Applications, app)
		return
	}
	part := Part{Path: folder, Parameters: plugin.Parameters{Kind: render.KindFlux, Flux: plugin.FluxParameters{Checkout: &from.checkout}}}
	if spec.Sync.Kind == "GitRepository" {
		part.Repository, part.Revision = spec.Sync.URL, shortRef(spec.Sync.Ref)
	}
	app.Parts = append(app.Parts, part)
	s.found.Applications = append(s.found.Applications, app)
}

// shortRef is a branch or tag without the folder of Git's that it lies in.
func shortRef(ref string) string {
	return strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/tags/")
}

// resourceSet tells of a ResourceSet: its objects are made of templates and of
// what the cluster knows.
func (s *fluxSearch) resourceSet(object plugin.Object) {
	s.found.Unseen = append(s.found.Unseen, Unseen{
		What: parentName(object.ID()), Reason: "the objects that Flux's operator makes of its templates are not made here", Hint: "render it with the operator's own command, and judge that", Origin: object.Origin,
	})
}
