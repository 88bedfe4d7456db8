package render

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

func helmArgoParameters() []ArgoParameter {
	return []ArgoParameter{
		withFiles(arrayParameter("helm-value-files", "Helm value files", "paths relative to the chart, inside the repository", func(p *plugin.Parameters) *[]string { return &p.Helm.ValueFiles })),
		textParameter("helm-values", "Helm values", "YAML; wins over value files", func(p *plugin.Parameters) *string { return &p.Helm.Values }),
		withVariables(pairsParameter("helm-parameters", "Helm parameters", "path: value, as helm --set; wins over values", func(p *plugin.Parameters) *[]string { return &p.Helm.Set })),
		withVariables(pairsParameter("helm-string-parameters", "Helm string parameters", "path: value, as helm --set-string", func(p *plugin.Parameters) *[]string { return &p.Helm.SetString })),
		withFiles(pairsParameter("helm-file-parameters", "Helm file parameters", "path: file in the repository, as helm --set-file", func(p *plugin.Parameters) *[]string { return &p.Helm.SetFile })),
		textParameter("helm-release-name", "Helm release name", "the Application's name unless it is set", func(p *plugin.Parameters) *string { return &p.Helm.ReleaseName }),
		textParameter("helm-namespace", "Helm namespace", "the destination's namespace unless it is set", func(p *plugin.Parameters) *string { return &p.Helm.Namespace }),
		textParameter("helm-kube-version", "Kubernetes version for Helm", "the cluster's unless it is set", func(p *plugin.Parameters) *string { return &p.Helm.KubeVersion }),
		arrayParameter("helm-api-versions", "API versions for Helm", "the cluster's unless they are set", func(p *plugin.Parameters) *[]string { return &p.Helm.APIVersions }),
		flagParameter("helm-skip-crds", "Leave out the chart's CRDs", func(p *plugin.Parameters) *bool { return &p.Helm.SkipCRDs }),
		flagParameter("helm-ignore-missing-value-files", "Pass over value files that do not exist",
			func(p *plugin.Parameters) *bool { return &p.Helm.IgnoreMissingValueFiles }),
		flagParameter("helm-skip-schema-validation", "Do not check the chart's values schema",
			func(p *plugin.Parameters) *bool { return &p.Helm.SkipSchemaValidation }),
	}
}

func kustomizeArgoParameters() []ArgoParameter {
	return []ArgoParameter{
		textParameter("kustomize-name-prefix", "Kustomize name prefix", "is put before all names", func(p *plugin.Parameters) *string { return &p.Kustomize.NamePrefix }),
		textParameter("kustomize-name-suffix", "Kustomize name suffix", "is put behind all names", func(p *plugin.Parameters) *string { return &p.Kustomize.NameSuffix }),
		textParameter("kustomize-namespace", "Kustomize namespace", "is set on all objects that have one", func(p *plugin.Parameters) *string { return &p.Kustomize.Namespace }),
		withVariables(arrayParameter("kustomize-images", "Kustomize images", "name=newname:tag; judged like any other", func(p *plugin.Parameters) *[]string { return &p.Kustomize.Images })),
		{Name: "kustomize-replicas", Title: "Kustomize replicas", Tooltip: "name: count", Collection: formMap, set: setReplicas},
		withVariables(labelsParameter("kustomize-common-labels", "Kustomize labels", "are set on all objects", func(p *plugin.Parameters) *map[string]string { return &p.Kustomize.CommonLabels })),
		labelsParameter(annotationsParameter, "Kustomize annotations", "are set on all objects",
			func(p *plugin.Parameters) *map[string]string { return &p.Kustomize.CommonAnnotations }),
		flagParameter("kustomize-force-common-labels", "Replace labels that the kustomization has", func(p *plugin.Parameters) *bool { return &p.Kustomize.ForceCommonLabels }),
		flagParameter("kustomize-force-common-annotations", "Replace annotations that the kustomization has",
			func(p *plugin.Parameters) *bool { return &p.Kustomize.ForceCommonAnnotations }),
		flagParameter(annotationsReplaceParameter, "Replace variables in the annotations", func(*plugin.Parameters) *bool { return new(bool) }),
		flagParameter("kustomize-label-without-selector", "Leave selectors without the labels", func(p *plugin.Parameters) *bool { return &p.Kustomize.LabelWithoutSelector }),
		flagParameter("kustomize-label-include-templates", "Label templates though selectors are left alone",
			func(p *plugin.Parameters) *bool { return &p.Kustomize.LabelIncludeTemplates }),
		{Name: "kustomize-patches", Title: "Kustomize patches", Tooltip: "each is YAML: a patch, or an entry of kustomize.patches", Collection: formArray, set: setPatches},
		arrayParameter("kustomize-components", "Kustomize components", "paths inside the repository", func(p *plugin.Parameters) *[]string { return &p.Kustomize.Components }),
		flagParameter("kustomize-ignore-missing-components", "Pass over components that do not exist",
			func(p *plugin.Parameters) *bool { return &p.Kustomize.IgnoreMissingComponents }),
	}
}

func directoryArgoParameters() []ArgoParameter {
	return []ArgoParameter{
		flagParameter("directory-recurse", "Read folders in the folder", func(p *plugin.Parameters) *bool { return &p.Directory.Recurse }),
		textParameter("directory-include", "Read only these files", "a glob; {a,b} are alternatives", func(p *plugin.Parameters) *string { return &p.Directory.Include }),
		textParameter("directory-exclude", "Do not read these files", "a glob; {a,b} are alternatives", func(p *plugin.Parameters) *string { return &p.Directory.Exclude }),
		withVariables(variablesParameter("directory-jsonnet-ext-vars", "Jsonnet external variables", false, func(j *plugin.JsonnetParameters) *[]plugin.JsonnetVariable { return &j.ExternalVariables })),
		withVariables(variablesParameter("directory-jsonnet-ext-code", "Jsonnet external code", true, func(j *plugin.JsonnetParameters) *[]plugin.JsonnetVariable { return &j.ExternalVariables })),
		withVariables(variablesParameter("directory-jsonnet-tlas", "Jsonnet top-level arguments", false, func(j *plugin.JsonnetParameters) *[]plugin.JsonnetVariable { return &j.TopLevel })),
		withVariables(variablesParameter("directory-jsonnet-tla-code", "Jsonnet top-level arguments as code", true, func(j *plugin.JsonnetParameters) *[]plugin.JsonnetVariable { return &j.TopLevel })),
		arrayParameter("directory-jsonnet-libs", "Jsonnet libraries", "folders from the repository's root", func(p *plugin.Parameters) *[]string { return &p.Directory.Jsonnet.Libraries }),
		{Name: "renderer", Title: "Renderer", Tooltip: "kustomize, helm or directory; found out unless it is set", Collection: formString, set: setRenderer},
	}
}

// withVariables marks a parameter in which variables are replaced.
func withVariables(p ArgoParameter) ArgoParameter {
	p.Replaced = true
	p.Tooltip += "; $ARGOCD_APP_NAME and the like are replaced, $$ is a dollar sign"
	return p
}

// withFiles marks one whose values are files.
func withFiles(p ArgoParameter) ArgoParameter {
	p.files = true
	return withVariables(p)
}

func textParameter(name, title, tooltip string, field func(*plugin.Parameters) *string) ArgoParameter {
	return ArgoParameter{Name: name, Title: title, Tooltip: tooltip, Collection: formString, set: func(p *plugin.Parameters, value ArgoPluginParameter) error {
		*field(p) = *value.String
		return nil
	}}
}

func flagParameter(name, title string, field func(*plugin.Parameters) *bool) ArgoParameter {
	return ArgoParameter{Name: name, Title: title, Tooltip: "true or false", Collection: formString, Boolean: true, set: func(p *plugin.Parameters, value ArgoPluginParameter) error {
		parsed, err := strconv.ParseBool(*value.String)
		if err != nil {
			return RefuseArgoParameter(name, fmt.Sprintf("is %q", *value.String), "write \"true\" or \"false\", in quotes")
		}
		*field(p) = parsed
		return nil
	}}
}

func arrayParameter(name, title, tooltip string, field func(*plugin.Parameters) *[]string) ArgoParameter {
	return ArgoParameter{Name: name, Title: title, Tooltip: tooltip, Collection: formArray, set: func(p *plugin.Parameters, value ArgoPluginParameter) error {
		*field(p) = value.Array
		return nil
	}}
}

func labelsParameter(name, title, tooltip string, field func(*plugin.Parameters) *map[string]string) ArgoParameter {
	return ArgoParameter{Name: name, Title: title, Tooltip: tooltip, Collection: formMap, set: func(p *plugin.Parameters, value ArgoPluginParameter) error {
		*field(p) = value.Map
		return nil
	}}
}

// pairs are helm's "path=value".
func pairsParameter(name, title, tooltip string, field func(*plugin.Parameters) *[]string) ArgoParameter {
	return ArgoParameter{Name: name, Title: title, Tooltip: tooltip, Collection: formMap, set: func(p *plugin.Parameters, value ArgoPluginParameter) error {
		*field(p) = settings(value.Map)
		return nil
	}}
}

// variablesParameter are Jsonnet's variables; code are expressions.
func variablesParameter(name, title string, code bool, field func(*plugin.JsonnetParameters) *[]plugin.JsonnetVariable) ArgoParameter {
	return ArgoParameter{Name: name, Title: title, Tooltip: "name: value", Collection: formMap, set: func(p *plugin.Parameters, value ArgoPluginParameter) error {
		into := field(&p.Directory.Jsonnet)
		for _, each := range slices.Sorted(maps.Keys(value.Map)) {
			*into = append(*into, plugin.JsonnetVariable{Name: each, Value: value.Map[each], Code: code})
		}
		return nil
	}}
}

// settings are values in the syntax of helm's --set, in the order of their
// paths; nil when there are none.
func settings(values map[string]string) []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(values)) {
		out = append(out, path+"="+escapeCommas(values[path]))
	}
	return out
}

// escapeCommas keeps a comma in a value from being a separator, unless the
// value is a list in braces, as Argo CD does for helm (cleanSetParameters).
func escapeCommas(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	var out strings.Builder
	for i := range len(value) {
		if value[i] == ',' && (i == 0 || value[i-1] != '\\') {
			out.WriteByte('\\')
		}
		out.WriteByte(value[i])
	}
	return out.String()
}

func setReplicas(p *plugin.Parameters, value ArgoPluginParameter) error {
	for _, name := range slices.Sorted(maps.Keys(value.Map)) {
		count, err := strconv.ParseInt(value.Map[name], 10, 64)
		if err != nil {
			return RefuseArgoParameter("kustomize-replicas", fmt.Sprintf("says %q for %s", value.Map[name], name), "write a number, in quotes")
		}
		p.Kustomize.Replicas = append(p.Kustomize.Replicas, plugin.KustomizeReplica{Name: name, Count: count})
	}
	return nil
}

func setRenderer(p *plugin.Parameters, value ArgoPluginParameter) error {
	kinds := []string{KindKustomize, KindHelm, KindDirectory}
	if !slices.Contains(kinds, *value.String) {
		return RefuseArgoParameter("renderer", fmt.Sprintf("is %q", *value.String), "write one of "+strings.Join(kinds, ", "))
	}
	p.Kind = *value.String
	return nil
}

// setPatches takes each entry for what kustomize.patches has, and what is none
// for a patch itself.
func setPatches(p *plugin.Parameters, value ArgoPluginParameter) error {
	for _, text := range value.Array {
		patch := plugin.KustomizePatch{Patch: text}
		var entry struct {
			Patch   string          `json:"patch"`
			Path    string          `json:"path"`
			Target  map[string]any  `json:"target"`
			Options map[string]bool `json:"options"`
		}
		if err := yaml.UnmarshalStrict([]byte(text), &entry); err == nil && (entry.Patch != "" || entry.Path != "") {
			patch = plugin.KustomizePatch{Patch: entry.Patch, Path: entry.Path, Options: entry.Options}
			if len(entry.Target) > 0 {
				target, err := yaml.Marshal(entry.Target)
				if err != nil {
					return fmt.Errorf("reading a patch's target: %w", err)
				}
				patch.Target = string(target)
			}
		}
		p.Kustomize.Patches = append(p.Kustomize.Patches, patch)
	}
	return nil
}
