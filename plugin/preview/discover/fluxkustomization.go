package discover

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// kustomizationSpec are the fields of a Flux Kustomization that decide what it
// applies, those of v1beta2 included.
type kustomizationSpec struct {
	render.KustomizationFields

	Path      string    `json:"path"`
	Suspend   bool      `json:"suspend"`
	SourceRef sourceRef `json:"sourceRef"`

	PatchesStrategicMerge []map[string]any `json:"patchesStrategicMerge"`
	PatchesJSON6902       []struct {
		Patch  []map[string]any     `json:"patch"`
		Target *plugin.FluxSelector `json:"target"`
	} `json:"patchesJson6902"`
}

// kustomization reads a Flux Kustomization. One that consumes what a GatedSource
// publishes is none of its own: it is rendered and judged where that is.
func (s *fluxSearch) kustomization(object plugin.Object) {
	var spec kustomizationSpec
	if !s.decode(object, &spec) {
		return
	}
	app := s.application(object)
	if s.gated(&app, spec.SourceRef) {
		return
	}
	if spec.TargetNamespace != "" {
		app.Identity.Namespace = spec.TargetNamespace
	}
	if spec.Suspend {
		app.Notes = append(app.Notes, suspended(app.Kind))
	}
	folder := folderOf(spec.Path)
	if from, seen := s.resolve(&app, spec.SourceRef, folder); seen {
		fields := spec.fields(object.ID().APIVersion)
		variables := s.variables(&app, fields.PostBuild)
		parameters := plugin.Parameters{Kind: render.KindFlux, Flux: fields.Parameters(variables)}
		parameters.Flux.Checkout = &from.checkout
		app.Parts = append(app.Parts, Part{Repository: from.repository, Revision: from.revision, Path: folder, Hidden: variables.Hidden(), Parameters: parameters})
	}
	s.found.Applications = append(s.found.Applications, app)
}

// fields are those of v1. The versions before it have two more kinds of
// patches, which say the same.
func (k kustomizationSpec) fields(version string) render.KustomizationFields {
	fields := k.KustomizationFields
	if version == groupKustomize+"/v1" {
		return fields
	}
	for _, patch := range k.PatchesStrategicMerge {
		if text, err := yaml.Marshal(patch); err == nil {
			fields.Patches = append(fields.Patches, plugin.FluxPatch{Patch: string(text)})
		}
	}
	for _, patch := range k.PatchesJSON6902 {
		if text, err := json.Marshal(patch.Patch); err == nil {
			fields.Patches = append(fields.Patches, plugin.FluxPatch{Patch: string(text), Target: patch.Target})
		}
	}
	return fields
}

// gated reports whether the source is what a GatedSource publishes. Where that
// is not in sight, the application is listed as not seen.
func (s *fluxSearch) gated(app *Application, ref sourceRef) bool {
	name, isOwn := strings.CutPrefix(ref.Name, ownArtifact)
	if ref.Kind != "ExternalArtifact" || !isOwn {
		return false
	}
	if ref.Namespace == "" {
		ref.Namespace = app.Namespace
	}
	id := plugin.ObjectID{APIVersion: groupOwn + "/v1alpha1", Kind: "GatedSource", Namespace: ref.Namespace, Name: name}
	if _, answer := s.lookup(id, app.Origin.File); answer != isThere {
		app.unseen("GatedSource "+place(ref.Namespace, name), answer.why(), "keep the GatedSource in this repository")
		s.found.Applications = append(s.found.Applications, *app)
	}
	return true
}

// variables reads what a postBuild names. What is not in sight brings nothing,
// and is listed.
func (s *fluxSearch) variables(app *Application, post *render.PostBuildFields) render.Variables {
	if post == nil {
		return render.Variables{}
	}
	for i := range post.SubstituteFrom {
		from := &post.SubstituteFrom[i]
		id := plugin.ObjectID{APIVersion: "v1", Kind: from.Kind, Namespace: app.Namespace, Name: from.Name}
		what := fmt.Sprintf("%s %s with variables", from.Kind, place(id.Namespace, id.Name))
		object, answer := s.lookup(id, app.Origin.File)
		if answer != isThere {
			hint := "keep it in this repository, or give the variables defaults"
			if from.Optional {
				hint = "it is optional; the cluster may have it"
			}
			app.unseen(what, answer.why()+": variables that it alone has are empty", hint)
			continue
		}
		data, encrypted, err := render.DataOf(object)
		switch {
		case encrypted:
			app.unseen(what, "it is encrypted: variables that it alone has are empty", "keep what decides images and security settings out of encrypted values")
		case err != nil:
			app.unseen(what, "it cannot be read", "correct "+object.Origin.String())
		default:
			from.Data = data
		}
	}
	return render.MergeVariables(post.Substitute, post.SubstituteFrom)
}
