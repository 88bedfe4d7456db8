package plugin

import (
	"fmt"
	"slices"
	"strings"
)

// RuleWaiverRequested is the rule of a renderer's finding that an object has the
// annotation assay.dev/waiver-request. Its message is the annotation's text; the
// run says what became of it. A request grants nothing: its author is whom the
// gate judges.
const RuleWaiverRequested = "waiver/requested"

const (
	// mostRequests bounds how many requests are told apart: the application
	// chooses how many there are.
	mostRequests = 100
	// longestReason is the greatest number of characters of a request that are
	// repeated.
	longestReason = 500
)

// takeRequests keeps the requests among a renderer's findings, one a line, for
// the end of the run, when it is known what they ask to waive, and returns the
// others.
func (r *run) takeRequests(findings []Finding) []Finding {
	var others []Finding
	for _, finding := range findings {
		if finding.Rule != RuleWaiverRequested {
			others = append(others, finding)
			continue
		}
		for line := range strings.Lines(strings.TrimSpace(finding.Message) + "\n") {
			finding.Message = strings.TrimSpace(line)
			r.requests = append(r.requests, finding)
		}
	}
	return others
}

// noteRequests says of every request whether it is granted. It never blocks,
// and nothing is lowered by it.
func (r *run) noteRequests() {
	for i, request := range r.requests {
		if i == mostRequests {
			r.add(Finding{Rule: RuleWaiverRequested, Level: Warn, Message: fmt.Sprintf("%d more requests for waivers are not shown", len(r.requests)-i)})
			return
		}
		r.add(r.answerRequest(request))
	}
}

// answerRequest is what a report says of one request: "<rule>: reason".
func (r *run) answerRequest(request Finding) Finding {
	answer := Finding{Rule: RuleWaiverRequested, Level: Warn, Object: request.Object, Origin: request.Origin}
	rule, reason, both := strings.Cut(request.Message, ":")
	rule, reason = strings.TrimSpace(rule), shortReason(strings.TrimSpace(reason))
	if !both || rule == "" || reason == "" {
		answer.Message = fmt.Sprintf("a request for a waiver cannot be read: %q", shortReason(request.Message))
		answer.Hint = `write the annotation assay.dev/waiver-request: "<rule>: reason", one request a line`
		return answer
	}
	rule = shortReason(rule)
	met, open := r.asked(request.Object, rule)
	switch {
	case open:
		answer.Message = fmt.Sprintf("a waiver of %s is requested, not granted: %q", rule, reason)
		answer.Why = "the application's repository may ask; who owns the gate decides"
		answer.Hint = "decline it, or grant it by a waiver in the gate, with an approver and a last day"
	case met:
		answer.Level = Info
		answer.Message = fmt.Sprintf("a waiver of %s was requested, and what it is for no longer blocks: %q", rule, reason)
	default:
		answer.Level = Info
		answer.Message = fmt.Sprintf("a waiver of %s is requested, and nothing here is denied by it: %q", rule, reason)
		answer.Hint = "remove the annotation"
	}
	return answer
}

// asked reports whether the rule speaks about the object, or about an image
// that it uses, and whether that blocks.
func (r *run) asked(object ObjectID, rule string) (met, open bool) {
	for _, finding := range r.verdict.Findings {
		if finding.Rule != rule || finding.Object != object && !(finding.Object.IsZero() && r.uses(object, finding.Image)) {
			continue
		}
		met = true
		open = open || finding.Level.Blocks()
	}
	return met, open
}

func (r *run) uses(object ObjectID, image string) bool {
	return image != "" && slices.ContainsFunc(r.images, func(each Image) bool {
		return each.Written == image && slices.ContainsFunc(each.Uses, func(use Use) bool { return use.ID == object })
	})
}

func shortReason(text string) string {
	if runes := []rune(text); len(runes) > longestReason {
		return string(runes[:longestReason]) + "..."
	}
	return text
}
