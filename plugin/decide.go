package plugin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// decide applies the gates' exceptions and switches, and seals the verdict. A
// panic on the way leaves a verdict that denies.
func (r *run) decide(ctx context.Context) {
	if r.stopped {
		ctx = context.WithoutCancel(ctx) // why it ended is said, and what is denied stays denied
	}
	fill := func() { r.fillContent(ctx) }
	for _, part := range []func(){fill, r.exceptAll, r.noteAll, r.noteRequests, r.maskFindings} {
		if err := guard(part); err != nil {
			r.verdict.complete = false
			r.stop(panicFinding("decide", err))
		}
	}
	SortFindings(r.verdict.Findings)
	r.boundFindings()
	slices.SortStableFunc(r.images, func(a, b Image) int { return cmp.Compare(a.Reference.String(), b.Reference.String()) })
	r.verdict.Images = r.images
	r.verdict.manifests = r.sealed
}

// undecided takes note that the run was stopped before it knew what exceptions
// for these findings are bound to. Nobody can say whether one covers them.
func (r *run) undecided(ctx context.Context, findings []Finding) {
	for i := range findings {
		if finding := &findings[i]; finding.Level.Blocks() && !finding.Unwaivable && r.hasExceptions() {
			finding.Level = Undetermined
			finding.Details = append(slices.Clip(finding.Details), "the run was stopped before it could ask whether an exception covers this")
		}
	}
	r.verdict.complete = false
	r.fail("decide", context.Cause(ctx))
}

func (r *run) hasExceptions() bool {
	return slices.ContainsFunc(r.Gates, func(gate GateStages) bool { return gate.Decider != nil })
}

func (r *run) exceptAll() {
	findings := r.verdict.Findings
	for i := range findings {
		if findings[i].Level.Blocks() && !findings[i].Unwaivable {
			r.except(&findings[i])
		}
	}
}

// except lowers a blocking finding when the gate's switch is off or an
// exception covers it. A finding of no gate is lowered only when every gate
// lowers it.
func (r *run) except(finding *Finding) {
	var waived *Waived
	asked := false
	for _, gate := range r.Gates {
		if finding.Gate != "" && finding.Gate != gate.Name {
			continue
		}
		asked = true
		if !gate.Deny {
			continue
		}
		if gate.Decider == nil {
			return
		}
		if waived = gate.Decider.Waive(r.source, r.verdict.At, *finding); waived == nil {
			return
		}
	}
	if !asked {
		return
	}
	finding.Level = Warn
	finding.Waiver = waived
	finding.Audited = waived == nil
}

// noteAll adds what the reader must know of the exceptions.
func (r *run) noteAll() {
	for _, gate := range r.Gates {
		if gate.Decider == nil {
			continue
		}
		notes, banner := gate.Decider.Notes(r.source, r.verdict.At, slices.Clone(r.verdict.Findings))
		for _, note := range notes {
			note.Gate = gate.Name
			if note.Level.Blocks() && !note.Unwaivable && !gate.Deny {
				note.Level = Warn
				note.Audited = true
			}
			r.add(note)
		}
		if banner != "" && r.verdict.Banner != "" {
			banner = "; " + banner
		}
		r.verdict.Banner += banner
	}
}

// boundFindings keeps the worst findings of a verdict that has too many to
// read. What is left out is never worse than what stays, so that the answer is
// the same.
func (r *run) boundFindings() {
	most := r.MaxFindings
	if most < 1 {
		most = DefaultLimits().FindingsPerVerdict
	}
	all := r.verdict.Findings
	if int64(len(all)) <= most {
		return
	}
	r.verdict.Findings = append(slices.Clip(all[:most]), Finding{
		Rule: "report/limit", Level: Warn,
		Message: fmt.Sprintf("there are %d findings; only the worst %d are listed (limit findingsPerVerdict)", len(all), most),
		Hint:    "correct these first, or raise the limit in the gate",
	})
	SortFindings(r.verdict.Findings)
}
