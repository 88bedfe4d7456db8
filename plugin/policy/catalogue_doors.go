package policy

// doorRules are about what the doors are given, before an application is
// judged.
func doorRules() []Rule {
	return []Rule{
		{
			ID: "argocd/request", Severity: "high", Level: "Deny", Title: "Argo CD says which application it asks about",
			Why: "gates are chosen by what Argo CD says about the application",
			Fix: "use a repo-server of Argo CD 2.14 or later, or argocd-cmp-server for assay generate",
		},
		{
			ID: "argocd/parameter", Severity: "medium", Level: "Deny", Title: "Plugin parameters exist and have the right form",
			Why: "a parameter that is passed over in silence renders something else than its author thinks",
			Fix: "correct spec.source.plugin.parameters; the message lists those that exist",
		},
		{
			ID: "argocd/archive", Severity: "high", Level: "Deny", Title: "The repository arrives whole",
			Why: "what was not sent, or was changed on the way, must not be judged",
			Fix: "hard refresh the Application; if it says so again, look for the file in the repository",
		},
		{
			ID: "argocd/limit", Severity: "medium", Level: "Deny", Title: "The repository is not larger than the sidecar admits",
			Why: "an archive without a bound fills the disk for everybody",
			Fix: "leave out what is not rendered (--plugin-tar-exclude, manifest-generate-paths), or raise --archive-files and --archive-bytes",
		},
		{
			ID: "argocd/another-plugin", Severity: "critical", Level: "Deny", Title: "No other plugin listens beside the gate",
			Why: "an Application that names it would pass by the gate",
			Fix: "remove that plugin's sidecar from the repo-server, or give it a repo-server of its own",
		},
		{
			ID: "argocd/failed", Severity: "critical", Level: "Deny", Title: "The answer to Argo CD has manifests, and judging came to its end",
			Why: "Argo CD reads an empty answer as the wish to delete everything, and nothing is known of what was not judged",
			Fix: "report it as a defect of assay, with the sidecar's log",
		},
		{
			ID: "argocd/no-answer", Severity: "medium", Level: "Undetermined", Title: "The repository arrived in time and could be unpacked",
			Why: "a full queue, a full disk or a caller that hung up is neither yes nor no",
			Fix: "the message says which; it is asked again at the next refresh",
		},
		{
			ID: "flux/artifact", Severity: "high", Level: "Deny", Title: "The source's artifact has an address and a digest",
			Why: "only bytes whose digest the source names can be judged",
			Fix: "correct the source's status.artifact; the message names the field",
		},
		{
			ID: "flux/archive", Severity: "high", Level: "Deny", Title: "The source's artifact holds files and folders alone",
			Why: "an archive that reaches out of its folder, or that two programs read differently, cannot be judged",
			Fix: "take the entry that the message names out of the source, or leave it out with the source's spec.ignore or a .sourceignore file",
		},
		{
			ID: "flux/limit", Severity: "medium", Level: "Deny", Title: "The source's artifact is not larger than the controller admits",
			Why: "an artifact without a bound fills the disk for everybody",
			Fix: "leave out what is not rendered with the source's spec.ignore or a .sourceignore file, or split the source",
		},
		{
			ID: "flux/chart", Severity: "medium", Level: "Deny", Title: "A HelmChart's package holds one chart",
			Why: "which of several charts is meant must not be chance",
			Fix: "name the chart's folder in spec.paths, or package one chart",
		},
		{
			ID: "flux/content", Severity: "high", Level: "Deny", Title: "What is published can be an artifact",
			Why: "Flux would apply something else than what was judged, or nothing",
			Fix: "see what the source renders to; the message says what is wrong with it",
		},
		{
			ID: "flux/owner", Severity: "high", Level: "Deny", Title: "The ExternalArtifact is the GatedSource's own",
			Why: "what somebody else wrote there was not judged, and what is published must have one writer",
			Fix: "delete the ExternalArtifact that the message names, or rename the GatedSource",
		},
		{
			ID: "flux/no-answer", Severity: "medium", Level: "Undetermined", Title: "The source's artifact could be fetched, and what passed could be published",
			Why: "a file server or an API server that does not answer, other bytes than the source names, or a full disk is neither yes nor no",
			Fix: "the message says which; it is asked for again",
		},
	}
}
