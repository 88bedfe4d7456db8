package gate

import (
	"fmt"
	"slices"
)

// Scan asks for a scanner's report about the image that names no vulnerability
// of these severities: cosign's and in-toto's vulnerability predicates with
// Trivy's or Grype's report, and SARIF. Of each scanner the newest accepted
// report counts.
type Scan struct {
	// Deny are severities, worst first (default CRITICAL and HIGH). One that is
	// named needs the worse ones beside it.
	Deny []string `yaml:"deny,omitempty"`
	// FixedOnly denies only what there is a fix for. Where a report does not say
	// whether there is one, it counts as fixed.
	FixedOnly bool `yaml:"fixedOnly,omitempty"`
	// Unknown is what a vulnerability without a severity means: "Warn"
	// (default), "Deny" or "Ignore".
	Unknown string `yaml:"unknown,omitempty" enum:"Warn,Deny,Ignore"`
	// MaxAge refuses a report whose scan ended longer ago.
	MaxAge Duration `yaml:"maxAge,omitempty"`
	// MaxDatabaseAge refuses a report whose database was older when the image is
	// judged, or that does not say how old it was.
	MaxDatabaseAge Duration `yaml:"maxDatabaseAge,omitempty"`
	// Scanners are accepted; empty accepts all that are read.
	Scanners []Scanner `yaml:"scanners,omitempty"`
	// Local lets a scan by the user's own scanner meet the demand, on the
	// command line alone (assay check --scan). Nobody signs it.
	Local bool `yaml:"local,omitempty"`
}

// Scanner is an accepted scanner.
type Scanner struct {
	// Name is a glob of the scanner's name (trivy, grype, or SARIF's tool) or of
	// its URI ("pkg:github/aquasecurity/trivy@*").
	Name string `yaml:"name"`
	// MinVersion refuses older ones, and reports that name no version.
	MinVersion string `yaml:"minVersion,omitempty"`
}

// Severities are those that a gate may deny, worst first.
func Severities() []string { return []string{"CRITICAL", "HIGH", "MEDIUM", "LOW", "NEGLIGIBLE"} }

// checkScan refuses severities that are none, and those that would let a worse
// one pass.
func (c checker) checkScan(field string, scan Scan) {
	if scan.Deny != nil && len(scan.Deny) == 0 {
		c.bad(field+".deny", "is an empty list, so nothing would be denied", "leave it out for CRITICAL and HIGH, or name severities")
	}
	lowest := -1
	for i, severity := range scan.Deny {
		at := slices.Index(Severities(), severity)
		if at < 0 {
			c.bad(fmt.Sprintf("%s.deny[%d]", field, i), fmt.Sprintf("%q is no severity", severity), "write "+oneOf(Severities()))
		}
		lowest = max(lowest, at)
	}
	for _, worse := range Severities()[:lowest+1] {
		if !slices.Contains(scan.Deny, worse) {
			c.bad(field+".deny", fmt.Sprintf("denies %s and not %s, which is worse", Severities()[lowest], worse), "add "+worse)
		}
	}
	for i, scanner := range scan.Scanners {
		c.notBlank(fmt.Sprintf("%s.scanners[%d].name", field, i), scanner.Name)
	}
}
