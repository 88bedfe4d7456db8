package plugin

import (
	"context"
	"testing"
)

func TestRun_AuditLowersEverythingButTheUnwaivable(t *testing.T) {
	p := passing()
	p.Gates[0].Deny = false
	p.Gates[0].Judges[0] = says(Finding{Rule: "x/y"}, Finding{Rule: "a/b", Level: Undetermined}, Finding{Rule: "q/r", Level: 99})
	verdict := p.Run(t.Context(), Source{})
	expect(t, verdict, Allowed, "x/y", "a/b", "q/r")
	for _, finding := range verdict.Findings {
		if finding.Level != Warn || !finding.Audited {
			t.Errorf("%s is %v, audited %v", finding.Rule, finding.Level, finding.Audited)
		}
	}
	p.Gates[0].Judges[0] = says(Finding{Rule: "x/y", Unwaivable: true})
	expect(t, p.Run(t.Context(), Source{}), Denied, "x/y")
	p.Gates[0].Judges[0] = says()
	p.Always[0] = says(Finding{Rule: "self/x"})
	expect(t, p.Run(t.Context(), Source{}), Denied, "self/x")
}

func TestRun_AuditOfUnaccountedImagesOnlyReports(t *testing.T) {
	p := passing()
	p.Gates[0].Deny, p.Pin = false, false
	p.Gates[0].Verifiers[0] = reviews(0)
	expect(t, p.Run(t.Context(), Source{}), Allowed, "image/unaccounted")
}

func TestRun_WaiverLowersItsOwnGateOnly(t *testing.T) {
	waives := decider{waive: func(Finding) *Waived { return &Waived{Kind: "waiver", Reason: "r"} }}
	for name, test := range map[string]struct {
		rule    Finding
		second  Decider
		deny    bool
		outcome Outcome
	}{
		"OfItsGate":               {Finding{Gate: "base"}, nil, true, Allowed},
		"OfTheOtherGate":          {Finding{Gate: "extra"}, nil, true, Denied},
		"OfTheOtherWithItsOwn":    {Finding{Gate: "extra"}, waives, true, Allowed},
		"OfNoGateAndOneGateWaves": {Finding{}, nil, true, Denied},
		"OfNoGateAndBothWaive":    {Finding{}, waives, true, Allowed},
		"OfNoGateOtherOnlyAudits": {Finding{}, nil, false, Allowed},
	} {
		t.Run(name, func(t *testing.T) {
			p := passing()
			p.Gates[0].Decider = waives
			p.Gates = append(p.Gates, GateStages{Name: "extra", Deny: test.deny, Decider: test.second, Verifiers: []Verifier{verifyFunc(vouches)}})
			switch test.rule.Gate {
			case "base":
				p.Gates[0].Judges[0] = says(Finding{Rule: "x/y"})
			case "extra":
				p.Gates[1].Judges = []Judge{says(Finding{Rule: "x/y", Gate: "base"})}
			default:
				p.Hardener = hardenFunc(func(context.Context, []Object, ImageIndex) []Finding { return []Finding{{Rule: "x/y", Gate: "base"}} })
			}
			expect(t, p.Run(t.Context(), Source{}), test.outcome, "x/y")
		})
	}
}

func TestRun_NotesOfAnAuditingGateDoNotBlock(t *testing.T) {
	p := passing()
	note := func(findings []Finding) ([]Finding, string) {
		return []Finding{{Rule: "waiver/expired"}}, "break glass"
	}
	p.Gates[0].Decider = decider{notes: note}
	verdict := p.Run(t.Context(), Source{})
	expect(t, verdict, Denied, "waiver/expired")
	if verdict.Banner != "break glass" {
		t.Errorf("the banner is %q", verdict.Banner)
	}
	p.Gates[0].Deny = false
	expect(t, p.Run(t.Context(), Source{}), Allowed, "waiver/expired")
}

func TestRun_DeciderCannotChangeFindings(t *testing.T) {
	p := passing()
	p.Gates[0].Judges[0] = says(Finding{Rule: "x/y"})
	p.Gates[0].Decider = decider{notes: func(findings []Finding) ([]Finding, string) {
		for i := range findings {
			findings[i].Level = Info
		}
		return nil, ""
	}}
	expect(t, p.Run(t.Context(), Source{}), Denied, "x/y")
}

func TestRun_VerifierCannotChangeImages(t *testing.T) {
	p := passing()
	p.Gates[0].Verifiers[0] = verifyFunc(func(ctx context.Context, images []Image) []Review {
		out := vouches(ctx, images)
		for i := range images {
			images[i].Written, images[i].Digest = "evil", ""
		}
		return out
	})
	expect(t, p.Run(t.Context(), Source{}), Allowed)
}

func TestRun_JudgeCannotHideAnImageFromTheAccount(t *testing.T) {
	p := passing()
	p.Hardener = hardenFunc(addContainer)
	p.Always[0] = judgeFunc(func(_ context.Context, sealed Sealed) []Finding {
		for i := range sealed.Objects {
			sealed.Objects[i] = Object{Fields: map[string]any{}}
		}
		return nil
	})
	expect(t, p.Run(t.Context(), Source{}), Denied, "image/unaccounted")
}

func TestRun_TooManyFindingsKeepTheWorst(t *testing.T) {
	p := passing()
	p.MaxFindings = 2
	p.Gates[0].Judges[0] = says(Finding{Rule: "a/a", Level: Info}, Finding{Rule: "b/b", Level: Warn}, Finding{Rule: "c/c", Level: Warn}, Finding{Rule: "d/d"})
	verdict := p.Run(t.Context(), Source{})
	expect(t, verdict, Denied, "d/d", "report/limit")
	if len(verdict.Findings) != 3 || len(withRule(verdict.Findings, "a/a")) > 0 {
		t.Errorf("findings: %+v", verdict.Findings)
	}
	p.MaxFindings = 4
	if verdict := p.Run(t.Context(), Source{}); len(verdict.Findings) != 4 || len(withRule(verdict.Findings, "report/limit")) > 0 {
		t.Errorf("at the limit: %+v", verdict.Findings)
	}
}
