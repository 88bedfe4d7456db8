package policy

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// engine is one kind of rules over a view.
type engine interface {
	judge(ctx context.Context, v *view) []plugin.Finding
}

// gateJudge asks all engines of one gate about one view, and applies the
// levels that the gate sets for single rules.
type gateJudge struct {
	engines []engine
	// levels is what the gate says of single rules.
	levels map[string]ruleLevel
	// packs are the shipped rules by id, for their effectiveOn.
	packs map[string]Rule
	// named are the packs that the gate names; platform is set where self says
	// nothing. Lists of rules say so.
	named         []string
	platform      bool
	namespaces    []gate.Namespace
	deployer      *user.DefaultInfo
	indeterminate plugin.Level
	views         viewCache
}

// Judge implements plugin.Judge. A cancelled run has no answer.
func (j *gateJudge) Judge(ctx context.Context, sealed plugin.Sealed) []plugin.Finding {
	v := j.views.of(sealed, j.namespaces)
	v.deployedBy(j.deployer)
	v.compareWith(sealed.Source.Live)
	findings := v.findings
	for i := range findings {
		if findings[i].Indeterminate {
			findings[i].Level = j.indeterminate
		}
	}
	for _, engine := range j.engines {
		findings = append(findings, engine.judge(ctx, v)...)
	}
	if err := context.Cause(ctx); err != nil {
		return plugin.FindingsFromError("judge", err)
	}
	judged := make([]plugin.Finding, 0, len(findings))
	for _, finding := range findings {
		finding, shown := j.adjust(finding, sealed.At)
		if !shown {
			continue
		}
		judged = append(judged, finding)
	}
	return judged
}

// adjust applies effectiveOn and the gate's levels. What is only noted stays
// so.
func (j *gateJudge) adjust(finding plugin.Finding, at time.Time) (adjusted plugin.Finding, shown bool) {
	switch j.levels[finding.Rule] {
	case levelShipped:
	case levelOff:
		return finding, false
	case levelWarn:
		finding.Level = max(finding.Level, plugin.Warn)
		return finding, true
	case levelDeny:
		if finding.Level == plugin.Warn && finding.Waiver == nil {
			finding.Level = plugin.Deny
		}
		return finding, true
	}
	if rule := j.packs[finding.Rule]; finding.Level.Blocks() && rule.pending(at) {
		finding.Level = plugin.Warn
		finding.Details = append(finding.Details, fmt.Sprintf("denies from %s on", rule.EffectiveOn))
	}
	return finding, true
}

// ruleLevel is what a gate says of one rule; the zero value is what the rule
// was shipped with.
type ruleLevel int

const (
	levelShipped ruleLevel = iota
	levelDeny
	levelWarn
	levelOff
)
