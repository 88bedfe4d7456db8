package plugin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Level is what a finding does to the verdict. The zero value denies.
type Level int

const (
	// Deny stops the application.
	Deny Level = iota
	// Undetermined means that there is no answer: the registry throttled, a
	// deadline passed, a trust root expired. It stops the application too, with
	// another exit code, and is worth a retry.
	Undetermined
	// Warn is shown and lets the application pass.
	Warn
	// Info records a change or a fact.
	Info
)

var levelNames = []string{"deny", "undetermined", "warn", "info"}

// String is the level's name in reports. An unknown level reads as "deny".
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return levelNames[Deny]
	}
	return levelNames[l]
}

// Blocks reports whether a finding of this level stops the application.
// Unknown levels do.
func (l Level) Blocks() bool { return l != Warn && l != Info }

// MarshalJSON writes the level's name.
func (l Level) MarshalJSON() ([]byte, error) { return json.Marshal(l.String()) }

// UnmarshalJSON reads a level's name and refuses any other value.
func (l *Level) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("reading a finding's level: %w", err)
	}
	index := slices.Index(levelNames, text)
	if index < 0 {
		return fmt.Errorf("reading a finding's level: %q is none of %v", text, levelNames)
	}
	*l = Level(index)
	return nil
}

// Finding is the one thing that a stage may say. Its texts never hold Secret
// data or credentials; who makes a finding masks them first.
type Finding struct {
	// Rule is the stable id, "area/name": image/not-signed, pss/restricted.
	Rule string `json:"rule"`
	// Level is what the finding does; the zero value denies.
	Level Level `json:"level"`
	// Gate is the name of the gate that judged; empty for what no gate decides
	// (a rendering that failed, self).
	Gate string `json:"gate,omitempty"`
	// Object is the object concerned; zero when the finding is about an image
	// alone or about the whole application.
	Object ObjectID `json:"object,omitzero"`
	// Field is a path in the object: spec.template.spec.containers[0].image.
	Field string `json:"field,omitempty"`
	// Image is the reference as written, when the finding is about an image.
	Image string `json:"image,omitempty"`
	// Digest is the image's digest, when it is known.
	Digest string `json:"digest,omitempty"`
	// Origin is the file and line that the object came from.
	Origin Origin `json:"origin,omitzero"`
	// Message says what is wrong, in one line, without the object's name.
	Message string `json:"message"`
	// Why says why it matters, in one line; may be empty.
	Why string `json:"why,omitempty"`
	// Hint says what to do.
	Hint string `json:"hint,omitempty"`
	// Details are further lines: every candidate that was looked at and why it
	// was not accepted.
	Details []string `json:"details,omitempty"`
	// Content is "sha256:<hex>" over the compact JSON of what a waiver is bound
	// to: the whole container that the field is in; else the field's value; else,
	// when the field is absent, the object that would hold it. Without a field,
	// and for a Secret, it is the whole object.
	Content string `json:"content,omitempty"`
	// Was and Now are the field's values before and after a change that assay
	// made, as compact JSON; both empty when nothing was changed.
	Was string `json:"was,omitempty"`
	Now string `json:"now,omitempty"`
	// Waiver is set when a waiver of the same gate turned a denial into a
	// warning.
	Waiver *Waived `json:"waiver,omitempty"`
	// Audited is set when the finding would have blocked, had its gate's deny
	// switch been on.
	Audited bool `json:"audited,omitempty"`
	// Unwaivable findings are turned into warnings by nothing.
	Unwaivable bool `json:"unwaivable,omitempty"`
	// Lasting marks a finding without an answer that asking again does not
	// answer, until somebody changes something, such as a credential.
	Lasting bool `json:"lasting,omitempty"`
	// Indeterminate marks a rule that cannot be decided offline; its level
	// already says how the gate counts it.
	Indeterminate bool `json:"indeterminate,omitempty"`
}

// Waived says which exception applied and until when.
type Waived struct {
	Kind     string `json:"kind"` // "waiver", "exception" (a PolicyException), "vex" or "break-glass"
	Owner    string `json:"owner,omitempty"`
	Approver string `json:"approver,omitempty"`
	Reason   string `json:"reason"`
	// Until is zero for VEX in a gate that does not end it.
	Until time.Time `json:"until,omitzero"`
}

// Subject is what the finding is about, for messages: the object, else the
// image, else "application".
func (f Finding) Subject() string {
	switch {
	case !f.Object.IsZero():
		return f.Object.String()
	case f.Image != "":
		return f.Image
	}
	return "application"
}

// SortFindings puts the worst first and makes the order independent of how the
// stages ran.
func SortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Level, b.Level),
			cmp.Compare(a.Object.String(), b.Object.String()),
			cmp.Compare(a.Object.APIVersion, b.Object.APIVersion),
			cmp.Compare(a.Image, b.Image),
			cmp.Compare(a.Field, b.Field),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Gate, b.Gate),
			cmp.Compare(a.Message, b.Message),
		)
	})
}
