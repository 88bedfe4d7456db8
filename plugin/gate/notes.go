package gate

import (
	"fmt"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// endingWarnings are the warnings before a waiver's end, in every report from
// that many days before it on; the last that is due is given.
func endingWarnings() []struct {
	days int
	text string
} {
	return []struct {
		days int
		text string
	}{
		{1, "the last warning: the denial that it covers counts again after that day"},
		{7, "the second warning: within a week the denial that it covers counts again"},
		{14, "the first warning: within two weeks the denial that it covers counts again"},
	}
}

// EndingWarning is the warning that is due so many days before a waiver's end;
// empty when none is.
func EndingWarning(left int) string {
	for _, warning := range endingWarnings() {
		if left <= warning.days {
			return warning.text
		}
	}
	return ""
}

// Notes says what the reader must know of the exceptions: a waiver past its
// day (waiver/expired), with an end too far away to hold (waiver/too-long),
// close to its end (waiver/ending), for a rule that another gate lets nobody
// waive (waiver/not-allowed), about content that has changed, or written for
// this application and met by nothing (waiver/unused); and break glass, which is
// also the banner.
//
// Waivers of other applications are passed over in silence.
func (d *Decider) Notes(source plugin.Source, at time.Time, findings []plugin.Finding) (notes []plugin.Finding, banner string) {
	if entry, open := d.open(source, at); open {
		banner = fmt.Sprintf("BREAK GLASS: gate %q is open for %s at revision %s until %s, approved by %s: %s",
			d.gate.Metadata.Name, entry.Application, entry.Revision, entry.Until.UTC().Format(time.RFC3339), entry.Approver, entry.Reason)
		notes = append(notes, plugin.Finding{
			Rule: "gate/break-glass", Level: plugin.Warn, Gate: d.gate.Metadata.Name, Origin: entry.At,
			Message: banner, Why: "what the gate denies is let through", Hint: "take the entry out of the gate once the application is mended",
		})
	}
	for _, waiver := range d.gate.Spec.Waivers {
		met := d.met(source, waiver, findings)
		if met == nil && waiver.state(at, d.terms) != expired {
			if note, near := d.near(source, waiver, findings); near {
				notes = append(notes, atWaiver(note))
				continue
			}
		}
		if met == nil && (waiver.Application == "" || waiver.Application != source.Application.Name) {
			continue
		}
		if note, say := waiver.note(at, d.terms, met); say {
			note.Gate = d.gate.Metadata.Name
			notes = append(notes, atWaiver(note))
		}
	}
	return notes, banner
}

// atWaiver adds to the message where the waiver stands: a note about an object
// is shown under the object, with the object's own line.
func atWaiver(note plugin.Finding) plugin.Finding {
	if at := note.Origin.String(); at != "" {
		note.Message += " (" + at + ")"
	}
	return note
}

// met is the first finding that the waiver means; nil when there is none.
func (d *Decider) met(source plugin.Source, waiver Waiver, findings []plugin.Finding) *plugin.Finding {
	for i, finding := range findings {
		denied := finding.Level == plugin.Deny || finding.Waiver != nil
		if denied && !finding.Unwaivable && d.mine(finding) && waiver.covers(source, finding) {
			return &findings[i]
		}
	}
	return nil
}

// near notes the finding that a waiver misses by one of its parts.
func (d *Decider) near(source plugin.Source, waiver Waiver, findings []plugin.Finding) (plugin.Finding, bool) {
	if waiver.Object != nil && waiver.Field == "" {
		if note, near := d.withoutField(source, waiver, findings); near {
			return note, true
		}
	}
	return d.changed(source, waiver, findings)
}

// changed notes the finding that a waiver covered before the image or the field
// got another content.
func (d *Decider) changed(source plugin.Source, waiver Waiver, findings []plugin.Finding) (plugin.Finding, bool) {
	was := waiver.Content
	for _, finding := range findings {
		waiver.Content = finding.Content
		if waiver.Image != "" {
			waiver.Content = finding.Digest
		}
		if finding.Level != plugin.Deny || waiver.Content == was || d.met(source, waiver, []plugin.Finding{finding}) == nil {
			continue
		}
		return plugin.Finding{
			Rule: "waiver/unused", Level: plugin.Warn, Gate: d.gate.Metadata.Name, Origin: waiver.At, Object: finding.Object, Image: finding.Image, Digest: finding.Digest,
			Message: fmt.Sprintf("the waiver for %s does not cover it: what it was approved for has changed (approved: %s, now: %s)", waiver, was, waiver.Content),
			Why:     "a waiver is for what its approver saw",
			Hint:    fmt.Sprintf("mend the problem, or have %s approve the change and write the new content (owner %s)", waiver.Approver, waiver.Owner),
		}, true
	}
	return plugin.Finding{}, false
}

// withoutField notes the finding that a waiver without a field would cover if
// it named the finding's.
func (d *Decider) withoutField(source plugin.Source, waiver Waiver, findings []plugin.Finding) (plugin.Finding, bool) {
	for _, finding := range findings {
		waiver.Field = finding.Field
		if d.met(source, waiver, []plugin.Finding{finding}) == nil {
			continue
		}
		return plugin.Finding{
			Rule: "waiver/unused", Level: plugin.Warn, Gate: d.gate.Metadata.Name, Origin: waiver.At, Object: finding.Object,
			Message: fmt.Sprintf("the waiver for %s names no field, and the finding has one", waiver),
			Why:     "a waiver of an object without a field covers only findings about the object as a whole",
			Hint:    "write field: " + finding.Field,
		}, true
	}
	return plugin.Finding{}, false
}

// note is what a report says of one waiver. Its denial stands by itself, so a
// note never blocks.
func (w Waiver) note(at time.Time, terms WaiverTerms, met *plugin.Finding) (plugin.Finding, bool) {
	note := plugin.Finding{Level: plugin.Warn, Origin: w.At}
	if met != nil {
		note.Object, note.Image, note.Digest = met.Object, met.Image, met.Digest
	}
	switch left := w.daysLeft(at); {
	case terms.Forbids(w.Rule):
		note.Rule = "waiver/not-allowed"
		note.Message = fmt.Sprintf("the waiver for %s does not hold: a gate that applies lets nobody waive the rule (spec.waiverTerms.never)", w)
		note.Why = "what gates require adds up"
		note.Hint = "mend what it is for, and take the entry out"
	case w.state(at, terms) == expired:
		note.Rule = "waiver/expired"
		note.Message = fmt.Sprintf("the waiver for %s ended on %s", w, w.Until)
		note.Why = "an exception past its day covers nothing"
		note.Hint = fmt.Sprintf("mend what it covered, or have %s approve a new day; then change or remove the entry (owner %s)", w.Approver, w.Owner)
	case w.state(at, terms) == tooLong:
		note.Rule = "waiver/too-long"
		note.Message = fmt.Sprintf("the waiver for %s ends on %s, more than %d days ahead, so it does not hold", w, w.Until, terms.Longest()/(24*time.Hour))
		note.Why = "an exception without an end in sight is a rule that nobody decided on"
		note.Hint = "write an earlier day and renew it"
	case met == nil:
		note.Rule, note.Level = "waiver/unused", plugin.Info
		note.Message = fmt.Sprintf("the waiver for %s covers nothing here", w)
		note.Hint = "remove the entry, unless another revision needs it"
	case EndingWarning(left) != "":
		note.Rule = "waiver/ending"
		note.Message = fmt.Sprintf("the waiver for %s ends on %s, %s", w, w.Until, inDays(left))
		note.Why = EndingWarning(left)
		note.Hint = fmt.Sprintf("mend what it covers before that day, or have %s approve another (owner %s)", w.Approver, w.Owner)
	default:
		return plugin.Finding{}, false
	}
	return note, true
}

func inDays(days int) string {
	switch days {
	case 0:
		return "today"
	case 1:
		return "tomorrow"
	}
	return fmt.Sprintf("in %d days", days)
}

// Validate is what can only be said of a configuration at some time: waivers
// that are past their day, end too far away or end soon, and break glass that
// is open or over. The findings warn; each has the entry's line.
func (c *Config) Validate(at time.Time) []plugin.Finding {
	var findings []plugin.Finding
	for _, gate := range c.Gates {
		for _, waiver := range gate.Spec.Waivers {
			// Whether something meets the waiver is not known here: a finding
			// without content asks for the notes that do not depend on it.
			if note, say := waiver.note(at, gate.Spec.WaiverTerms, &plugin.Finding{}); say {
				note.Gate = gate.Metadata.Name
				findings = append(findings, note)
			}
		}
		for _, entry := range gate.Spec.BreakGlass {
			note := entry.note(at)
			note.Gate = gate.Metadata.Name
			findings = append(findings, note)
		}
	}
	return findings
}

func (b BreakGlass) note(at time.Time) plugin.Finding {
	note := plugin.Finding{Rule: "gate/break-glass", Level: plugin.Warn, Origin: b.At}
	what := fmt.Sprintf("break glass for %s at revision %s", b.Application, b.Revision)
	switch {
	case at.Before(b.From):
		note.Message = fmt.Sprintf("%s opens at %s", what, b.From.UTC().Format(time.RFC3339))
		note.Hint = "take it out if it is not needed"
	case at.Before(b.Until):
		note.Message = fmt.Sprintf("%s is open until %s, approved by %s: %s", what, b.Until.UTC().Format(time.RFC3339), b.Approver, b.Reason)
		note.Hint = "take it out once the application is mended"
	default:
		note.Level = plugin.Info
		note.Message = fmt.Sprintf("%s was over at %s", what, b.Until.UTC().Format(time.RFC3339))
		note.Hint = "take it out"
	}
	return note
}
