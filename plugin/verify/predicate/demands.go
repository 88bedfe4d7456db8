package predicate

import (
	"fmt"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Named is a demand and how findings speak of it.
type Named struct {
	Demand
	// Rule is the finding's rule, and Noun what is missing: "provenance".
	Rule, Noun string
	// Why and Hint are the finding's.
	Why, Hint string
	// Witnesses are ClusterImagePolicies whose statements are seen beside those of
	// the demand's signers (Statement.Witness).
	Witnesses []string
	// Whole is set where every statement counts, as for the newest of them: then
	// one that could not be looked at leaves the demand open.
	Whole bool
}

// Terms are what all demands of a gate share.
type Terms struct {
	// VEX says whose word takes a vulnerability out of a scan; nil for nobody's.
	VEX    *gate.VEX
	Limits plugin.Limits
}

// Demands compiles what one entry of a gate's evidence asks for: one for each
// field that is given.
func Demands(entry gate.Evidence, terms Terms) ([]Named, error) {
	var all []Named
	for _, compile := range []func(gate.Evidence, Terms) (*Named, error){
		provenanceDemand, sbomDemand, scanDemand,
	} {
		one, err := compile(entry, terms)
		if err != nil {
			return nil, fmt.Errorf("compiling the demand: %w", err)
		}
		if one != nil {
			all = append(all, *one)
		}
	}
	return all, nil
}

func sbomDemand(entry gate.Evidence, terms Terms) (*Named, error) {
	if entry.SBOM == nil {
		return nil, nil //nolint:nilnil // not asked for is an answer
	}
	demand, err := NewSBOM(*entry.SBOM, terms.Limits)
	return &Named{
		Demand: demand, Rule: "evidence/sbom", Noun: "bill of materials", Whole: true,
		Why:  "without a bill of materials nobody can tell what is in the image",
		Hint: "attest one: cosign attest --type spdxjson or cyclonedx; the details name every statement that was looked at",
	}, err
}

func scanDemand(entry gate.Evidence, terms Terms) (*Named, error) {
	if entry.Scan == nil {
		return nil, nil //nolint:nilnil // not asked for is an answer
	}
	demand, err := NewScan(*entry.Scan, terms.VEX, terms.Limits)
	named := &Named{
		Demand: demand, Rule: "evidence/scan", Noun: "scan", Whole: true,
		Why:  "without a scan nobody can tell which known vulnerabilities are in the image",
		Hint: "scan it and attest the report: cosign attest --type vuln; the details name every statement that was looked at",
	}
	if terms.VEX != nil {
		named.Witnesses = terms.VEX.Signers
	}
	return named, err
}
