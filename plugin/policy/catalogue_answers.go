package policy

// answerRules are about registries that have no such thing or give no answer,
// and about a gate that cannot be used.
func answerRules() []Rule {
	return []Rule{
		{
			ID: "image/not-found", Severity: "high", Level: "Deny", Title: "Every image that is named exists",
			Why: "the registry says that it has no such tag or digest, so there is nothing to pin, to verify and to run",
			Fix: "correct the name or the tag, or push the image; a registry gives the same answer to a credential that may not see it",
		},
		{
			ID: "registry/not-found", Severity: "high", Level: "Deny", Title: "The registry has what a digest names",
			Why: "what was deleted, or never pushed, cannot be looked at",
			Fix: "correct the digest (assay lock writes images.lock.yaml anew), or push the image again; a registry gives the same answer to a credential that may not see it",
		},
		{
			ID: "registry/no-answer", Severity: "medium", Level: "Undetermined", Title: "The registry answers",
			Why: "no answer is not the same as no such image",
			Fix: "try again; the message says what did not answer",
		},
		{
			ID: "inspect/no-answer", Severity: "medium", Level: "Undetermined", Title: "There was time to inspect the images",
			Why: "a deadline that passed is no answer",
			Fix: "run it again, with more time if it was a deadline",
		},
		{
			ID: "inspect/failed", Severity: "high", Level: "Deny", Title: "The inspect stage could do its work",
			Why: "an error that is no answer denies",
			Fix: "correct what the message names",
		},
		{
			ID: "gate/failed", Severity: "critical", Level: "Deny", Title: "The gates of the application can be put together",
			Why: "a gate that cannot be used must not let anything through",
			Fix: "correct the configuration that the message names",
		},
	}
}
