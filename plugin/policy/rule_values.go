package policy

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

/*
valuesRule denies credentials in values that are handed to a chart.

Looked at: spec.values of Flux's HelmRelease; helm.values, valuesObject and
parameters of Argo CD's Application and of the template of an ApplicationSet.
Allowed: names of other objects (existingSecret, passwordKey), references, empty
values. What has a known issuer's form is left to secrets/known-format.
The finding names fields, never values.
*/
func valuesRule() codeRule {
	return overView(Rule{
		ID: "secrets/chart-values", Title: "No credential stands in the values of a chart", Severity: "high", Level: "Deny",
		Why:        "values stand readable in Git, in the object and in every release that Helm keeps",
		Fix:        "name an existing Secret, or use valuesFrom with one that is not in Git as plain text, and replace the value that was shown",
		References: []string{goodPractices}, Controls: secretControls(),
	}, func(page Rule, v *view) []plugin.Finding {
		var findings []plugin.Finding
		for _, s := range v.rendered() {
			for _, field := range chartCredentials(s, v.fields(s)) {
				findings = append(findings, page.against(s, field, "the name says that the value is a credential"))
			}
		}
		return findings
	})
}

// chartCredentials are the fields of values that are credentials.
func chartCredentials(s *subject, fields map[string]any) []string {
	spec := mapAt(fields, "spec")
	switch s.kind.Group + "/" + s.kind.Kind {
	case "helm.toolkit.fluxcd.io/HelmRelease":
		return valueCredentials(spec["values"], "spec.values")
	case "assay.dev/GatedSource":
		return valueCredentials(mapAt(spec, "helm")["values"], "spec.helm.values")
	case "argoproj.io/Application":
		return sourceCredentials(spec, "spec")
	case "argoproj.io/ApplicationSet":
		return sourceCredentials(mapAt(mapAt(spec, "template"), "spec"), "spec.template.spec")
	}
	return nil
}

func sourceCredentials(spec map[string]any, path string) []string {
	fields := helmCredentials(mapAt(mapAt(spec, "source"), "helm"), path+".source.helm")
	for i, item := range listAt(spec, "sources") {
		source, _ := item.(map[string]any)
		fields = append(fields, helmCredentials(mapAt(source, "helm"), fmt.Sprintf("%s.sources[%d].helm", path, i))...)
	}
	return fields
}

func helmCredentials(helm map[string]any, path string) []string {
	fields := valueCredentials(helm["valuesObject"], path+".valuesObject")
	if len(credentialLines(stringAt(helm, "values"))) > 0 {
		fields = append(fields, path+".values")
	}
	for i, item := range listAt(helm, "parameters") {
		parameter, _ := item.(map[string]any)
		name := stringAt(parameter, "name")
		if value := stringAt(parameter, "value"); namesCredential(name[strings.LastIndexByte(name, '.')+1:]) && isLiteral(value) {
			fields = append(fields, fmt.Sprintf("%s.parameters[%d].value", path, i))
		}
	}
	return fields
}

// valueCredentials walks values in the order of names.
func valueCredentials(value any, path string) []string {
	var fields []string
	switch typed := value.(type) {
	case []any:
		for i, item := range typed {
			fields = append(fields, valueCredentials(item, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case map[string]any:
		formats := credentialFormats()
		for _, key := range sortedKeys(typed) {
			text, isText := typed[key].(string)
			if isText && namesCredential(key) && isLiteral(text) && knownCredential(formats, text) == "" {
				fields = append(fields, plugin.JoinField(path, key))
			}
			fields = append(fields, valueCredentials(typed[key], plugin.JoinField(path, key))...)
		}
	}
	return fields
}
