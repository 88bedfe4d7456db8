package argocd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// given is one entry of ARGOCD_APP_PARAMETERS: an Application's
// spec.source.plugin.parameters[].
type given struct {
	Name   string            `json:"name"`
	String *string           `json:"string,omitempty"`
	Array  []string          `json:"array,omitempty"`
	Map    map[string]string `json:"map,omitempty"`
}

// collection is the form of a parameter's value, by Argo CD's names.
type collection string

const (
	oneString   collection = "string"
	stringArray collection = "array"
	stringMap   collection = "map"
)

// parameter is one rendering option that an Application may set. None can
// weaken a gate: they say what is rendered, and what is rendered is judged.
type parameter struct {
	name, title, tooltip string
	collection           collection
	// boolean parameters are strings "true" or "false".
	boolean bool
	set     func(*plugin.Parameters, given) error
}

// parameters is the one list of them, in the order in which Argo CD shows them.
func parameters() []parameter {
	return slices.Concat(helmParameters(), kustomizeParameters(), directoryParameters())
}

func helmParameters() []parameter {
	return []parameter{
		array("helm-value-files", "Helm value files", "paths relative to the chart, inside the repository", func(p *plugin.Parameters) *[]string { return &p.Helm.ValueFiles }),
		text("helm-values", "Helm values", "YAML; wins over value files", func(p *plugin.Parameters) *string { return &p.Helm.Values }),
		pairs("helm-parameters", "Helm parameters", "path: value, as helm --set; wins over values", func(p *plugin.Parameters) *[]string { return &p.Helm.Set }),
		pairs("helm-string-parameters", "Helm string parameters", "path: value, as helm --set-string", func(p *plugin.Parameters) *[]string { return &p.Helm.SetString }),
		text("helm-release-name", "Helm release name", "the Application's name unless it is set", func(p *plugin.Parameters) *string { return &p.Helm.ReleaseName }),
		text("helm-namespace", "Helm namespace", "the destination's namespace unless it is set", func(p *plugin.Parameters) *string { return &p.Helm.Namespace }),
		text("helm-kube-version", "Kubernetes version for Helm", "the cluster's unless it is set", func(p *plugin.Parameters) *string { return &p.Helm.KubeVersion }),
		array("helm-api-versions", "API versions for Helm", "the cluster's unless they are set", func(p *plugin.Parameters) *[]string { return &p.Helm.APIVersions }),
		flag("helm-skip-crds", "Leave out the chart's CRDs", func(p *plugin.Parameters) *bool { return &p.Helm.SkipCRDs }),
		flag("helm-ignore-missing-value-files", "Pass over value files that do not exist",
			func(p *plugin.Parameters) *bool { return &p.Helm.IgnoreMissingValueFiles }),
		flag("helm-skip-schema-validation", "Do not check the chart's values schema",
			func(p *plugin.Parameters) *bool { return &p.Helm.SkipSchemaValidation }),
	}
}

func kustomizeParameters() []parameter {
	return []parameter{
		text("kustomize-name-prefix", "Kustomize name prefix", "is put before all names", func(p *plugin.Parameters) *string { return &p.Kustomize.NamePrefix }),
		text("kustomize-name-suffix", "Kustomize name suffix", "is put behind all names", func(p *plugin.Parameters) *string { return &p.Kustomize.NameSuffix }),
		text("kustomize-namespace", "Kustomize namespace", "is set on all objects that have one", func(p *plugin.Parameters) *string { return &p.Kustomize.Namespace }),
		array("kustomize-images", "Kustomize images", "name=newname:tag; judged like any other", func(p *plugin.Parameters) *[]string { return &p.Kustomize.Images }),
		labels("kustomize-common-labels", "Kustomize labels", "are set on all objects", func(p *plugin.Parameters) *map[string]string { return &p.Kustomize.CommonLabels }),
		labels("kustomize-common-annotations", "Kustomize annotations", "are set on all objects",
			func(p *plugin.Parameters) *map[string]string { return &p.Kustomize.CommonAnnotations }),
		{"kustomize-patches", "Kustomize patches", "each is YAML: a patch, or {patch: ..., target: {...}}", stringArray, false, setPatches},
		array("kustomize-components", "Kustomize components", "paths inside the repository", func(p *plugin.Parameters) *[]string { return &p.Kustomize.Components }),
	}
}

func directoryParameters() []parameter {
	return []parameter{
		flag("directory-recurse", "Read folders in the folder", func(p *plugin.Parameters) *bool { return &p.Directory.Recurse }),
		text("directory-include", "Read only these files", "a glob; {a,b} are alternatives", func(p *plugin.Parameters) *string { return &p.Directory.Include }),
		text("directory-exclude", "Do not read these files", "a glob; {a,b} are alternatives", func(p *plugin.Parameters) *string { return &p.Directory.Exclude }),
		{"renderer", "Renderer", "kustomize, helm or directory; found out unless it is set", oneString, false, setRenderer},
	}
}

func text(name, title, tooltip string, field func(*plugin.Parameters) *string) parameter {
	return parameter{name, title, tooltip, oneString, false, func(p *plugin.Parameters, value given) error {
		*field(p) = *value.String
		return nil
	}}
}

func flag(name, title string, field func(*plugin.Parameters) *bool) parameter {
	return parameter{name, title, "true or false", oneString, true, func(p *plugin.Parameters, value given) error {
		parsed, err := strconv.ParseBool(*value.String)
		if err != nil {
			return badParameter(name, fmt.Sprintf("is %q", *value.String), "write \"true\" or \"false\", in quotes")
		}
		*field(p) = parsed
		return nil
	}}
}

func array(name, title, tooltip string, field func(*plugin.Parameters) *[]string) parameter {
	return parameter{name, title, tooltip, stringArray, false, func(p *plugin.Parameters, value given) error {
		*field(p) = value.Array
		return nil
	}}
}

func labels(name, title, tooltip string, field func(*plugin.Parameters) *map[string]string) parameter {
	return parameter{name, title, tooltip, stringMap, false, func(p *plugin.Parameters, value given) error {
		*field(p) = value.Map
		return nil
	}}
}

// pairs are helm's "path=value".
func pairs(name, title, tooltip string, field func(*plugin.Parameters) *[]string) parameter {
	return parameter{name, title, tooltip, stringMap, false, func(p *plugin.Parameters, value given) error {
		for _, path := range slices.Sorted(maps.Keys(value.Map)) {
			*field(p) = append(*field(p), path+"="+escapeCommas(value.Map[path]))
		}
		return nil
	}}
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

func setRenderer(p *plugin.Parameters, value given) error {
	kinds := []string{"kustomize", "helm", "directory"}
	if !slices.Contains(kinds, *value.String) {
		return badParameter("renderer", fmt.Sprintf("is %q", *value.String), "write one of "+strings.Join(kinds, ", "))
	}
	p.Kind = *value.String
	return nil
}

func setPatches(p *plugin.Parameters, value given) error {
	for _, text := range value.Array {
		patch := plugin.KustomizePatch{Patch: text}
		var targeted struct {
			Patch  string         `json:"patch"`
			Target map[string]any `json:"target"`
		}
		if err := yaml.UnmarshalStrict([]byte(text), &targeted); err == nil && targeted.Patch != "" {
			patch.Patch = targeted.Patch
			if len(targeted.Target) > 0 {
				target, err := yaml.Marshal(targeted.Target)
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

// readParameters applies ARGOCD_APP_PARAMETERS, a JSON array or null.
func readParameters(data string, into *plugin.Parameters) error {
	if strings.TrimSpace(data) == "" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(data)))
	decoder.DisallowUnknownFields()
	var list []given
	if err := decoder.Decode(&list); err != nil {
		return &plugin.Refusal{
			Rule: ruleParameter, Message: "reading the plugin parameters (ARGOCD_APP_PARAMETERS)", Cause: err,
			Hint: "each parameter has a name and one of string, array and map",
		}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badRequest("something follows the plugin parameters", "it would be passed over in silence")
	}
	if err := spelledExactly(data); err != nil {
		return err
	}
	known := map[string]parameter{}
	for _, each := range parameters() {
		known[each.name] = each
	}
	var problems []error
	seen := map[string]bool{}
	for _, value := range list {
		if seen[value.Name] {
			problems = append(problems, badParameter(value.Name, "is given twice", "give it once"))
			continue
		}
		seen[value.Name] = true
		problems = append(problems, apply(known, value, into))
	}
	return errors.Join(problems...)
}

// spelledExactly refuses what the reader of JSON takes for a member's name in
// spite of its capitals.
func spelledExactly(data string) error {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(data), &list); err != nil {
		return badRequest("the plugin parameters are no list of objects", "")
	}
	for _, object := range list {
		for name := range object {
			if !slices.Contains([]string{"name", "string", "array", "map"}, name) {
				return badParameter(name, "is no member of a parameter", "each parameter has a name and one of string, array and map")
			}
		}
	}
	return nil
}

func apply(known map[string]parameter, value given, into *plugin.Parameters) error {
	wanted, found := known[value.Name]
	if !found {
		return badParameter(value.Name, "does not exist", "known are "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	forms := map[collection]bool{oneString: value.String != nil, stringArray: value.Array != nil, stringMap: value.Map != nil}
	count := 0
	for _, set := range forms {
		if set {
			count++
		}
	}
	if !forms[wanted.collection] || count != 1 {
		return badParameter(value.Name, fmt.Sprintf("has no value of the form %q, or more than one value", wanted.collection),
			fmt.Sprintf("write {name: %s, %s: ...}", value.Name, wanted.collection))
	}
	return wanted.set(into, value)
}
