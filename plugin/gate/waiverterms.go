package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// mostWaiverDays is how many days ahead a waiver may end, unless a gate says
// less.
const mostWaiverDays = 180

// WaiverTerms bounds the waivers of every gate that applies to an application:
// a gate can only ask for less.
type WaiverTerms struct {
	// MaxDays is how many days ahead a waiver may end for it to hold, at most and
	// by default 180.
	MaxDays int64 `yaml:"maxDays,omitempty"`
	// Never are rules that no waiver covers: "area/name", or "area/*" for all of
	// an area. Break glass covers them; self is always among them.
	Never []string `yaml:"never,omitempty"`
}

// Longest is how far ahead a waiver's day may lie for the waiver to hold. A
// number out of range means the most, or for one below zero nothing.
func (t WaiverTerms) Longest() time.Duration {
	const day = 24 * time.Hour
	if t.MaxDays == 0 || t.MaxDays > mostWaiverDays {
		return mostWaiverDays * day
	}
	return max(0, time.Duration(t.MaxDays)) * day
}

// Forbids reports whether no waiver may cover the rule.
func (t WaiverTerms) Forbids(rule string) bool {
	return selfRule(rule) || slices.ContainsFunc(t.Never, func(never string) bool {
		area, all := strings.CutSuffix(never, "/*")
		return never == rule || all && strings.HasPrefix(rule, area+"/")
	})
}

// combineWaiverTerms takes the shortest time, and all rules that a gate names.
func combineWaiverTerms(gates []Gate) WaiverTerms {
	terms := WaiverTerms{MaxDays: mostWaiverDays}
	for _, gate := range gates {
		if days := gate.Spec.WaiverTerms.MaxDays; days != 0 {
			terms.MaxDays = min(terms.MaxDays, days)
		}
		terms.Never = append(terms.Never, gate.Spec.WaiverTerms.Never...)
	}
	terms.Never = sorted(terms.Never)
	return terms
}

func (c checker) checkWaiverTerms(terms WaiverTerms) {
	const days = "spec.waiverTerms.maxDays"
	if _, written := c.doc.lines[days]; written && (terms.MaxDays < 1 || terms.MaxDays > mostWaiverDays) {
		c.bad(days, fmt.Sprintf("%d is not between 1 and %d", terms.MaxDays, mostWaiverDays), "write fewer days; to allow no waivers write none, or name the rules under never")
	}
	c.each("spec.waiverTerms.never", terms.Never, func(at, rule string) {
		if area, all := strings.CutSuffix(rule, "/*"); all {
			c.rule(at, area+"/any", "is never waived in any case")
			return
		}
		c.rule(at, rule, "is never waived in any case")
	})
}
