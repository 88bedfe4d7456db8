package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// IsHelmRelease reports whether an object is a HelmRelease of Flux.
func IsHelmRelease(id plugin.ObjectID) bool {
	return id.Group() == "helm.toolkit.fluxcd.io" && id.Kind == "HelmRelease"
}

// ReleaseOptions say where the parts of a HelmRelease are looked for.
type ReleaseOptions struct {
	// Release is the HelmRelease, Objects the rendering that it stands in: its
	// source, and the ConfigMaps and Secrets of its values, have to be there.
	Release plugin.Object
	Objects []plugin.Object
	// Source is what was rendered to the objects.
	Source plugin.Source
	// Charts fetches from the hosts that the gate allows; nil refuses.
	Charts ChartFetcher
	// Locked demands an entry in images.lock.yaml for a chart that is fetched.
	Locked bool
	Limits plugin.Limits
}

// FoundRelease is a HelmRelease whose chart and values are known.
type FoundRelease struct {
	// Source renders to what Flux would install.
	Source plugin.Source
	// Chart says which chart it is, and from where.
	Chart string
	// Sealed is set when the chart is an artifact that assay published: it was
	// judged where it was made, and there is no Source.
	Sealed bool

	origin  plugin.Origin
	fetched []plugin.Image
}

// FindRelease finds the chart and the values of a HelmRelease. A *plugin.Refusal
// says that it is written in a way that is not judged, such as a range of
// versions; a *plugin.StageError that a part of it cannot be seen from here.
func FindRelease(ctx context.Context, options ReleaseOptions) (*FoundRelease, error) {
	search := releaseSearch{ReleaseOptions: options}
	if err := search.read(); err != nil {
		return nil, err
	}
	found := &FoundRelease{origin: options.Release.Origin}
	parameters, err := search.parameters()
	if err != nil {
		return nil, err
	}
	search.found, found.Source = found, options.Source
	found.Source.Rendered, found.Source.Live = nil, nil
	found.Source.Application.Namespace = parameters.Namespace
	found.Source.Parameters = plugin.Parameters{Kind: KindHelm, Helm: parameters}
	if err := search.chart(ctx); err != nil {
		return nil, err
	}
	return found, nil
}

// Render renders the release. Its objects name the HelmRelease as their origin,
// and its charts are those that were fetched for it.
func (f *FoundRelease) Render(ctx context.Context, renderer plugin.Renderer, upgrade bool) (plugin.Rendering, error) {
	source := f.Source
	source.Parameters.Helm.Upgrade = upgrade
	rendering, err := renderer.Render(ctx, source)
	if err != nil {
		return rendering, fmt.Errorf("rendering %s: %w", f.Chart, err)
	}
	for i := range rendering.Objects {
		rendering.Objects[i].Origin = f.origin
	}
	rendering.Charts = append(rendering.Charts, f.fetched...)
	return rendering, nil
}

// releaseFields are the fields of a HelmRelease that decide what it installs
// (github.com/fluxcd/helm-controller/api/v2).
type releaseFields struct {
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec struct {
		Chart *struct {
			Spec chartFields `json:"spec"`
		} `json:"chart"`
		ChartRef        *sourceRef     `json:"chartRef"`
		ReleaseName     string         `json:"releaseName"`
		TargetNamespace string         `json:"targetNamespace"`
		Values          map[string]any `json:"values"`
		ValuesFrom      []ValuesFrom   `json:"valuesFrom"`
		Install         releaseAction  `json:"install"`
		Upgrade         releaseAction  `json:"upgrade"`
		Test            struct {
			Enable bool `json:"enable"`
		} `json:"test"`
		PostRenderers []struct {
			Kustomize *plugin.HelmPostRenderer `json:"kustomize"`
		} `json:"postRenderers"`
		PostRenderStrategy string              `json:"postRenderStrategy"`
		CommonMetadata     plugin.FluxMetadata `json:"commonMetadata"`
	} `json:"spec"`
}

// chartFields are those of a HelmChart, and of the template for one.
type chartFields struct {
	Chart                    string    `json:"chart"`
	Version                  string    `json:"version"`
	SourceRef                sourceRef `json:"sourceRef"`
	ValuesFiles              []string  `json:"valuesFiles"`
	IgnoreMissingValuesFiles bool      `json:"ignoreMissingValuesFiles"`
}

type sourceRef struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type releaseAction struct {
	CRDs                    string `json:"crds"`
	DisableSchemaValidation bool   `json:"disableSchemaValidation"`
}

// releaseSearch is one search.
type releaseSearch struct {
	ReleaseOptions

	fields    releaseFields
	namespace string
	found     *FoundRelease
}

func (s *releaseSearch) read() error {
	if err := s.decode(s.Release, &s.fields); err != nil {
		return err
	}
	s.namespace = s.namespaceOf(s.Release)
	return nil
}

// decode reads an object's fields. Its numbers become floats, as Flux's do.
func (s *releaseSearch) decode(object plugin.Object, into any) error {
	data, err := json.Marshal(object.Fields)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return invalid(object.Origin, "reading "+object.ID().String(), err)
	}
	return nil
}

// namespaceOf is where an object lands.
func (s *releaseSearch) namespaceOf(object plugin.Object) string {
	if namespace := object.ID().Namespace; namespace != "" {
		return namespace
	}
	return s.Source.Application.Namespace
}

// lookup finds an object of the rendering.
func (s *releaseSearch) lookup(group, kind, namespace, name string) (plugin.Object, bool) {
	for _, object := range s.Objects {
		id := object.ID()
		if id.Group() == group && id.Kind == kind && id.Name == name && s.namespaceOf(object) == namespace {
			return object, true
		}
	}
	return plugin.Object{}, false
}

// parameters are what helm-controller gives to Helm.
func (s *releaseSearch) parameters() (plugin.HelmParameters, error) {
	spec, outer := s.fields.Spec, s.Source.Parameters.Helm
	values, err := s.values()
	if err != nil {
		return plugin.HelmParameters{}, err
	}
	parameters := plugin.HelmParameters{
		ReleaseName: releaseName(s.fields), Namespace: spec.TargetNamespace, KubeVersion: outer.KubeVersion, APIVersions: outer.APIVersions,
		KeepTests: spec.Test.Enable, Flux: true, SkipSchemaValidation: spec.Install.DisableSchemaValidation,
		SkipCRDs:     spec.Install.CRDs == "Skip" && (spec.Upgrade.CRDs == "" || spec.Upgrade.CRDs == "Skip"),
		SecretValues: slices.ContainsFunc(spec.ValuesFrom, ValuesFrom.secret),
		PostRender:   plugin.HelmPostRender{Strategy: spec.PostRenderStrategy, CommonMetadata: spec.CommonMetadata},
	}
	if parameters.Namespace == "" {
		parameters.Namespace = s.namespace
	}
	for _, step := range spec.PostRenderers {
		if step.Kustomize != nil {
			parameters.PostRender.Steps = append(parameters.PostRender.Steps, *step.Kustomize)
		}
	}
	parameters.ReleaseValues, err = EncodeReleaseValues(values)
	return parameters, err
}

// longestRelease is the longest name of a release in characters.
const longestRelease = 53

// releaseName is what helm-controller calls the release (api/v2,
// GetReleaseName; internal/release, ShortenName).
func releaseName(release releaseFields) string {
	name := release.Metadata.Name
	switch spec := release.Spec; {
	case spec.ReleaseName != "":
		name = spec.ReleaseName
	case spec.TargetNamespace != "":
		name = spec.TargetNamespace + "-" + name
	}
	if len(name) <= longestRelease {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:])[:12]
	return name[:longestRelease-len(hash)-1] + "-" + hash
}

// refuse refuses how the release is written.
func (s *releaseSearch) refuse(message, hint string) error {
	return &plugin.Refusal{
		Rule: ruleReleaseSource, Origin: s.Release.Origin, Message: fmt.Sprintf("%s: %s", s.Release.ID(), message),
		Why: "what Flux would install cannot be judged", Hint: hint,
	}
}

// unseen says that a part of the release is not here to be looked at. Asking
// again does not bring it.
func (s *releaseSearch) unseen(what, hint string) error {
	return &plugin.StageError{
		Stage: stageRelease, Subject: s.Release.ID().String(), Lasting: true, Hint: hint,
		Cause: fmt.Errorf("%s is not among the rendered objects, so that what Flux would install is not known", what),
	}
}
