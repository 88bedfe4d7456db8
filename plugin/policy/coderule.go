package policy

import (
	"context"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// codeRule is a shipped rule in Go.
type codeRule struct {
	// page has no pack: [packs] says which ones bring it.
	page Rule
	// engine makes what judges by the rule, for one gate.
	engine func(gate.Gate) engine
}

// engineFunc is an engine that is one function.
type engineFunc func(ctx context.Context, v *view) []plugin.Finding

func (f engineFunc) judge(ctx context.Context, v *view) []plugin.Finding { return f(ctx, v) }

// overView is a rule that takes nothing from the gate.
func overView(page Rule, judge func(page Rule, v *view) []plugin.Finding) codeRule {
	page.Adjustable = true
	return codeRule{page: page, engine: func(gate.Gate) engine {
		return engineFunc(func(_ context.Context, v *view) []plugin.Finding { return judge(page, v) })
	}}
}

// overSubjects is a rule that looks at the rendered objects one by one. Pods
// that workloads make are among them where the rule asks for Pods.
func overSubjects(page Rule, judge func(page Rule, s *subject) []plugin.Finding) codeRule {
	return overView(page, func(page Rule, v *view) []plugin.Finding {
		var findings []plugin.Finding
		for _, s := range v.subjects {
			findings = append(findings, judge(page, s)...)
		}
		return findings
	})
}

// against is what the rule says about a subject, at its shipped level.
func (r Rule) against(s *subject, field, message string) plugin.Finding {
	level := plugin.Deny
	if r.Level == "Warn" {
		level = plugin.Warn
	}
	finding := s.finding(r.ID, level, message)
	if field != "" {
		finding.Field = field
	}
	finding.Why, finding.Hint = r.Why, r.Fix
	return finding
}

// unsure is [Rule.against] for what the cluster may answer otherwise; what
// would deny counts as the gate says.
func (r Rule) unsure(finding plugin.Finding, indeterminate plugin.Level, depends string) plugin.Finding {
	finding.Indeterminate = true
	finding.Message = "cannot be decided offline: " + finding.Message
	if finding.Level.Blocks() {
		finding.Level = indeterminate
	}
	finding.Details = append(finding.Details, "depends on "+depends)
	return finding
}

// levelOfUnsure is what the gate says of rules that cannot be decided. A gate
// with another word is refused elsewhere, and denies here.
func levelOfUnsure(g gate.Gate) plugin.Level {
	level, err := indeterminateLevel(g.Spec.Judge.Indeterminate)
	if err != nil {
		return plugin.Deny
	}
	return level
}

// rendered are the subjects that stand in the rendering themselves.
func (v *view) rendered() []*subject {
	var out []*subject
	for _, s := range v.subjects {
		if !s.made {
			out = append(out, s)
		}
	}
	return out
}

// pods are the Pods that are written or made, but for those that are put
// together from what a custom resource says.
func (v *view) pods() []*subject {
	var out []*subject
	for _, s := range v.subjects {
		if s.pod != nil && !s.template.partial {
			out = append(out, s)
		}
	}
	return out
}

// fields are the rendered object's own, without defaults.
func (v *view) fields(s *subject) map[string]any { return v.sealed.Objects[s.index].Fields }
