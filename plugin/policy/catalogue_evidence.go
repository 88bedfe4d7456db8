package policy

// evidenceRules are about what is attested about an image (spec.evidence).
func evidenceRules() []Rule {
	return []Rule{
		{
			ID: "evidence/provenance", Severity: "critical", Level: "Deny", Title: "An image was built where and from what the gate accepts",
			Why:        "without provenance nobody can tell from which source, and by what, the image was built",
			Fix:        "build it by one of the builders under spec.evidence, from a source that it names, and attest the provenance; the details name every statement that was looked at",
			References: []string{"https://slsa.dev/spec/v1.1/provenance"},
			Controls:   []string{cisImageProvenance, attackSupplyChain},
		},
	}
}
