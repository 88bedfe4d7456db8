package policy

import (
	"context"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// evidenceRule asks for a verified statement of some kind about every image.
// What signs and who may is the trust rules' business: only statements that one
// of them accepted are looked at. Every image that the finder knows or the gate
// declares is looked at; an image that a trust rule accepts as it is
// (static: pass) has no statement.
func evidenceRule(page Rule, missing string, predicates ...string) codeRule {
	page.Adjustable = true
	return codeRule{page: page, engine: func(g gate.Gate) engine {
		fields := imageFields(g)
		return engineFunc(func(_ context.Context, v *view) []plugin.Finding {
			images, _ := plugin.ImageFinder{Fields: fields}.Find(v.sealed.Objects)
			var findings []plugin.Finding
			for _, image := range images {
				for _, use := range image.Uses {
					known := v.sealed.Images.At(use.Object, use.Field)
					if known != nil && attested(known.Evidence, predicates) {
						continue
					}
					findings = append(findings, plugin.Finding{
						Rule: page.ID, Level: plugin.Warn, Object: use.ID, Origin: use.Origin, Field: use.Field, Image: image.Written,
						Message: missing, Why: page.Why, Hint: page.Fix,
					})
				}
			}
			return findings
		})
	}}
}

// attested reports whether there is a statement whose predicate type is one of
// those, or begins with one that ends in "/".
func attested(evidence []plugin.Evidence, predicates []string) bool {
	return slices.ContainsFunc(evidence, func(each plugin.Evidence) bool {
		claims := each.Claims()
		return claims.Kind == plugin.EvidenceAttestation && slices.ContainsFunc(predicates, func(predicate string) bool {
			return claims.PredicateType == predicate || strings.HasSuffix(predicate, "/") && strings.HasPrefix(claims.PredicateType, predicate)
		})
	})
}

func provenanceRule() codeRule {
	return evidenceRule(Rule{
		ID: "image/no-provenance", Title: "It is known how every image was built", Severity: "medium", Level: "Warn",
		Why:        "a signature says who vouches for the image, and not from which source and by which builder it was made",
		Fix:        "attest SLSA provenance where the image is built, and ask for it in a ClusterImagePolicy",
		References: []string{"https://slsa.dev/spec/v1.1/provenance"}, Controls: []string{"SLSA Build L1", "MITRE ATT&CK T1195.002"},
	}, "there is no verified provenance of the image", "https://slsa.dev/provenance/")
}

func billRule() codeRule {
	return evidenceRule(Rule{
		ID: "image/no-sbom", Title: "It is known what every image holds", Severity: "low", Level: "Warn",
		Why:        "without a bill of materials nobody can say which images hold what was found to be broken",
		Fix:        "attest an SBOM (SPDX or CycloneDX) where the image is built, and ask for it in a ClusterImagePolicy",
		References: []string{"https://www.cisa.gov/sbom"}, Controls: []string{"MITRE ATT&CK T1195.002"},
	}, "there is no verified bill of materials of the image", "https://spdx.dev/Document", "https://spdx.dev/Document/", "https://cyclonedx.org/bom", "https://cyclonedx.org/bom/")
}

func scanRule() codeRule {
	return evidenceRule(Rule{
		ID: "image/no-scan", Title: "Every image was looked at for what is known to be broken", Severity: "low", Level: "Warn",
		Why:        "an image that nobody scanned holds what was found and mended elsewhere",
		Fix:        "attest the scanner's report, and ask for it, and for its age, in a ClusterImagePolicy",
		References: []string{"https://in-toto.io/attestation/vulns"}, Controls: []string{"CIS Kubernetes Benchmark 5.5.1", "NSA/CISA Kubernetes Hardening Guide: image scanning"},
	}, "there is no verified scan of the image", "https://cosign.sigstore.dev/attestation/vuln/v1", "https://in-toto.io/attestation/vulns/", "https://in-toto.io/attestation/vulns")
}
