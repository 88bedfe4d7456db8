package render

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/intstr"
	kjson "sigs.k8s.io/json"

	"github.com/assay-gitops/assay/plugin"
)

// ArgoSource is one source of an Argo CD Application (argoproj.io/v1alpha1,
// spec.source, spec.sources[] or spec.sourceHydrator.drySource), with every
// field that Argo CD 3.5 knows.
type ArgoSource struct {
	RepoURL        string `json:"repoURL"`
	Path           string `json:"path,omitempty"`
	TargetRevision string `json:"targetRevision,omitempty"`
	// TagPrefix narrows the tags among which a range of versions is looked for.
	TagPrefix string         `json:"tagPrefix,omitempty"`
	Chart     string         `json:"chart,omitempty"`
	Ref       string         `json:"ref,omitempty"`
	Name      string         `json:"name,omitempty"`
	Helm      *ArgoHelm      `json:"helm,omitempty"`
	Kustomize *ArgoKustomize `json:"kustomize,omitempty"`
	Directory *ArgoDirectory `json:"directory,omitempty"`
	Plugin    *ArgoPlugin    `json:"plugin,omitempty"`
}

// ArgoHelm is a source's helm block.
type ArgoHelm struct {
	ValueFiles              []string            `json:"valueFiles,omitempty"`
	Parameters              []ArgoHelmParameter `json:"parameters,omitempty"`
	ReleaseName             string              `json:"releaseName,omitempty"`
	Values                  string              `json:"values,omitempty"`
	FileParameters          []ArgoHelmFile      `json:"fileParameters,omitempty"`
	Version                 string              `json:"version,omitempty"`
	PassCredentials         bool                `json:"passCredentials,omitempty"`
	IgnoreMissingValueFiles bool                `json:"ignoreMissingValueFiles,omitempty"`
	SkipCrds                bool                `json:"skipCrds,omitempty"`
	ValuesObject            *json.RawMessage    `json:"valuesObject,omitempty"`
	Namespace               string              `json:"namespace,omitempty"`
	KubeVersion             string              `json:"kubeVersion,omitempty"`
	APIVersions             []string            `json:"apiVersions,omitempty"`
	SkipTests               bool                `json:"skipTests,omitempty"`
	SkipSchemaValidation    bool                `json:"skipSchemaValidation,omitempty"`
}

// ArgoHelmParameter is one value of helm's --set or --set-string.
type ArgoHelmParameter struct {
	Name        string `json:"name,omitempty"`
	Value       string `json:"value,omitempty"`
	ForceString bool   `json:"forceString,omitempty"`
}

// ArgoHelmFile is one value of helm's --set-file.
type ArgoHelmFile struct {
	Name string `json:"name,omitempty"`
	Path string `json:"path,omitempty"`
}

// ArgoKustomize is a source's kustomize block.
type ArgoKustomize struct {
	NamePrefix                string               `json:"namePrefix,omitempty"`
	NameSuffix                string               `json:"nameSuffix,omitempty"`
	Images                    []string             `json:"images,omitempty"`
	CommonLabels              map[string]string    `json:"commonLabels,omitempty"`
	Version                   string               `json:"version,omitempty"`
	CommonAnnotations         map[string]string    `json:"commonAnnotations,omitempty"`
	ForceCommonLabels         bool                 `json:"forceCommonLabels,omitempty"`
	ForceCommonAnnotations    bool                 `json:"forceCommonAnnotations,omitempty"`
	Namespace                 string               `json:"namespace,omitempty"`
	CommonAnnotationsEnvsubst bool                 `json:"commonAnnotationsEnvsubst,omitempty"`
	Replicas                  []ArgoReplica        `json:"replicas,omitempty"`
	Patches                   []ArgoKustomizePatch `json:"patches,omitempty"`
	Components                []string             `json:"components,omitempty"`
	LabelWithoutSelector      bool                 `json:"labelWithoutSelector,omitempty"`
	KubeVersion               string               `json:"kubeVersion,omitempty"`
	APIVersions               []string             `json:"apiVersions,omitempty"`
	IgnoreMissingComponents   bool                 `json:"ignoreMissingComponents,omitempty"`
	LabelIncludeTemplates     bool                 `json:"labelIncludeTemplates,omitempty"`
}

// ArgoReplica is an entry of kustomize.replicas; its count may be text.
type ArgoReplica struct {
	Name  string             `json:"name"`
	Count intstr.IntOrString `json:"count"`
}

// ArgoKustomizePatch is an entry of kustomize.patches.
type ArgoKustomizePatch struct {
	Path    string               `json:"path,omitempty"`
	Patch   string               `json:"patch,omitempty"`
	Target  *plugin.FluxSelector `json:"target,omitempty"`
	Options map[string]bool      `json:"options,omitempty"`
}

// ArgoDirectory is a source's directory block.
type ArgoDirectory struct {
	Recurse bool        `json:"recurse,omitempty"`
	Jsonnet ArgoJsonnet `json:"jsonnet,omitzero"`
	Exclude string      `json:"exclude,omitempty"`
	Include string      `json:"include,omitempty"`
}

// ArgoJsonnet is the block directory.jsonnet.
type ArgoJsonnet struct {
	ExtVars []plugin.JsonnetVariable `json:"extVars,omitempty"`
	TLAs    []plugin.JsonnetVariable `json:"tlas,omitempty"`
	Libs    []string                 `json:"libs,omitempty"`
}

// ArgoPlugin is a source's plugin block.
type ArgoPlugin struct {
	Name string `json:"name,omitempty"`
	// Env are variables for the parameters, ARGOCD_ENV_*: a tenant's own.
	Env        []ArgoVariable        `json:"env,omitempty"`
	Parameters []ArgoPluginParameter `json:"parameters,omitempty"`
}

// ArgoVariable is an entry of plugin.env.
type ArgoVariable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// unknownSourceField is how the reader of JSON says that a field is none.
var unknownSourceField = regexp.MustCompile(`^unknown field "(.*)"$`)

// DecodeArgoSource reads a source as the API server would: what is no field of
// an Application is left out, and returned by its path, so that somebody is
// told. A field of the wrong form is a *plugin.Refusal.
func DecodeArgoSource(written map[string]any) (ArgoSource, []string, error) {
	var source ArgoSource
	data, err := json.Marshal(written)
	if err != nil {
		return source, nil, refuseSource("its source cannot be read", "write it as an Application of argoproj.io/v1alpha1 does", err)
	}
	complaints, err := kjson.UnmarshalStrict(data, &source)
	if err != nil {
		return source, nil, refuseSource("a field of its source has the wrong form", "write it as an Application of argoproj.io/v1alpha1 does", err)
	}
	var unknown []string
	for _, complaint := range complaints {
		match := unknownSourceField.FindStringSubmatch(complaint.Error())
		if match == nil {
			return source, nil, refuseSource("its source cannot be read", "write it as an Application of argoproj.io/v1alpha1 does", complaint)
		}
		unknown = append(unknown, match[1])
	}
	slices.Sort(unknown)
	return source, unknown, nil
}

func refuseSource(message, hint string, cause error) error {
	return &plugin.Refusal{Rule: ruleNotSupported, Message: message, Hint: hint, Cause: cause}
}

// refuseField refuses one field of a source.
func refuseField(field, problem, hint string) error {
	return refuseSource(fmt.Sprintf("%s %s", field, problem), hint, nil)
}
