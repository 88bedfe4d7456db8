package discover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

const groupArgo = "argoproj.io"

// ArgoApplications finds Argo CD's Applications.
func ArgoApplications(_ context.Context, tree Tree, objects []plugin.Object, parents []string) Found {
	var found Found
	for _, object := range objects {
		if id := object.ID(); id.Group() == groupArgo && id.Kind == "Application" {
			found.Applications = append(found.Applications, ArgoApplication(tree, object, parents))
		}
	}
	return found
}

// argoSpec are the fields of an Application that decide what it deploys.
type argoSpec struct {
	Source         map[string]any   `json:"source"`
	Sources        []map[string]any `json:"sources"`
	SourceHydrator *struct {
		DrySource map[string]any `json:"drySource"`
	} `json:"sourceHydrator"`
	Project     string `json:"project"`
	Destination struct {
		Namespace string `json:"namespace"`
	} `json:"destination"`
}

// defaultProject is the AppProject of an Application that names none.
const defaultProject = "default"

// ArgoApplication is what one Application deploys. What of it cannot be looked
// at is among its Unseen.
func ArgoApplication(tree Tree, object plugin.Object, parents []string) Application {
	id := object.ID()
	found := Application{
		Kind: "Application", Namespace: id.Namespace, Name: id.Name, Origin: object.Origin, Parents: slices.Clone(parents),
		Identity: plugin.Application{Name: id.Name, Project: defaultProject},
	}
	reading := &argoApplication{tree: tree, found: &found}
	var spec argoSpec
	data, err := json.Marshal(object.Fields["spec"])
	if err == nil {
		err = json.Unmarshal(data, &spec)
	}
	if err != nil {
		reading.unseen("spec", "it cannot be read: "+strings.TrimPrefix(err.Error(), "json: "), "write it as an Application of argoproj.io/v1alpha1")
		return found
	}
	if spec.Project != "" {
		found.Identity.Project = spec.Project
	}
	found.Identity.Namespace = spec.Destination.Namespace
	reading.sources(spec)
	return found
}

// argoApplication is one Application that is read.
type argoApplication struct {
	tree  Tree
	found *Application
}

func (a *argoApplication) unseen(what, reason, hint string) {
	a.found.Unseen = append(a.found.Unseen, Unseen{What: what, Reason: reason, Hint: hint, Origin: a.found.Origin})
}

// writtenSource is a source and where it stands in the Application.
type writtenSource struct {
	at string
	render.ArgoSource
}

// sources reads the sources. A hydrator's dry source goes before sources, and
// those before source, as in Argo CD.
func (a *argoApplication) sources(spec argoSpec) {
	var all []writtenSource
	switch {
	case spec.SourceHydrator != nil:
		if spec.Source != nil || len(spec.Sources) > 0 {
			a.unseen("spec.source", "spec.sourceHydrator is rendered instead", "keep one of them")
		}
		all = a.decode(all, "spec.sourceHydrator.drySource", spec.SourceHydrator.DrySource)
	case len(spec.Sources) > 0 && spec.Source != nil:
		a.unseen("spec.source", "there is spec.sources too, and Argo CD passes over spec.source", "keep one of them")
		fallthrough
	case len(spec.Sources) > 0:
		for i, written := range spec.Sources {
			all = a.decode(all, fmt.Sprintf("spec.sources[%d]", i), written)
		}
	case spec.Source != nil:
		all = a.decode(all, "spec.source", spec.Source)
	default:
		a.unseen("spec.source", "it is missing", "write the repository and the path that are deployed")
		return
	}
	references := a.references(all)
	if len(all) > 0 {
		a.found.Identity.Repository = plugin.RedactURL(all[0].RepoURL)
	}
	for _, source := range all {
		a.part(source, references)
	}
}

// decode adds a source, unless it cannot be read.
func (a *argoApplication) decode(all []writtenSource, at string, written map[string]any) []writtenSource {
	source, unknown, err := render.DecodeArgoSource(written)
	for _, field := range unknown {
		a.unseen(at+"."+field, "there is no such field, and Argo CD passes over it", "correct its name, or remove it")
	}
	switch {
	case err != nil:
		a.refused(at, err)
	case source.RepoURL == "":
		a.unseen(at, "it has no repoURL", "write the repository's URL")
	case source.Path == "" && source.Chart == "" && source.Ref == "":
		a.unseen(at, "it has neither path nor chart", `write the folder in the repository, "." for its root`)
	default:
		return append(all, writtenSource{at, source})
	}
	return all
}

// refused tells what a refusal says, each problem by itself.
func (a *argoApplication) refused(at string, err error) {
	for _, finding := range plugin.FindingsFromError("discover", err) {
		a.unseen(at, finding.Message, finding.Hint)
	}
}

// references are the sources that others may name.
func (a *argoApplication) references(all []writtenSource) map[string]Reference {
	references := map[string]Reference{}
	for _, source := range all {
		if source.Ref == "" {
			continue
		}
		if _, twice := references[source.Ref]; twice {
			a.unseen(source.at+".ref", fmt.Sprintf("two sources have the ref %q", source.Ref), "give each a name of its own")
		}
		references[source.Ref] = Reference{Repository: source.RepoURL, Revision: source.TargetRevision}
	}
	return references
}

// part makes a source a part. One that is there to be referred to, and names no
// path and no chart, renders nothing.
func (a *argoApplication) part(source writtenSource, references map[string]Reference) {
	if source.Ref != "" && source.Path == "" && source.Chart == "" {
		return
	}
	part := Part{Repository: source.RepoURL, Revision: source.TargetRevision, Path: source.Path, argo: &source.ArgoSource, application: a.found.Identity}
	if part.Path == "" {
		part.Path = "."
	}
	if part.Chart = chartOf(source.ArgoSource); part.Chart != nil {
		part.Path = ""
		if _, err := semver.StrictNewVersion(strings.TrimPrefix(part.Chart.Version, "v")); err != nil {
			a.unseen(source.at+".targetRevision", fmt.Sprintf("the version %q of the chart is a range: it is another chart each time that one is published", part.Chart.Version),
				`write one version with three numbers, as "1.2.3"`)
			return
		}
	}
	for name, reference := range references {
		if refersTo(source.ArgoSource, name) {
			if part.References == nil {
				part.References = map[string]Reference{}
			}
			part.References[name] = reference
		}
	}
	parameters, err := source.Parameters(part.build(commitLater))
	if err != nil {
		a.refused(source.at, err)
		return
	}
	part.Parameters = parameters
	a.found.Parts = append(a.found.Parts, part)
}

// refersTo reports whether a file of the source's helm block begins with a
// reference.
func refersTo(source render.ArgoSource, name string) bool {
	if source.Helm == nil {
		return false
	}
	refers := func(file string) bool { return strings.HasPrefix(file, "$"+name+"/") }
	return slices.ContainsFunc(source.Helm.ValueFiles, refers) ||
		slices.ContainsFunc(source.Helm.FileParameters, func(file render.ArgoHelmFile) bool { return refers(file.Path) })
}

// chartOf is a chart of a repository, or of a registry, which Argo CD knows by an
// address without a scheme; nil for what is none. An oci:// address names the
// artifact itself.
func chartOf(source render.ArgoSource) *render.ChartReference {
	repository := strings.TrimSuffix(source.RepoURL, "/")
	if address, isOCI := strings.CutPrefix(repository, "oci://"); isOCI && source.Chart == "" && path.Clean(source.Path) == "." {
		folder, name := path.Split(address)
		return &render.ChartReference{Repository: "oci://" + strings.TrimSuffix(folder, "/"), Name: name, Version: source.TargetRevision}
	}
	if source.Chart == "" {
		return nil
	}
	if !strings.Contains(repository, "://") {
		repository = "oci://" + repository
	}
	return &render.ChartReference{Repository: repository, Name: source.Chart, Version: source.TargetRevision}
}

// commitLater stands for a commit that Settle knows.
const commitLater = "0000000000000000000000000000000000000000"

func (p Part) build(commit string) render.ArgoBuild {
	build := render.ArgoBuild{Name: p.application.Name, Project: p.application.Project, Namespace: p.application.Namespace, Revision: commit}
	for name := range p.References {
		build.References = append(build.References, name)
	}
	slices.Sort(build.References)
	return build
}

// Settle reads a part's parameters again where the tree that it is rendered from
// is known: Argo CD's files .argocd-source.yaml in it, and the commit that its
// fields may name. Root is that tree, nil for a chart of a repository; commit is
// empty for a folder. Parts of other tools stay as they are. What cannot be done
// is a *plugin.Refusal.
func (p Part) Settle(root *os.Root, commit string, limits plugin.Limits) (Part, error) {
	if p.argo == nil {
		return p, nil
	}
	source := *p.argo
	if root != nil && p.Chart == nil {
		overridden, err := source.Overridden(root, p.application.Name, limits)
		if err != nil {
			return p, fmt.Errorf("reading %s: %w", p.Path, err)
		}
		source = overridden
	}
	parameters, err := source.Parameters(p.build(commit))
	if err != nil {
		return p, errors.Join(err)
	}
	// What the caller settled on stays: where references are in the tree.
	parameters.Helm.References = p.Parameters.Helm.References
	p.Parameters = parameters
	return p, nil
}
