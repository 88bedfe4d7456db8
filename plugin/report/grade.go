package report

import "github.com/assay-gitops/assay/plugin"

// grade is a finding in the words of formats that know passed, skipped, error
// and failed. The greater, the worse.
type grade int

const (
	// fine is a warning, or what an audit does not enforce.
	fine grade = iota
	// excused is what an exception covers.
	excused
	// unknown has no answer, or cannot be decided offline, whatever level the gate
	// gives that: no format should count it as passed.
	unknown
	failed
)

func gradeOf(finding plugin.Finding) grade {
	switch {
	case finding.Level == plugin.Info || finding.Audited:
		return fine
	case finding.Waiver != nil && !finding.Level.Blocks():
		return excused
	case finding.Level == plugin.Undetermined || finding.Indeterminate:
		return unknown
	case finding.Level.Blocks():
		return failed
	}
	return fine
}
