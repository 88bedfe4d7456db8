package policy

import (
	"fmt"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// judgeDefinition denies definitions that would be read as saying something
// about the API server's own kinds.
func judgeDefinition(o selfObject) []plugin.Finding {
	read := apiserver.ReadDefinition(o.object)
	if !read.IsDefinition {
		return nil
	}
	if problem := read.Problem(); problem != "" {
		return []plugin.Finding{o.deny(ruleSelfDefinition, "spec", "the definition is not one of a custom resource: "+problem)}
	}
	return nil
}

// surplusDefinitions denies the definitions that are not looked at.
func surplusDefinitions(table apiserver.KindTable, objects []plugin.Object) []plugin.Finding {
	var findings []plugin.Finding
	for _, i := range table.Surplus {
		read := apiserver.ReadDefinition(objects[i])
		findings = append(findings, plugin.Finding{
			Rule: ruleInvalidObject, Level: plugin.Deny, Object: objects[i].ID(), Origin: objects[i].Origin, Field: "spec.names.plural",
			Message: fmt.Sprintf("the kind %s of group %s has more than %d definitions", read.Kind, read.Group, apiserver.PluralsPerKind),
			Why:     "the API server accepts one name for a kind, and under which of them an object is filed cannot be told",
			Hint:    "leave one definition of the kind",
		})
	}
	return findings
}
