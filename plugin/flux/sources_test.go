package flux

import (
	"testing"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// TestSources_PackagesAreThoseThatFluxReadsAsSuch: in the others .helmignore
// applies.
func TestSources_PackagesAreThoseThatFluxReadsAsSuch(t *testing.T) {
	for _, test := range []struct {
		kind, path string
		helm       bool
		want       bool
	}{
		{sourcev1.HelmChartKind, "web", false, true},
		{sourcev1.HelmChartKind, "./web/charts/sub", true, true},
		{sourcev1.OCIRepositoryKind, "./web", true, true},
		{sourcev1.ExternalArtifactKind, "web", true, true},
		{sourcev1.OCIRepositoryKind, "charts/web", true, false},
		{sourcev1.OCIRepositoryKind, ".", true, false},
		{sourcev1.GitRepositoryKind, "web", true, false},
		{sourcev1.BucketKind, "web", true, false},
		{sourcev1.OCIRepositoryKind, "web", false, false},
	} {
		object := &v1alpha1.GatedSource{Spec: v1alpha1.GatedSourceSpec{SourceRef: v1alpha1.SourceReference{Kind: test.kind}, Paths: []string{test.path}}}
		if test.helm {
			object.Spec.Helm = &v1alpha1.HelmRendering{}
		}
		sources, err := sourcesOf(object, observed{}, inputs{}, nil)
		if err != nil || sources[0].Parameters.Helm.Packaged != test.want {
			t.Errorf("%+v: %+v, %v", test, sources, err)
		}
	}
}
