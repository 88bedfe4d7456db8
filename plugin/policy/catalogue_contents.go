package policy

// contentRules are about what attested documents say is in an image.
func contentRules() []Rule {
	return []Rule{
		{
			ID: "evidence/sbom", Severity: "high", Level: "Deny", Title: "An image has a bill of materials that the gate accepts",
			Why:        "without a bill of materials nobody can tell what is in the image",
			Fix:        "attest one where the image is built (cosign attest --type spdxjson or cyclonedx); the details name every statement that was looked at",
			References: []string{"https://www.cisa.gov/sbom"}, Controls: []string{attackSupplyChain},
		},
		{
			ID: "evidence/component", Severity: "high", Level: "Deny", Title: "An image holds nothing that the gate denies",
			Why:      "a package, version or licence that the gate denies is in the image, by its bill of materials",
			Fix:      "build the image without it, or with a version or licence that the gate allows",
			Controls: []string{attackSupplyChain},
		},
		{
			ID: "evidence/scan", Severity: "high", Level: "Deny", Title: "An image has a scan that the gate accepts",
			Why:        "without a scan nobody can tell which known vulnerabilities are in the image",
			Fix:        "scan it and attest the report (cosign attest --type vuln); the details name every statement that was looked at",
			References: []string{"https://in-toto.io/attestation/vulns"}, Controls: []string{nsaImageScanning},
		},
		{
			ID: "evidence/vulnerability", Severity: "high", Level: "Deny", Title: "An image holds no known vulnerability that the gate denies",
			Why:        "what is known to be broken is known to attackers, too",
			Fix:        "build the image with the fixed versions and scan it again; an OpenVEX statement by a signer of spec.vex takes out what does no harm",
			References: []string{"https://openvex.dev"}, Controls: []string{nsaImageScanning},
		},
		{
			ID: "evidence/vex-expired", Severity: "medium", Level: "Warn", Title: "A VEX statement is older than the gate lets it count",
			Why: "what did no harm then may do harm now",
			Fix: "have the statement looked at again, and attested anew; spec.vex.maxAge bounds its age",
		},
		{
			ID: "scan/no-answer", Severity: "medium", Level: "Undetermined", Title: "The user's own scanner gave a report",
			Why: "a scanner that fails, or prints no report, found neither something nor nothing",
			Fix: "run the scanner by itself on the image that is named; assay check runs it only where --scan asks for it",
		},
	}
}
