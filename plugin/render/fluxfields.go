package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// KustomizationFields are the fields of a Flux Kustomization that change what
// it applies (kustomize.toolkit.fluxcd.io/v1, spec). A GatedSource has the same
// under spec.kustomize.
type KustomizationFields struct {
	TargetNamespace         string              `json:"targetNamespace"`
	NamePrefix              string              `json:"namePrefix"`
	NameSuffix              string              `json:"nameSuffix"`
	CommonMetadata          plugin.FluxMetadata `json:"commonMetadata"`
	Patches                 []plugin.FluxPatch  `json:"patches"`
	Images                  []plugin.FluxImage  `json:"images"`
	Components              []string            `json:"components"`
	IgnoreMissingComponents bool                `json:"ignoreMissingComponents"`
	PostBuild               *PostBuildFields    `json:"postBuild"`
}

// PostBuildFields say which variables are substituted.
type PostBuildFields struct {
	SubstituteStrategy string            `json:"substituteStrategy"`
	Substitute         map[string]string `json:"substitute"`
	SubstituteFrom     []VariablesFrom   `json:"substituteFrom"`
}

// VariablesFrom is one entry of substituteFrom and what was read for it.
type VariablesFrom struct {
	// Kind is ConfigMap or Secret.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Optional passes over an object that is missing.
	Optional bool `json:"optional"`

	// Data is the object's; nil where it was not found.
	Data map[string][]byte `json:"-"`
}

// Parameters are the rendering options that the fields stand for, with the
// variables that were read for them.
func (f KustomizationFields) Parameters(variables Variables) plugin.FluxParameters {
	parameters := plugin.FluxParameters{
		TargetNamespace: f.TargetNamespace, NamePrefix: f.NamePrefix, NameSuffix: f.NameSuffix, CommonMetadata: f.CommonMetadata,
		Patches: f.Patches, Images: f.Images, Components: f.Components, IgnoreMissingComponents: f.IgnoreMissingComponents,
	}
	if f.PostBuild != nil {
		parameters.PostBuild = &plugin.FluxPostBuild{
			Substitute: variables.Values, Secret: variables.Secret, Always: f.PostBuild.SubstituteStrategy == "Always",
		}
	}
	return parameters
}

// Variables are what is substituted.
type Variables struct {
	Values map[string]string
	// Secret names those whose values come from Secrets, sorted.
	Secret []string
}

// Hidden are the values that come from Secrets.
func (v Variables) Hidden() []string {
	var hidden []string
	for _, name := range v.Secret {
		hidden = append(hidden, v.Values[name])
	}
	return hidden
}

// MergeVariables makes the variables of a postBuild as Flux collects them
// (github.com/fluxcd/pkg/kustomize, LoadVariables): those of objects in their
// order, and over them those that are written. A name that any Secret holds
// counts as secret unless it is written, too. What was not found brings nothing.
func MergeVariables(written map[string]string, from []VariablesFrom) Variables {
	values, secret := map[string]string{}, map[string]bool{}
	for _, each := range from {
		for name, value := range each.Data {
			values[name] = strings.ReplaceAll(string(value), "\n", "")
			secret[name] = secret[name] || each.Kind == "Secret"
		}
	}
	for name, value := range written {
		values[name] = strings.ReplaceAll(value, "\n", "")
		delete(secret, name)
	}
	maps.DeleteFunc(secret, func(_ string, is bool) bool { return !is })
	return Variables{Values: values, Secret: slices.Sorted(maps.Keys(secret))}
}

// HelmFields are the fields of a HelmRelease that a GatedSource has under
// spec.helm.
type HelmFields struct {
	ReleaseName              string         `json:"releaseName"`
	TargetNamespace          string         `json:"targetNamespace"`
	ValuesFiles              []string       `json:"valuesFiles"`
	IgnoreMissingValuesFiles bool           `json:"ignoreMissingValuesFiles"`
	ValuesFrom               []ValuesFrom   `json:"valuesFrom"`
	Values                   map[string]any `json:"values"`
	KubeVersion              string         `json:"kubeVersion"`
	APIVersions              []string       `json:"apiVersions"`
	SkipCRDs                 bool           `json:"skipCRDs"`
	DisableSchemaValidation  bool           `json:"disableSchemaValidation"`
}

// ValuesFrom is one entry of valuesFrom as it is written.
type ValuesFrom struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	ValuesKey  string `json:"valuesKey"`
	TargetPath string `json:"targetPath"`
	Literal    bool   `json:"literal"`
	Optional   bool   `json:"optional"`
}

func (f ValuesFrom) secret() bool { return f.Kind == "Secret" }

// Reference is what it asks for, with nothing found.
func (f ValuesFrom) Reference() ValuesReference {
	key := f.ValuesKey
	if key == "" {
		key = defaultValuesKey
	}
	return ValuesReference{Kind: f.Kind, Name: f.Name, Key: key, TargetPath: f.TargetPath, Literal: f.Literal, Optional: f.Optional}
}

// Parameters are the rendering options that the fields stand for. name and
// namespace are the object's own; values are as EncodeReleaseValues writes them.
func (f HelmFields) Parameters(name, namespace, values string) plugin.HelmParameters {
	parameters := plugin.HelmParameters{
		ReleaseName: f.ReleaseName, Namespace: f.TargetNamespace, ChartValueFiles: f.ValuesFiles, IgnoreMissingValueFiles: f.IgnoreMissingValuesFiles,
		ReleaseValues: values, KeepTests: true, Flux: true, KubeVersion: f.KubeVersion, APIVersions: f.APIVersions,
		SkipCRDs: f.SkipCRDs, SkipSchemaValidation: f.DisableSchemaValidation, SecretValues: slices.ContainsFunc(f.ValuesFrom, ValuesFrom.secret),
	}
	if parameters.ReleaseName == "" {
		parameters.ReleaseName = name
	}
	if parameters.Namespace == "" {
		parameters.Namespace = namespace
	}
	return parameters
}

// SecretTexts are the texts in what a Secret holds, and the whole of it: as a
// release's values they may stand anywhere in what is rendered.
func SecretTexts(data []byte) []string {
	texts := []string{string(data)}
	var values any
	if err := yaml.Unmarshal(data, &values); err != nil {
		return texts
	}
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case string:
			texts = append(texts, value)
		case []any:
			for _, item := range value {
				walk(item)
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(value)) {
				walk(value[name])
			}
		}
	}
	walk(values)
	return texts
}

// DataOf is what the API server keeps of a ConfigMap or a Secret. encrypted is
// set when SOPS keeps some of it for itself: nothing of it is then known.
func DataOf(object plugin.Object) (data map[string][]byte, encrypted bool, err error) {
	data = map[string][]byte{}
	for _, part := range []string{"data", "stringData"} {
		held, _ := object.Fields[part].(map[string]any) // others hold nothing
		for key := range held {
			if isEncrypted(object, key) {
				return nil, true, nil
			}
			value, has, err := dataOf(object, key)
			if err != nil {
				return nil, false, fmt.Errorf("reading %s of %s: %w", key, object.ID(), err)
			}
			if has {
				data[key] = value
			}
		}
	}
	return data, false, nil
}
