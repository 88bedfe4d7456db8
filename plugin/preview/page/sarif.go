package page

import (
	"io"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// writeSARIF writes the findings of all applications with the side that they
// stand on: new ones first, then those that stay, then those that are gone.
func writeSARIF(w io.Writer, r change.Report, o Options) error {
	log := report.Compared{
		Version: o.Version, Rule: o.Rule, ID: "assay/diff", Answered: r.Summary.NewUndetermined == 0, ExitCode: exitCode(r.Summary), Notes: banners(r),
		Properties: map[string]any{"base": sideOf(r.Base), "head": sideOf(r.Head), "gates": append([]string{}, r.Gates...), "judgedAt": stamp(r.At), "summary": r.Summary},
	}
	for _, states := range []struct {
		state    change.State
		baseline string
	}{{change.New, report.BaselineNew}, {change.Still, report.BaselineUnchanged}, {change.Fixed, report.BaselineAbsent}} {
		for _, each := range findings(r, func(f change.Finding) bool { return f.State == states.state }) {
			log.Results = append(log.Results, report.ComparedResult{
				Finding: each.Finding.Finding, Baseline: states.baseline, Application: nameOf(*each.application), Place: each.application.Origin,
			})
		}
	}
	for _, a := range r.Applications {
		if a.Note != "" {
			log.Notes = append(log.Notes, nameOf(a)+": "+a.Note)
		}
	}
	for _, each := range r.Unseen {
		log.Notes = append(log.Notes, "not seen: "+each.What+": "+each.Reason)
	}
	return report.WriteComparedSARIF(w, log)
}

// exitCode is what the program says of the change: old debts do not count.
func exitCode(s change.Summary) int {
	switch {
	case s.NewDenials > 0:
		return report.ExitDenied
	case s.NewUndetermined > 0:
		return report.ExitUndetermined
	}
	return report.ExitAllowed
}

func sideOf(side change.Side) map[string]string {
	return map[string]string{"name": report.Neutral(side.Name), "commit": side.Commit}
}
