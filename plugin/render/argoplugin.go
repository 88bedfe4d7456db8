package render

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// ArgoPluginParameter is one entry of an Application's
// spec.source.plugin.parameters[], and of ARGOCD_APP_PARAMETERS.
type ArgoPluginParameter struct {
	Name   string            `json:"name"`
	String *string           `json:"string,omitempty"`
	Array  []string          `json:"array,omitempty"`
	Map    map[string]string `json:"map,omitempty"`
}

// Forms of a parameter's value, by Argo CD's names.
const (
	formString = "string"
	formArray  = "array"
	formMap    = "map"
)

// ArgoParameter is one rendering option that an Application may set for the
// plugin. None can weaken a gate: they say what is rendered, and what is
// rendered is judged.
type ArgoParameter struct {
	Name, Title, Tooltip string
	// Collection is "string", "array" or "map".
	Collection string
	// Boolean parameters are strings "true" or "false".
	Boolean bool
	// Replaced is set where variables in the value are replaced, as Argo CD does in
	// the field that it stands for; with kustomize-common-annotations-envsubst in
	// annotations, too.
	Replaced bool
	// files is set where the values are files: one of another source ($name/...) is
	// refused there.
	files bool

	set func(*plugin.Parameters, ArgoPluginParameter) error
}

// RuleArgoParameter is the rule about the plugin's parameters.
const RuleArgoParameter = "argocd/parameter"

// RefuseArgoParameter refuses one parameter.
func RefuseArgoParameter(name, problem, hint string) error {
	return &plugin.Refusal{Rule: RuleArgoParameter, Message: fmt.Sprintf("the plugin parameter %q %s", name, problem), Hint: hint}
}

// ArgoParameters is the one list of them, in the order in which Argo CD shows
// them.
func ArgoParameters() []ArgoParameter {
	return slices.Concat(helmArgoParameters(), kustomizeArgoParameters(), directoryArgoParameters())
}

// ReadArgoParameters applies parameters; what is wrong with any is told at once.
// Variables in them are replaced where Argo CD replaces them in the field that
// the parameter stands for.
func ReadArgoParameters(list []ArgoPluginParameter, environment *ArgoEnvironment, into *plugin.Parameters) error {
	known := map[string]ArgoParameter{}
	for _, each := range ArgoParameters() {
		if each.Name == annotationsParameter {
			each.Replaced = slices.ContainsFunc(list, asksForVariables)
		}
		known[each.Name] = each
	}
	var problems []error
	seen := map[string]bool{}
	for _, value := range list {
		if seen[value.Name] {
			problems = append(problems, RefuseArgoParameter(value.Name, "is given twice", "give it once"))
			continue
		}
		seen[value.Name] = true
		wanted := known[value.Name]
		if wanted.files {
			problems = append(problems, value.ofThisSource())
		}
		if wanted.Replaced {
			value = value.replaced(environment)
		}
		problems = append(problems, applyParameter(known, value, into))
	}
	return errors.Join(append(problems, environment.overflow())...)
}

// replaced has the variables' values. Names are left as they are.
func (p ArgoPluginParameter) replaced(environment *ArgoEnvironment) ArgoPluginParameter {
	if p.String != nil {
		text := environment.expand(*p.String)
		p.String = &text
	}
	if p.Array != nil {
		p.Array = append([]string{}, environment.expandAll(p.Array)...)
	}
	if p.Map != nil {
		filled := maps.Clone(p.Map)
		maps.Copy(filled, environment.expandMap(p.Map))
		p.Map = filled
	}
	return p
}

// foreignFile begins a file of another source, "$values/...". ARGOCD_ is no name
// of one.
var foreignFile = regexp.MustCompile(`^\$([A-Za-z0-9_-]+)/`)

// ofThisSource refuses files of another source: Argo CD would look for one whose
// name nobody has below the repository's root.
func (p ArgoPluginParameter) ofThisSource() error {
	for _, file := range slices.Concat(p.Array, slices.Sorted(maps.Values(p.Map))) {
		if match := foreignFile.FindStringSubmatch(file); match != nil && !strings.HasPrefix(match[1], "ARGOCD_") {
			return RefuseArgoParameter(p.Name, fmt.Sprintf("names %q, a file of another source, and Argo CD gives a plugin its own source alone", file),
				"put the file into the repository of this source and name it from its root, as \"/...\", or write what it says in helm-values")
		}
	}
	return nil
}

// The two parameters of annotations: Argo CD replaces variables in them where it
// is asked to.
const (
	annotationsParameter        = "kustomize-common-annotations"
	annotationsReplaceParameter = "kustomize-common-annotations-envsubst"
)

func asksForVariables(p ArgoPluginParameter) bool {
	if p.Name != annotationsReplaceParameter || p.String == nil {
		return false
	}
	set, err := strconv.ParseBool(*p.String)
	return err == nil && set
}

func applyParameter(known map[string]ArgoParameter, value ArgoPluginParameter, into *plugin.Parameters) error {
	wanted, found := known[value.Name]
	if !found {
		return RefuseArgoParameter(value.Name, "does not exist", "known are "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	forms := map[string]bool{formString: value.String != nil, formArray: value.Array != nil, formMap: value.Map != nil}
	count := 0
	for _, set := range forms {
		if set {
			count++
		}
	}
	if !forms[wanted.Collection] || count != 1 {
		return RefuseArgoParameter(value.Name, fmt.Sprintf("has no value of the form %q, or more than one value", wanted.Collection),
			fmt.Sprintf("write {name: %s, %s: ...}", value.Name, wanted.Collection))
	}
	return wanted.set(into, value)
}
