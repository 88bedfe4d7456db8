package flux

import (
	"io/fs"
	"os"
	"path"
	"strings"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// isHelm reports whether the object is rendered as a chart.
func isHelm(object *v1alpha1.GatedSource) bool {
	return object.Spec.Helm != nil || object.Spec.SourceRef.Kind == sourcev1.HelmChartKind
}

// applicationOf is by what the gates of an object are chosen. Its namespace is
// the platform's to decide; the rest can only add gates.
func applicationOf(object *v1alpha1.GatedSource, seen observed) plugin.Application {
	namespace := object.Namespace
	if kustomize := object.Spec.Kustomize; kustomize != nil && kustomize.TargetNamespace != "" {
		namespace = kustomize.TargetNamespace
	}
	if helm := object.Spec.Helm; helm != nil && helm.TargetNamespace != "" {
		namespace = helm.TargetNamespace
	}
	return plugin.Application{Name: object.Name, SourceNamespace: object.Namespace, Namespace: namespace, Repository: seen.repository}
}

// pathsOf are the object's folders, relative and clean; one at least.
func pathsOf(object *v1alpha1.GatedSource) []string {
	if len(object.Spec.Paths) == 0 {
		return []string{"."}
	}
	paths := make([]string, len(object.Spec.Paths))
	for i, written := range object.Spec.Paths {
		paths[i] = path.Clean(strings.TrimLeft(written, "/")) // Flux takes /deploy for ./deploy
	}
	return paths
}

// sourcesOf are what the pipeline is asked about: each path is an application.
func sourcesOf(object *v1alpha1.GatedSource, seen observed, read inputs, root *os.Root) ([]plugin.Source, error) {
	paths := pathsOf(object)
	if object.Spec.SourceRef.Kind == sourcev1.HelmChartKind && len(object.Spec.Paths) == 0 {
		folder, err := chartFolder(root)
		if err != nil {
			return nil, err
		}
		paths = []string{folder}
	}
	parameters, err := parametersOf(object, read)
	if err != nil {
		return nil, err
	}
	sources := make([]plugin.Source, len(paths))
	for i, folder := range paths {
		sources[i] = plugin.Source{
			Root: root, Path: folder, Revision: seen.origin(), Application: applicationOf(object, seen), Parameters: parameters, Hidden: read.hidden,
		}
		sources[i].Parameters.Helm.Packaged = isHelm(object) && isPackage(object.Spec.SourceRef.Kind, folder)
	}
	return sources, nil
}

// isPackage reports whether Flux takes a chart's folder as a package. What the
// source is decides it: source-controller packages what it builds of a HelmChart,
// and helm-controller reads an OCIRepository and an ExternalArtifact as packages,
// whose chart is a folder at the top. From a GitRepository and a Bucket a chart
// is packaged first, which is when .helmignore applies.
func isPackage(kind, folder string) bool {
	switch kind {
	case sourcev1.HelmChartKind:
		return true
	case sourcev1.OCIRepositoryKind, sourcev1.ExternalArtifactKind:
		return folder != "." && !strings.Contains(folder, "/")
	}
	return false
}

// chartFolder is the one folder of a packaged chart.
func chartFolder(root *os.Root) (string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return "", &plugin.StageError{Stage: stage, Subject: "the chart", Cause: err, Hint: "it is tried again"}
	}
	var folder string
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if folder != "" {
			return "", &plugin.Refusal{Rule: "flux/chart", Message: "the package holds more than one folder: " + folder + " and " + entry.Name(), Hint: "name the chart's folder in spec.paths"}
		}
		folder = entry.Name()
	}
	if folder == "" {
		return "", &plugin.Refusal{Rule: "flux/chart", Message: "the package holds no folder with a chart", Hint: "look at the HelmChart; `helm package` makes a folder of the chart's name"}
	}
	return folder, nil
}
