package gate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// BaselineTerms are what all waivers of a baseline have alike.
type BaselineTerms struct {
	Owner, Approver, Reason, Reference string
	Until                              Date
}

// Judged is what was said about one application.
type Judged struct {
	// Gates are the names of the gates that judged.
	Gates    []string
	Findings []plugin.Finding
}

// Left is a finding that no waiver can cover, and why.
type Left struct {
	Finding plugin.Finding
	Why     string
}

// Baseline makes waivers of what is denied today, and of what an audit would
// deny: one document for each gate, sorted, each waiver bound to the content
// that was judged. What cannot be waived is left, and told; what is waived
// already is passed over.
func (c *Config) Baseline(terms BaselineTerms, all []Judged) ([]Waivers, []Left, error) {
	var left []Left
	byGate := map[string][]Waiver{}
	for _, judged := range all {
		bounds, err := c.bounds(judged.Gates)
		if err != nil {
			return nil, nil, err
		}
		for _, finding := range judged.Findings {
			if !stops(finding) {
				continue
			}
			waiver := terms.waiver(finding)
			if why := unwaivable(bounds, waiver, finding); why != "" {
				left = append(left, Left{finding, why})
				continue
			}
			for _, gate := range gatesOf(judged, finding) {
				byGate[gate] = append(byGate[gate], waiver)
			}
		}
	}
	var documents []Waivers
	for _, gate := range c.Gates {
		if waivers := byGate[gate.Metadata.Name]; len(waivers) > 0 {
			document, err := newBaseline(gate.Metadata.Name, waivers)
			if err != nil {
				return nil, nil, err
			}
			documents = append(documents, document)
		}
	}
	slices.SortFunc(documents, func(a, b Waivers) int { return cmp.Compare(a.Spec.Gate, b.Spec.Gate) })
	return documents, left, nil
}

// bounds are the terms of the gates that judged, which have to be loaded.
func (c *Config) bounds(names []string) (WaiverTerms, error) {
	var gates []Gate
	for _, name := range names {
		at := slices.IndexFunc(c.Gates, func(gate Gate) bool { return gate.Metadata.Name == name })
		if at < 0 {
			return WaiverTerms{}, fmt.Errorf("making a baseline: gate %q judged and is not loaded; name the files that it was loaded from", name)
		}
		gates = append(gates, c.Gates[at])
	}
	return combineWaiverTerms(gates), nil
}

// stops reports whether the finding denies, or would under a gate that denies.
// What had no answer is told too, as no waiver covers it.
func stops(finding plugin.Finding) bool {
	breakGlass := finding.Waiver != nil && finding.Waiver.Kind == "break-glass"
	return finding.Level.Blocks() || finding.Audited || breakGlass
}

// waiver covers the finding: an image at its digest when the finding is about
// the image, else the object at what it holds.
func (t BaselineTerms) waiver(finding plugin.Finding) Waiver {
	waiver := Waiver{Rule: finding.Rule, Owner: t.Owner, Reason: t.Reason, Reference: t.Reference, Approver: t.Approver, Until: t.Until}
	reference, err := plugin.ParseReference(finding.Image)
	if err == nil && finding.Digest != "" && (finding.Object.IsZero() || strings.HasPrefix(finding.Rule, "image/")) {
		waiver.Image, waiver.Content = reference.Repository, finding.Digest
		return waiver
	}
	if !finding.Object.IsZero() {
		object := WaivedObject(finding.Object)
		waiver.Object, waiver.Field, waiver.Content = &object, finding.Field, finding.Content
	}
	return waiver
}

// unwaivable says why the waiver would not cover its finding; empty when it
// would.
func unwaivable(bounds WaiverTerms, waiver Waiver, finding plugin.Finding) string {
	switch {
	case finding.Unwaivable || selfRule(finding.Rule):
		return "nothing waives it"
	case bounds.Forbids(finding.Rule):
		return "the gate lets nobody waive this rule (spec.waiverTerms.never)"
	case finding.Level == plugin.Undetermined:
		return "it had no answer, which is never waived; run it again"
	case finding.Waiver != nil:
		return "it passed under break glass; judge without it"
	case waiver.Content == "" || waiver.Image == "" && waiver.Object == nil:
		return "there is no content that a waiver could be bound to"
	case !waiver.covers(plugin.Source{}, finding) || !ruleName.MatchString(waiver.Rule):
		return "its names cannot be written into a waiver"
	}
	return ""
}

// gatesOf are the gates whose waivers have to cover the finding: all of them
// when it is no gate's own.
func gatesOf(judged Judged, finding plugin.Finding) []string {
	if finding.Gate != "" {
		return []string{finding.Gate}
	}
	return judged.Gates
}

// newBaseline is one gate's document. Its name is made of its content, so that
// several baselines can be loaded side by side.
func newBaseline(gate string, waivers []Waiver) (Waivers, error) {
	slices.SortFunc(waivers, compareWaivers)
	waivers = slices.CompactFunc(waivers, func(a, b Waiver) bool { return compareWaivers(a, b) == 0 })
	document := Waivers{Metadata: Metadata{Name: "baseline"}, Spec: WaiversSpec{Gate: gate, Waivers: waivers}}
	text, err := document.YAML()
	if err != nil {
		return Waivers{}, err
	}
	sum := sha256.Sum256(text)
	document.Metadata.Name = "baseline-" + hex.EncodeToString(sum[:6])
	return document, nil
}

func compareWaivers(a, b Waiver) int {
	return slices.Compare(a.sortedBy(), b.sortedBy())
}

func (w Waiver) sortedBy() []string {
	var object WaivedObject
	if w.Object != nil {
		object = *w.Object
	}
	return []string{w.Rule, w.Image, object.Namespace, object.Kind, object.Name, object.APIVersion, w.Field, w.Content}
}

// YAML is the document as a file.
func (w Waivers) YAML() ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(struct {
		APIVersion string      `yaml:"apiVersion"`
		Kind       string      `yaml:"kind"`
		Metadata   Metadata    `yaml:"metadata"`
		Spec       WaiversSpec `yaml:"spec"`
	}{APIVersion, "Waivers", w.Metadata, w.Spec})
	if err := errors.Join(err, encoder.Close()); err != nil {
		return nil, fmt.Errorf("writing the waivers of gate %q: %w", w.Spec.Gate, err)
	}
	return out.Bytes(), nil
}

// CheckUntil refuses a day on which no waiver of these gates would hold: one
// that is past, or too far ahead.
func (c *Config) CheckUntil(until Date, today Date) error {
	longest := combineWaiverTerms(c.Gates).Longest()
	switch ahead := until.Sub(today.Time); {
	case ahead < 0:
		return fmt.Errorf("making a baseline: %s is past", until)
	case ahead > longest:
		return fmt.Errorf("making a baseline: %s is too far ahead for a waiver to hold; the last day that does is %s", until, Date{today.Add(longest)})
	}
	return nil
}
