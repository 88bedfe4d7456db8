package render

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
func ReadArgoParameters(list []ArgoPluginParameter, into *plugin.Parameters) error {
	known := map[string]ArgoParameter{}
	for _, each := range ArgoParameters() {
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
		problems = append(problems, applyParameter(known, value, into))
	}
	return errors.Join(problems...)
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
