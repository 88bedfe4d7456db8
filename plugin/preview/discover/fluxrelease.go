package discover

import (
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// releaseSpec are the fields of a HelmRelease that name other objects; what it
// installs is for render.FindRelease to say.
type releaseSpec struct {
	Suspend         bool                `json:"suspend"`
	TargetNamespace string              `json:"targetNamespace"`
	ChartRef        *sourceRef          `json:"chartRef"`
	ValuesFrom      []render.ValuesFrom `json:"valuesFrom"`
	Chart           *struct {
		Spec chartSpec `json:"spec"`
	} `json:"chart"`
}

// release reads a HelmRelease and collects what it names, in whatever file of
// the tree that stands. One that installs what a GatedSource publishes is
// rendered and judged there.
func (s *fluxSearch) release(object plugin.Object) {
	var spec releaseSpec
	if !s.decode(object, &spec) {
		return
	}
	app := s.application(object)
	if spec.ChartRef != nil && s.gated(&app, *spec.ChartRef) {
		return
	}
	if spec.TargetNamespace != "" {
		app.Identity.Namespace = spec.TargetNamespace
	}
	if spec.Suspend {
		app.Notes = append(app.Notes, suspended(app.Kind))
	}
	app.Notes = append(app.Notes, "Flux renders the chart again: assay judges what comes of it, and pins and hardens nothing of it")
	part := Part{}
	if s.chartOf(&app, spec, &part) && s.valuesOf(&app, &spec, &part) {
		copied := object.DeepCopy()
		setValuesFrom(copied, spec.ValuesFrom)
		part.Release = &copied
		app.Parts = append(app.Parts, part)
	}
	s.found.Applications = append(s.found.Applications, app)
}

// chartOf collects the sources of the chart.
func (s *fluxSearch) chartOf(app *Application, spec releaseSpec, part *Part) bool {
	var ref sourceRef
	switch {
	case spec.Chart != nil:
		ref = spec.Chart.Spec.SourceRef
		part.Path, part.Revision = spec.Chart.Spec.Chart, spec.Chart.Spec.Version
	case spec.ChartRef != nil:
		ref = *spec.ChartRef
	default:
		return true // the rendering refuses it
	}
	object, there := s.source(app, &ref)
	if !there {
		return false
	}
	part.Objects = append(part.Objects, object)
	if ref.Kind == "HelmChart" {
		var chart chartSpec
		if !s.decode(object, &chart) {
			return false
		}
		part.Path, part.Revision = chart.Chart, chart.Version
		inner := chart.SourceRef
		inner.Namespace = ref.Namespace
		source, there := s.source(app, &inner)
		if !there {
			return false
		}
		part.Objects = append(part.Objects, source)
		ref, object = inner, source
	}
	return s.chartIsHere(app, ref, object, part)
}

// chartIsHere reports whether a chart of a Git repository is one of this tree.
func (s *fluxSearch) chartIsHere(app *Application, ref sourceRef, object plugin.Object, part *Part) bool {
	var source sourceSpec
	if !s.decode(object, &source) {
		return false
	}
	if ref.Kind != "GitRepository" {
		part.Path = ""
		return true
	}
	if s.tree.Own == nil || !s.tree.Own(source.URL) {
		app.unseen(ref.String()+" ("+withoutUser(source.URL)+")", "its chart is not in this repository", "publish the chart and name its version")
		return false
	}
	app.Identity.Repository = withoutUser(source.URL)
	part.Repository, part.Revision, part.Path = source.URL, source.revision(), folderOf(part.Path)
	return true
}

// valuesOf collects the objects with values. An optional one that is not there
// is left out, and listed.
func (s *fluxSearch) valuesOf(app *Application, spec *releaseSpec, part *Part) bool {
	known := make([]render.ValuesFrom, 0, len(spec.ValuesFrom))
	for _, from := range spec.ValuesFrom {
		data, there := s.data(app, from)
		if !there {
			if !from.Optional {
				return false
			}
			continue
		}
		if from.Kind == "Secret" {
			part.Hidden = append(part.Hidden, render.SecretTexts(data[from.Reference().Key])...)
		}
		id := plugin.ObjectID{APIVersion: "v1", Kind: from.Kind, Namespace: app.Namespace, Name: from.Name}
		object, _ := s.lookup(id, app.Origin.File)
		part.Objects = append(part.Objects, object)
		known = append(known, from)
	}
	spec.ValuesFrom = known
	return true
}

// setValuesFrom leaves out of the release's list what is not in the other one.
func setValuesFrom(release plugin.Object, known []render.ValuesFrom) {
	spec, _ := release.Fields["spec"].(map[string]any)
	written, _ := spec["valuesFrom"].([]any)
	if len(written) == len(known) {
		return
	}
	spec["valuesFrom"] = slices.DeleteFunc(written, func(entry any) bool {
		fields, _ := entry.(map[string]any)
		return !slices.ContainsFunc(known, func(from render.ValuesFrom) bool { return from.Kind == fields["kind"] && from.Name == fields["name"] })
	})
}
