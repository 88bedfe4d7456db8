package plugin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Outcome is the answer of a run. The zero value is a denial.
type Outcome int

const (
	// Denied means that something is wrong; it wins over Unanswered.
	Denied Outcome = iota
	// Unanswered means that nothing is known to be wrong, but something could
	// not be looked at.
	Unanswered
	// Allowed means that every stage ran to its end and nothing blocks.
	Allowed
)

// String is "denied", "undetermined" or "allowed".
func (o Outcome) String() string {
	switch o {
	case Allowed:
		return "allowed"
	case Unanswered:
		return "undetermined"
	case Denied:
	}
	return "denied"
}

// MarshalJSON writes the outcome's name.
func (o Outcome) MarshalJSON() ([]byte, error) { return json.Marshal(o.String()) }

// UnmarshalJSON reads an outcome's name and refuses any other value.
func (o *Outcome) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("reading an outcome: %w", err)
	}
	for _, known := range []Outcome{Denied, Unanswered, Allowed} {
		if text == known.String() {
			*o = known
			return nil
		}
	}
	return fmt.Errorf("reading an outcome: %q is none of denied, undetermined, allowed", text)
}

// Verdict is the result of a run. Its zero value is a denial without
// manifests.
type Verdict struct {
	// Application, Revision, Path and RepositoryPath repeat what was judged.
	Application    Application
	Revision       string
	Path           string
	RepositoryPath string
	// Gates are the names of the gates that judged, sorted.
	Gates []string
	// At is the time by which waivers and ages were judged.
	At time.Time
	// Images are the application's images, sorted by reference.
	Images []Image
	// Findings are sorted, the worst first.
	Findings []Finding
	// Objects is the number of objects in the rendering.
	Objects int
	// Pinned is set when the run wrote digests into the manifests: the gate
	// pins, and the run came so far.
	Pinned bool
	// Banner is the first line of every report, set under break glass.
	Banner string
	// LastAllowed is what passed before a denial, where a front door looked for it.
	// Nothing is decided by it.
	LastAllowed Passed

	// hidden are the secret values that no text shows.
	hidden    []string
	manifests []byte
	complete  bool

	rendered, sealed []Object
}

// Passed is a revision that was allowed once. That says nothing about now, nor
// whether it was deployed. Its zero value is none.
type Passed struct {
	// Revision is the commit or version of the source.
	Revision string `json:"revision"`
	// Time is when it was judged last, in UTC.
	Time time.Time `json:"time"`
}

// Outcome is Allowed only after a complete run in which nothing blocks. A
// denial wins over what could not be looked at. A run that did not come to its
// end is Unanswered only when a finding says what could not be looked at.
func (v *Verdict) Outcome() Outcome {
	if v == nil {
		return Denied
	}
	undetermined := false
	for _, finding := range v.Findings {
		switch {
		case !finding.Level.Blocks():
		case finding.Level == Undetermined:
			undetermined = true
		default:
			return Denied
		}
	}
	switch {
	case undetermined:
		return Unanswered
	case v.complete:
		return Allowed
	}
	return Denied
}

// Allowed reports whether the manifests may be handed on.
func (v *Verdict) Allowed() bool { return v.Outcome() == Allowed }

// Manifests are the sealed bytes that were judged. They are only returned for
// an allowed verdict.
func (v *Verdict) Manifests() ([]byte, error) {
	if !v.Allowed() {
		return nil, fmt.Errorf("reading the manifests: the verdict is %s", v.Outcome())
	}
	return v.manifests, nil
}

// Rendered are the objects as the author's source renders them, before
// mutations, digests and hardening; nil unless the pipeline keeps objects. They
// hold Secrets and are not for showing as they are. Do not change them.
func (v *Verdict) Rendered() []Object { return v.rendered }

// Sealed are the objects as they were judged, whatever the answer is; nil unless
// the pipeline keeps objects and the run came to the seal. They hold Secrets and
// are never handed on: that is what Manifests is for. Do not change them.
func (v *Verdict) Sealed() []Object { return v.sealed }

// Hidden are the values from Secrets that the run knew of and what the rendering
// made of them, for those who judge the same objects again. Show them nowhere.
func (v *Verdict) Hidden() []string {
	if v == nil {
		return nil
	}
	return v.hidden
}

// SealDigest is "sha256:<hex>" over the bytes that were judged, also when they
// are not handed on; empty when the run did not come to the seal.
func (v *Verdict) SealDigest() string {
	if v == nil || v.manifests == nil {
		return ""
	}
	sum := sha256.Sum256(v.manifests)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Count is the number of findings of one level.
func (v *Verdict) Count(level Level) int {
	count := 0
	for _, finding := range v.Findings {
		if finding.Level == level {
			count++
		}
	}
	return count
}
