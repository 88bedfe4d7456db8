package policy

// confinementRules are about what a rendering may reach.
func confinementRules() []Rule {
	return []Rule{
		{
			ID: "render/crashed", Severity: "high", Level: "Deny", Title: "The renderer did not crash",
			Why: "a crash is not a rendering",
			Fix: "report it with the input that caused it",
		},
		{
			ID: "render/dependency", Severity: "high", Level: "Deny", Title: "Chart dependencies are vendored or fetched from allowed hosts by digest",
			Why: "a dependency that can change under its name changes what is deployed",
			Fix: "run assay vendor, or allow the host under spec.charts.hosts and lock the digest",
		},
		{
			ID: "render/escape", Severity: "critical", Level: "Deny", Title: "Nothing outside the tree is read",
			Why: "a symlink or path out of the tree reads files of the gate or of other tenants",
			Fix: "keep the file inside the tree",
		},
		{
			ID: "render/exec", Severity: "critical", Level: "Deny", Title: "Nothing is executed while rendering",
			Why: "plugins and post-renderers run the tenant's code beside the gate's credentials",
			Fix: "remove the plugin, function or post-renderer",
		},
		{
			ID: "render/limit", Severity: "high", Level: "Deny", Title: "Rendering stays inside its limits",
			Why: "one template must not stop the renderings of others",
			Fix: "make the source smaller, or raise the limit by its name under spec.limits",
		},
		{
			ID: "render/no-answer", Severity: "medium", Level: "Undetermined", Title: "There was time to render",
			Why: "a deadline that passed is no answer",
			Fix: "run it again, with more time if it was a deadline",
		},
		{
			ID: "render/remote", Severity: "high", Level: "Deny", Title: "Nothing remote is rendered",
			Why: "a remote base changes without a commit and is not in the review",
			Fix: "bring the base into the tree",
		},
		{
			ID: "chart/host", Severity: "high", Level: "Deny", Title: "Charts come from hosts that the gate allows",
			Why: "a chart is code that writes manifests",
			Fix: "vendor it with assay vendor, or let the platform team add the host to spec.charts.hosts of the gate",
		},
		{
			ID: "chart/unavailable", Severity: "medium", Level: "Deny", Title: "A chart that is named can be had",
			Why: "what cannot be fetched cannot be rendered",
			Fix: "check the name, version and repository of the chart, or vendor it into charts/",
		},
	}
}

// renderRules are about what is rendered.
func renderRules() []Rule {
	return []Rule{
		{
			ID: "render/duplicate", Severity: "medium", Level: "Deny", Title: "Every object is there once",
			Why: "of two objects with one identity the last one wins, and nobody reviews which",
			Fix: "remove one of them",
		},
		{
			ID: "render/duplicate-key", Severity: "medium", Level: "Deny", Title: "Every key is there once",
			Why: "readers of YAML disagree about which of two equal keys counts",
			Fix: "remove one of them",
		},
		{
			ID: "render/empty", Severity: "high", Level: "Deny", Title: "The rendering is not empty",
			Why: "an empty answer means \"delete everything\" to the tools that sync it",
			Fix: "check the path, and the values that switch objects off",
		},
		{
			ID: "render/encrypted", Severity: "critical", Level: "Deny", Title: "SOPS encrypts the data of Secrets and nothing else",
			Why: "Flux decrypts any object in the cluster, after it was judged, and an image or a role that was encrypted would be seen by nobody",
			Fix: "encrypt data and stringData alone: sops --encrypted-regex '^(data|stringData)$'",
		},
		{
			ID: "render/failed", Severity: "high", Level: "Deny", Title: "The source renders",
			Why: "what cannot be rendered cannot be judged",
			Fix: "correct what the message names",
		},
		{
			ID: "render/invalid", Severity: "high", Level: "Deny", Title: "The source can be read",
			Why: "what cannot be read cannot be judged",
			Fix: "correct the file at the line that the message names",
		},
		{
			ID: "render/missing", Severity: "medium", Level: "Deny", Title: "Every file that is named exists",
			Why: "the tools that sync would fail in the same place",
			Fix: "correct the path, or commit the file",
		},
		{
			ID: "render/not-an-object", Severity: "medium", Level: "Deny", Title: "Everything rendered is a Kubernetes object",
			Why: "a document without apiVersion, kind or name cannot be applied or judged",
			Fix: "complete the object, or remove the document",
		},
		{
			ID: "render/not-supported", Severity: "medium", Level: "Deny", Title: "The source asks only for what is supported",
			Why: "an option that is not implemented would mean something else than its author thinks",
			Fix: "remove the option; docs/roadmap.md lists what is not in this version",
		},
		{
			ID: "render/random", Severity: "medium", Level: "Warn", Title: "Templates give the same output every time",
			Why: "a value that changes with every rendering makes every sync a change",
			Fix: "replace now, rand*, gen*, uuidv4, bcrypt and htpasswd by a value that is set",
		},
		{
			ID: "render/unresolved-variable", Severity: "high", Level: "Deny", Title: "Every variable in an image has a value",
			Why: "a name with ${...} in it, or with nothing in its place, is not the image that was meant",
			Fix: "set the variable in postBuild.substitute or substituteFrom, or give it a default: ${NAME:=value}",
		},
	}
}
