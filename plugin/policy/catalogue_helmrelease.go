package policy

// helmReleaseRules are about Flux's HelmReleases in applications of the
// platform, and charts that are frozen.
func helmReleaseRules() []Rule {
	return []Rule{
		{
			ID: "helmrelease/failed", Severity: "high", Level: "Deny", Title: "A HelmRelease of the platform can be judged",
			Why: "what Flux would install is not known",
			Fix: "correct what the message names",
		},
		{
			ID: "helmrelease/lookup", Severity: "medium", Level: "Warn", Title: "A chart does not look for objects in the cluster",
			Why: "with what it finds there it may render another thing than what was judged",
			Fix: "give the chart what it looks for in its values",
		},
		{
			ID: "helmrelease/no-answer", Severity: "medium", Level: "Undetermined", Title: "The chart and values of a HelmRelease can be seen",
			Why: "with other values another thing is installed",
			Fix: "keep its source, ConfigMaps and Secrets in the same application, or consume the chart that a GatedSource publishes",
		},
		{
			ID: "helmrelease/not-sealed", Severity: "medium", Level: "Warn", Title: "What a HelmRelease installs is sealed",
			Why: "Flux renders it again: nothing is pinned or hardened, and what is replaced later is not judged",
			Fix: "write digests in the values, or consume the chart that a GatedSource publishes (spec.chartRef of kind ExternalArtifact)",
		},
		{
			ID: "helmrelease/source", Severity: "high", Level: "Deny", Title: "A HelmRelease names one chart",
			Why: "a range of versions is another chart each time that one is published",
			Fix: "write one version of a HelmRepository, an OCIRepository with a tag, or a folder of the application's own GitRepository",
		},
		{
			ID: "helmrelease/upgrade", Severity: "low", Level: "Warn", Title: "A chart renders the same for an install and an upgrade",
			Why: "a frozen chart is what an install renders, also when it is an upgrade",
			Fix: "see what the chart does with .Release.IsInstall, .Release.IsUpgrade and .Release.Revision",
		},
	}
}
