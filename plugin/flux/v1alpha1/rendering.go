package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/apis/meta"
)

// KustomizeRendering has the fields of a Flux Kustomization that change what
// is applied, under the same names and with the same meaning
// (kustomize.toolkit.fluxcd.io/v1).
type KustomizeRendering struct {
	// TargetNamespace sets or overrides the namespace of every object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	TargetNamespace string `json:"targetNamespace,omitempty"`

	// NamePrefix begins the name of every object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +optional
	NamePrefix string `json:"namePrefix,omitempty"`

	// NameSuffix ends the name of every object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +optional
	NameSuffix string `json:"nameSuffix,omitempty"`

	// CommonMetadata are labels and annotations of every object, over those that
	// it has.
	// +optional
	CommonMetadata *kustomizev1.CommonMetadata `json:"commonMetadata,omitempty"`

	// Patches are strategic merge and JSON patches.
	// +optional
	Patches []kustomize.Patch `json:"patches,omitempty"`

	// Images change names, tags and digests of images.
	// +optional
	Images []kustomize.Image `json:"images,omitempty"`

	// Components are paths of kustomize components, relative to the path.
	// +optional
	Components []string `json:"components,omitempty"`

	// IgnoreMissingComponents leaves out components that are not there.
	// +optional
	IgnoreMissingComponents bool `json:"ignoreMissingComponents,omitempty"`

	// PostBuild substitutes variables after the build. ConfigMaps and Secrets are
	// read in the GatedSource's namespace as its service account.
	// +optional
	PostBuild *kustomizev1.PostBuild `json:"postBuild,omitempty"`
}

// HelmRendering has the fields of a Flux HelmRelease that change what is
// installed, under the same names and with the same meaning
// (helm.toolkit.fluxcd.io/v2).
type HelmRendering struct {
	// ReleaseName is .Release.Name; the GatedSource's name when it is not written.
	// It has to be that of the HelmRelease that consumes the chart.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=53
	// +optional
	ReleaseName string `json:"releaseName,omitempty"`

	// TargetNamespace is .Release.Namespace; the GatedSource's own when it is not
	// written.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	TargetNamespace string `json:"targetNamespace,omitempty"`

	// ValuesFiles are paths of files with values, relative to the chart; later
	// ones win.
	// +optional
	ValuesFiles []string `json:"valuesFiles,omitempty"`

	// IgnoreMissingValuesFiles leaves out files that are not there.
	// +optional
	IgnoreMissingValuesFiles bool `json:"ignoreMissingValuesFiles,omitempty"`

	// ValuesFrom are ConfigMaps and Secrets of the GatedSource's namespace, read as
	// its service account; later ones win.
	// +optional
	ValuesFrom []meta.ValuesReference `json:"valuesFrom,omitempty"`

	// Values win over ValuesFrom.
	// +optional
	Values *apiextensionsv1.JSON `json:"values,omitempty"`

	// KubeVersion and APIVersions fill .Capabilities; the API server's own are
	// taken when they are not written.
	// +optional
	KubeVersion string `json:"kubeVersion,omitempty"`
	// +optional
	APIVersions []string `json:"apiVersions,omitempty"`

	// SkipCRDs leaves out the chart's crds folder.
	// +optional
	SkipCRDs bool `json:"skipCRDs,omitempty"`

	// DisableSchemaValidation does not check values.schema.json.
	// +optional
	DisableSchemaValidation bool `json:"disableSchemaValidation,omitempty"`
}
