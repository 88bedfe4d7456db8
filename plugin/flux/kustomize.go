package flux

import (
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// fluxParameters are the object's fields of a Kustomization, with the variables
// that were read.
func fluxParameters(object *v1alpha1.GatedSource, read inputs) plugin.FluxParameters {
	written := object.Spec.Kustomize
	if written == nil {
		written = &v1alpha1.KustomizeRendering{}
	}
	parameters := plugin.FluxParameters{
		DefaultNamespace: applicationOf(object, observed{}).Namespace,
		TargetNamespace:  written.TargetNamespace, NamePrefix: written.NamePrefix, NameSuffix: written.NameSuffix,
		Components: written.Components, IgnoreMissingComponents: written.IgnoreMissingComponents,
	}
	if metadata := written.CommonMetadata; metadata != nil {
		parameters.CommonMetadata = plugin.FluxMetadata{Labels: metadata.Labels, Annotations: metadata.Annotations}
	}
	for _, patch := range written.Patches {
		parameters.Patches = append(parameters.Patches, plugin.FluxPatch{Patch: patch.Patch, Target: selectorOf(patch.Target)})
	}
	for _, image := range written.Images {
		parameters.Images = append(parameters.Images, plugin.FluxImage{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest})
	}
	if post := written.PostBuild; post != nil {
		parameters.PostBuild = &plugin.FluxPostBuild{
			Substitute: read.variables, Secret: read.secret, Always: post.SubstituteStrategy == kustomizev1.SubstituteStrategyAlways,
		}
	}
	return parameters
}

func selectorOf(written *kustomize.Selector) *plugin.FluxSelector {
	if written == nil {
		return nil
	}
	return &plugin.FluxSelector{
		Group: written.Group, Version: written.Version, Kind: written.Kind, Namespace: written.Namespace, Name: written.Name,
		AnnotationSelector: written.AnnotationSelector, LabelSelector: written.LabelSelector,
	}
}
