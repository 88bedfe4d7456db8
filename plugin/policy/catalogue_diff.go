package policy

// diffRules are about a change itself: of what is deployed, told by previews
// alone, of Applications that are moved to the plugin, and of branches that are
// proven.
func diffRules() []Rule {
	return []Rule{
		{
			ID: "diff/project", Severity: "high", Level: "Warn", Title: "A change leaves an application in its project",
			Why: "the project chooses the gates, and the one who writes the change chooses the project",
			Fix: "let the owners of both projects review it",
		},
		{
			ID: "diff/source", Severity: "high", Level: "Deny", Title: "The source that an application names can be put together",
			Why: "the platform would not render it either",
			Fix: "correct what the message names in the application's definition",
		},
		{
			ID: "diff/unfinished", Severity: "critical", Level: "Deny", Title: "A side that is compared was judged to its end",
			Why: "nothing is known of what was not judged",
			Fix: "this is a defect of assay, please report it",
		},
		{
			ID: "discover/failed", Severity: "medium", Level: "Deny", Title: "What a repository deploys can be found",
			Why: "what is not found is not compared",
			Fix: "correct the definition that the message names",
		},
		{
			ID: "diff/no-answer", Severity: "medium", Level: "Undetermined", Title: "What the base deploys can be looked at on the head",
			Why: "the change moves the source to where it cannot be seen, or breaks the definition, so that nobody knows what it will deploy; it may be anything",
			Fix: "do as the message says: mend the definition, or give a copy of the source with --source; more than 10,000 applications, or a side that cannot be read, are told so, too",
		},
		{
			ID: "discover/no-answer", Severity: "medium", Level: "Undetermined", Title: "Looking for what a repository deploys comes to its end",
			Why: "what is not found is not compared",
			Fix: "run it again, with more time where it was a deadline",
		},
		{
			ID: "migrate/failed", Severity: "medium", Level: "Deny", Title: "An Application can be moved to the plugin",
			Why: "what is passed over in silence is believed to have been carried over",
			Fix: "write what the message names as it says, and run it again",
		},
		{
			ID: "migrate/no-answer", Severity: "medium", Level: "Undetermined", Title: "It can be seen that both ways render the same",
			Why: "an Application that renders to something else would change what runs",
			Fix: "run it again, with more time where it was a deadline",
		},
		{
			ID: "cluster/no-answer", Severity: "medium", Level: "Undetermined", Title: "The cluster says which Applications it has",
			Why: "a list that lacks some would be taken for the whole",
			Fix: "do as the message says: name namespaces that may be read, another kubeconfig or context, or ask again when the API server answers",
		},
		{
			ID: "prove/failed", Severity: "high", Level: "Deny", Title: "What a hydrated branch says of its dry commit can be rendered",
			Why: "manifests whose source cannot be rendered are nobody's answer",
			Fix: "do as the message says, and let the hydrator write the branch again",
		},
		{
			ID: "prove/no-answer", Severity: "medium", Level: "Undetermined", Title: "A hydrated branch can be compared with what its dry commit renders to",
			Why: "a branch that was not compared may hold anything",
			Fix: "do as the message says: fetch the commit that it names, or run it again with more time",
		},
	}
}
