package policy

// stageRules has the pages of what any stage may say: it was stopped before it
// had an answer, an error that is none, and a defect. What is particular to one
// stage has its page elsewhere.
func stageRules() []Rule {
	var rules []Rule
	for _, stage := range []string{"account", "decide", "harden", "images", "inspect", "judge", "mutate", "render", "resolve", "seal", "setup", "verify"} {
		rules = append(rules, Rule{
			ID: stage + "/panic", Severity: "critical", Level: "Deny", Title: "The " + stage + " stage did not stop",
			Why: "a defect must not let anything through",
			Fix: "report it with the input that caused it",
		})
	}
	for _, stage := range []string{"account", "chart", "decide", "gate", "harden", "images", "mutate", "seal", "setup"} {
		rules = append(rules, Rule{
			ID: stage + "/no-answer", Severity: "medium", Level: "Undetermined", Title: "There was an answer for the " + stage + " stage",
			Why: "a deadline that passed, or a server that does not answer, is neither yes nor no",
			Fix: "run it again, with more time if it was a deadline; the message says what did not answer",
		})
	}
	for _, stage := range []string{"decide", "harden", "lock", "mutate"} {
		rules = append(rules, Rule{
			ID: stage + "/failed", Severity: "critical", Level: "Deny", Title: "The " + stage + " stage could do its work",
			Why: "an error that is no answer denies",
			Fix: "correct what the message names",
		})
	}
	return rules
}
