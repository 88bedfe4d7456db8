package plugin

import "testing"

// TestFind_ConsumersOfWhatWasPublishedAreNotWarnedOf does so with the kinds of
// Flux, and with what is rendered to be judged later.
func TestFind_ConsumersOfWhatWasPublishedAreNotWarnedOf(t *testing.T) {
	const kustomization, release = "apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization", "apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease"
	for object, warned := range map[string]bool{
		kustomization + ", spec: {sourceRef: {kind: ExternalArtifact, name: assay-web}}":                                              false,
		kustomization + ", spec: {sourceRef: {kind: ExternalArtifact, name: web}}":                                                    true,
		kustomization + ", spec: {sourceRef: {kind: GitRepository, name: assay-web}}":                                                 true,
		kustomization + ", spec: {chartRef: {kind: ExternalArtifact, name: assay-web}}":                                               true,
		kustomization + ", spec: {sourceRef: assay-web}":                                                                              true,
		release + ", spec: {chartRef: {kind: ExternalArtifact, name: assay-web}}":                                                     false,
		release + ", spec: {chartRef: {kind: ExternalArtifact, name: assay-web}, chart: {spec: {chart: web}}}":                        true,
		release + ", spec: {chartRef: {kind: OCIRepository, name: assay-web}}":                                                        true,
		release + ", spec: {sourceRef: {kind: ExternalArtifact, name: assay-web}}":                                                    true,
		"apiVersion: assay.dev/v1alpha1, kind: GatedSource, spec: {helm: {values: {image: 'a:1'}}, kustomize: {images: [{name: a}]}}": false,
		"apiVersion: example.com/v1, kind: GatedSource, spec: {helm: {values: {image: 'a:1'}}}":                                       true,
	} {
		_, findings := ImageFinder{}.Find([]Object{parse(t, "{"+object+"}")})
		if got := len(findings) > 0; got != warned {
			t.Errorf("%s: %+v; it should be warned of: %v", object, findings, warned)
		}
	}
}

// TestFind_ApplicationThatNamesThePluginIsNotWarnedOf changes one thing at a
// time in an Application that will be judged at its own sync.
func TestFind_ApplicationThatNamesThePluginIsNotWarnedOf(t *testing.T) {
	const assay = "{path: a, plugin: {name: assay}}"
	for spec, warned := range map[string]bool{
		"{source: " + assay + "}":                                  false,
		"{sources: [" + assay + ", " + assay + "]}":                false,
		"{sources: [" + assay + ", {ref: values}]}":                false,
		"{source: {path: a}}":                                      true,
		"{source: {path: a, plugin: {}}}":                          true,
		"{source: {path: a, plugin: {name: other}}}":               true,
		"{source: {path: a, plugin: {name: assay-v1}}}":            true,
		"{source: {path: a, plugin: assay}}":                       true,
		"{sources: [" + assay + ", {path: b}]}":                    true,
		"{sources: [" + assay + ", {path: b, ref: values}]}":       true,
		"{sources: [" + assay + ", {chart: b, ref: values}]}":      true,
		"{sources: [{ref: values}]}":                               true,
		"{source: " + assay + ", sources: [{path: b}]}":            true,
		"{source: {path: a}, sources: [" + assay + "]}":            true,
		"{source: " + assay + ", sourceHydrator: {drySource: {}}}": true,
		"{sourceHydrator: {drySource: " + assay + "}}":             true,
	} {
		for head, implicit := range map[string]bool{
			"{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: ":                                                                  warned,
			"{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, spec: ":                                                               true,
			"{apiVersion: v1, kind: Template, objects: [{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: " + spec + "}], spec: ": true,
		} {
			_, findings := ImageFinder{}.Find([]Object{parse(t, head+spec+"}")})
			if got := len(withRule(findings, "image/implicit")) > 0; got != implicit {
				t.Errorf("%s%s}: image/implicit is %v; it should be %v", head, spec, got, implicit)
			}
		}
	}
}
