package discover

import (
	"fmt"
	"path"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// gatedSpec are the fields of a GatedSource that decide what is judged
// (assay.dev/v1alpha1).
type gatedSpec struct {
	SourceRef sourceRef                   `json:"sourceRef"`
	Paths     []string                    `json:"paths"`
	Kustomize *render.KustomizationFields `json:"kustomize"`
	Helm      *render.HelmFields          `json:"helm"`
	Suspend   bool                        `json:"suspend"`
}

// chartSpec are the fields of a HelmChart.
type chartSpec struct {
	Chart                    string    `json:"chart"`
	Version                  string    `json:"version"`
	SourceRef                sourceRef `json:"sourceRef"`
	ValuesFiles              []string  `json:"valuesFiles"`
	IgnoreMissingValuesFiles bool      `json:"ignoreMissingValuesFiles"`
}

// gatedSource reads a GatedSource: each of its paths is rendered and judged on
// its own, as assay-source does.
func (s *fluxSearch) gatedSource(object plugin.Object) {
	var spec gatedSpec
	if !s.decode(object, &spec) {
		return
	}
	app := s.application(object)
	if spec.Suspend {
		app.Notes = append(app.Notes, "the GatedSource is suspended: nothing new is published until it is resumed")
	}
	if spec.Helm != nil || spec.SourceRef.Kind == "HelmChart" {
		s.gatedChart(&app, spec)
	} else {
		s.gatedFolders(&app, spec)
	}
	s.found.Applications = append(s.found.Applications, app)
}

func (s *fluxSearch) gatedFolders(app *Application, spec gatedSpec) {
	var fields render.KustomizationFields
	if spec.Kustomize != nil {
		fields = *spec.Kustomize
	}
	if fields.TargetNamespace != "" {
		app.Identity.Namespace = fields.TargetNamespace
	}
	folders := spec.folders()
	from, seen := s.resolve(app, spec.SourceRef, folders[0])
	if !seen {
		return
	}
	variables := s.variables(app, fields.PostBuild)
	parameters := fields.Parameters(variables)
	parameters.DefaultNamespace, parameters.Checkout = app.Identity.Namespace, &from.checkout
	for _, folder := range folders {
		app.Parts = append(app.Parts, Part{
			Repository: from.repository, Revision: from.revision, Path: folder, Hidden: variables.Hidden(),
			Parameters: plugin.Parameters{Kind: render.KindFlux, Flux: parameters},
		})
	}
}

// folders are those that are judged, one at least.
func (g gatedSpec) folders() []string {
	if len(g.Paths) == 0 {
		return []string{"."}
	}
	folders := make([]string, len(g.Paths))
	for i, written := range g.Paths {
		folders[i] = folderOf(written)
	}
	return folders
}

// gatedChart is a GatedSource that renders a chart.
func (s *fluxSearch) gatedChart(app *Application, spec gatedSpec) {
	var fields render.HelmFields
	if spec.Helm != nil {
		fields = *spec.Helm
	}
	if fields.TargetNamespace != "" {
		app.Identity.Namespace = fields.TargetNamespace
	}
	part := Part{Path: spec.folders()[0]}
	var seen bool
	switch ref := spec.SourceRef; ref.Kind {
	case "HelmChart":
		seen = s.packagedChart(app, ref, &part, &fields)
	case "OCIRepository":
		seen = s.registryChart(app, ref, &part)
	default:
		var from given
		from, seen = s.resolve(app, ref, part.Path)
		part.Repository, part.Revision = from.repository, from.revision
	}
	if !seen {
		return
	}
	values, ok := s.values(app, fields, &part)
	if !ok {
		return
	}
	part.Parameters = plugin.Parameters{Kind: render.KindHelm, Helm: fields.Parameters(app.Name, app.Namespace, values)}
	part.Parameters.Helm.Packaged = part.Chart != nil // out of a Git repository it is packaged first
	app.Parts = append(app.Parts, part)
}

// packagedChart finds the chart that a HelmChart packages.
func (s *fluxSearch) packagedChart(app *Application, ref sourceRef, part *Part, fields *render.HelmFields) bool {
	object, there := s.source(app, &ref)
	var chart chartSpec
	if !there || !s.decode(object, &chart) {
		return false
	}
	if len(fields.ValuesFiles) == 0 {
		fields.ValuesFiles, fields.IgnoreMissingValuesFiles = chart.ValuesFiles, chart.IgnoreMissingValuesFiles
	}
	chart.SourceRef.Namespace = ref.Namespace
	if chart.SourceRef.Kind != "HelmRepository" {
		part.Path = folderOf(chart.Chart)
		for i, file := range fields.ValuesFiles {
			fields.ValuesFiles[i] = "/" + strings.TrimLeft(file, "/") // from the root of the source, not of the chart
		}
		from, seen := s.resolve(app, chart.SourceRef, part.Path)
		part.Repository, part.Revision = from.repository, from.revision
		return seen
	}
	repository, there := s.source(app, &chart.SourceRef)
	var spec sourceSpec
	if !there || !s.decode(repository, &spec) {
		return false
	}
	if !isExact(chart.Version) {
		app.unseen(fmt.Sprintf("chart %s from %s", chart.Chart, withoutUser(spec.URL)), fmt.Sprintf("its version %q is a range", chart.Version), `write one version with three numbers, as version: "1.2.3"`)
		return false
	}
	address := strings.TrimRight(spec.URL, "/")
	app.Identity.Repository = withoutUser(address) + "/" + chart.Chart
	part.Path, part.Revision, part.Chart = "", chart.Version, &render.ChartReference{Repository: address, Name: chart.Chart, Version: chart.Version}
	return true
}

func isExact(version string) bool {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	return err == nil
}

// registryChart finds the chart that an OCIRepository names.
func (s *fluxSearch) registryChart(app *Application, ref sourceRef, part *Part) bool {
	object, there := s.source(app, &ref)
	var spec sourceSpec
	if !there || !s.decode(object, &spec) {
		return false
	}
	app.Identity.Repository = withoutUser(spec.URL)
	address, isOCI := strings.CutPrefix(strings.TrimRight(spec.URL, "/"), "oci://")
	folder, name := path.Split(address)
	switch {
	case !isOCI || folder == "" || name == "":
		app.unseen(ref.String(), "it has no address of a chart", "write url: oci://host/path/chart")
		return false
	case spec.Ref.Tag == "" || spec.Ref.SemVer != "" && spec.Ref.Digest == "":
		app.unseen(ref.String()+" ("+withoutUser(spec.URL)+")", "it names no one version of the chart", "write spec.ref.tag with the chart's version")
		return false
	}
	part.Path, part.Revision, part.Digest = "", spec.Ref.Tag, spec.Ref.Digest
	part.Chart = &render.ChartReference{Repository: "oci://" + strings.TrimRight(folder, "/"), Name: name, Version: spec.Ref.Tag}
	return true
}

// source looks for a source, whose namespace is the application's when it is
// not written. One that is not there is listed.
func (s *fluxSearch) source(app *Application, ref *sourceRef) (plugin.Object, bool) {
	if ref.Namespace == "" {
		ref.Namespace = app.Namespace
	}
	id := plugin.ObjectID{APIVersion: groupSource + "/v1", Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
	object, answer := s.lookup(id, app.Origin.File)
	if answer != isThere {
		app.unseen(ref.String(), answer.why(), "keep its definition in this repository")
	}
	return object, answer == isThere
}

// values merges a chart's values. One that is missing and not optional is
// listed, and the chart with it: with other values it is another application.
func (s *fluxSearch) values(app *Application, fields render.HelmFields, part *Part) (string, bool) {
	references := make([]render.ValuesReference, len(fields.ValuesFrom))
	for i, from := range fields.ValuesFrom {
		references[i] = from.Reference()
		data, there := s.data(app, from)
		if !there && !from.Optional {
			return "", false
		}
		references[i].Data, references[i].Found = data[references[i].Key]
		if from.Kind == "Secret" && there {
			part.Hidden = append(part.Hidden, render.SecretTexts(references[i].Data)...)
		}
	}
	merged, err := render.MergeReleaseValues(fields.Values, references)
	if err == nil {
		var text string
		if text, err = render.EncodeReleaseValues(merged); err == nil {
			return text, true
		}
	}
	app.unseen("the values", err.Error(), "correct them")
	return "", false
}

// data reads what one entry of valuesFrom names. What is not in sight is
// listed.
func (s *fluxSearch) data(app *Application, from render.ValuesFrom) (map[string][]byte, bool) {
	id := plugin.ObjectID{APIVersion: "v1", Kind: from.Kind, Namespace: app.Namespace, Name: from.Name}
	what := fmt.Sprintf("%s %s with values", from.Kind, place(id.Namespace, id.Name))
	object, answer := s.lookup(id, app.Origin.File)
	if answer != isThere {
		hint := "keep it in this repository, or write the values in the " + app.Kind
		if from.Optional {
			hint = "it is optional; the cluster may have it"
		}
		app.unseen(what, answer.why(), hint)
		return nil, false
	}
	data, encrypted, err := render.DataOf(object)
	switch {
	case encrypted:
		app.unseen(what, "it is encrypted", "keep what decides images and security settings out of encrypted values")
	case err != nil:
		app.unseen(what, "it cannot be read", "correct "+object.Origin.String())
	default:
		return data, true
	}
	return nil, false
}
