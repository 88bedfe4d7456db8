package preview

import "github.com/assay-gitops/assay/plugin"

// defines reports whether an object makes applications.
func defines(id plugin.ObjectID) bool {
	switch id.Group() {
	case "argoproj.io":
		return id.Kind == "Application" || id.Kind == "ApplicationSet"
	case "kustomize.toolkit.fluxcd.io":
		return id.Kind == "Kustomization"
	case "helm.toolkit.fluxcd.io":
		return id.Kind == "HelmRelease"
	case "fluxcd.controlplane.io":
		return id.Kind == "FluxInstance" || id.Kind == "ResourceSet"
	case "assay.dev":
		return id.Kind == "GatedSource"
	}
	return false
}

// refers reports whether definitions may refer to an object.
func refers(id plugin.ObjectID) bool {
	switch id.Group() {
	case "":
		return id.Kind == "ConfigMap" || id.Kind == "Secret"
	case "source.toolkit.fluxcd.io":
		return true
	case "argoproj.io":
		return id.Kind == "AppProject"
	}
	return false
}
