package policy

const (
	ruleRequired      = "schema/required"
	ruleValue         = "schema/value"
	ruleExpression    = "schema/expression"
	ruleDefinition    = "schema/definition"
	ruleUnknownKind   = "schema/unknown-kind"
	ruleRemovedAPI    = "schema/removed-api"
	ruleDeprecatedAPI = "schema/deprecated-api"
)

const (
	crdReference         = "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/"
	deprecationReference = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"
)

// schemaRules are about what the API server would take. They belong to no pack:
// what it would refuse stops the sync half-way, whichever rules a gate chose.
func schemaRules() []Rule {
	rules := []Rule{
		{
			ID: ruleRequired, Title: "No required field is missing", Severity: "medium", Level: "Deny",
			Why: "the API server refuses the object, and the sync ends half-way",
			Fix: "write the field",
		},
		{
			ID: ruleValue, Title: "Every value is one that the API takes", Severity: "medium", Level: "Deny",
			Why: "the API server refuses the object, and the sync ends half-way",
			Fix: "correct the value: its type, its format, or one that is listed",
		},
		{
			ID: ruleExpression, Title: "A custom resource obeys the rules of its definition", Severity: "medium", Level: "Deny",
			Why: "the API server evaluates x-kubernetes-validations and refuses the object; rules about a change (oldSelf) need the object in the cluster and are left out, as at creation",
			Fix: "change the object as the rule says", References: []string{crdReference},
		},
		{
			ID: ruleDefinition, Title: "A CustomResourceDefinition can be established", Severity: "medium", Level: "Deny",
			Why: "the API server refuses a definition whose schema it cannot use, and with it every object of the kind",
			Fix: "correct the schema at the path that is named", References: []string{crdReference},
		},
		{
			ID: ruleUnknownKind, Title: "A schema knows the kind", Severity: "low", Level: "Info",
			Why: "fields of a kind that no schema knows are not checked; a gate that sets the rule's level to Deny takes known kinds alone",
			Fix: "render the CustomResourceDefinition with the object, or add it to the gate", References: []string{crdReference},
		},
		{
			ID: ruleRemovedAPI, Title: "The API serves the version", Severity: "medium", Level: "Deny",
			Why: "the API server knows nothing under a version that it no longer serves, and the sync ends half-way",
			Fix: "write the version that replaces it", References: []string{deprecationReference},
		},
		{
			ID: ruleDeprecatedAPI, Title: "The API version has a future", Severity: "low", Level: "Warn",
			Why: "the version will be removed, and the sync will fail after that upgrade of the cluster",
			Fix: "write the version that replaces it", References: []string{deprecationReference},
		},
	}
	for i := range rules {
		rules[i].Adjustable = true
	}
	return rules
}
