package gate

import (
	"fmt"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Decider holds one gate's waivers and break glass. It is a [plugin.Decider]
// and reads no clock: every answer is as of the time that it is given.
type Decider struct {
	gate  Gate
	terms WaiverTerms
}

// NewDecider makes the decider of a gate, whose waivers are bound by the terms
// of all gates that apply.
func NewDecider(gate Gate, terms WaiverTerms) *Decider { return &Decider{gate, terms} }

// Waive returns the waiver that covers the denial at that time, else the break
// glass that covers it, else nil. Only break glass covers what is
// undetermined; nothing covers self or a finding marked unwaivable.
func (d *Decider) Waive(source plugin.Source, at time.Time, finding plugin.Finding) *plugin.Waived {
	if finding.Unwaivable || selfRule(finding.Rule) || !finding.Level.Blocks() || !d.mine(finding) {
		return nil
	}
	if finding.Level == plugin.Deny && !d.terms.Forbids(finding.Rule) {
		for _, waiver := range d.gate.Spec.Waivers {
			if waiver.state(at, d.terms) == inForce && waiver.covers(source, finding) {
				return &plugin.Waived{
					Kind: "waiver", Owner: waiver.Owner, Approver: waiver.Approver, Reason: waiver.Reason,
					Until: waiver.Until.End().Add(-time.Second),
				}
			}
		}
	}
	if entry, open := d.open(source, at); open {
		return &plugin.Waived{Kind: "break-glass", Approver: entry.Approver, Reason: entry.Reason, Until: entry.Until.UTC()}
	}
	return nil
}

// mine reports whether the finding is this gate's, or no gate's.
func (d *Decider) mine(finding plugin.Finding) bool {
	return finding.Gate == "" || finding.Gate == d.gate.Metadata.Name
}

// open finds the break glass entry for exactly this application and revision.
// Without a known revision there is none: a moving branch must not stay open.
func (d *Decider) open(source plugin.Source, at time.Time) (BreakGlass, bool) {
	index := slices.IndexFunc(d.gate.Spec.BreakGlass, func(entry BreakGlass) bool {
		return entry.Application != "" && entry.Application == source.Application.Name &&
			entry.Revision != "" && entry.Revision == source.Revision &&
			!at.Before(entry.From) && at.Before(entry.Until) && entry.Until.Sub(entry.From) <= maxBreakGlass
	})
	if index < 0 {
		return BreakGlass{}, false
	}
	return d.gate.Spec.BreakGlass[index], true
}

// validity is where a waiver stands at some time.
type validity int

const (
	expired validity = iota
	tooLong
	inForce
)

func (w Waiver) state(at time.Time, terms WaiverTerms) validity {
	switch {
	case w.Until.IsZero() || !at.Before(w.Until.End()):
		return expired
	case w.Until.Sub(at) > terms.Longest():
		return tooLong
	}
	return inForce
}

// daysLeft counts the days after today on which the waiver holds.
func (w Waiver) daysLeft(at time.Time) int {
	const day = 24 * time.Hour
	return int(w.Until.Sub(at.UTC().Truncate(day)) / day)
}

// covers reports whether the waiver means this finding, whatever the day. All
// parts are compared exactly, and the content always: once the image or the
// field changes, the waiver is spent.
func (w Waiver) covers(source plugin.Source, finding plugin.Finding) bool {
	switch {
	case w.Rule != finding.Rule:
		return false
	case w.Application != "" && w.Application != source.Application.Name:
		return false
	case w.Content == "" || w.Content != finding.Digest && w.Content != finding.Content:
		return false
	case w.Image == "" && w.Object == nil:
		return false
	case w.Object != nil && (plugin.ObjectID(*w.Object) != finding.Object || w.Field != finding.Field):
		return false
	case w.Image != "" && !w.coversImage(finding):
		return false
	}
	return true
}

func (w Waiver) coversImage(finding plugin.Finding) bool {
	reference, err := plugin.ParseReference(finding.Image)
	return err == nil && reference.Repository == w.Image && w.Content == finding.Digest && (w.Field == "" || w.Field == finding.Field)
}

// String names the waiver in messages.
func (w Waiver) String() string {
	if w.Object != nil {
		return fmt.Sprintf("%s of %s", w.Rule, plugin.ObjectID(*w.Object))
	}
	return fmt.Sprintf("%s of %s", w.Rule, w.Image)
}
