package plugin

import (
	"cmp"
	"fmt"
	"slices"
)

// ledger is what a run knows of its images when it accounts for them.
type ledger struct {
	pin     bool
	images  []Image
	gates   []GateStages
	reviews [][][]Review
	// unanswered are the images, as written, about which the registry gave no
	// answer.
	unanswered silences
}

// account compares the images found in the sealed bytes with those of the run:
// none more, none less, each pinned by this run and vouched for under every
// gate.
func (l ledger) account(sealed []Image) []Finding {
	findings := l.compare(sealed)
	for g, gate := range l.gates {
		findings = append(findings, l.vouched(g, gate)...)
	}
	return findings
}

// used is one place of an image and the text that must stand there.
type used struct {
	use  Use
	text string
}

func placesOf(images []Image, text func(Image) string) map[useKey]used {
	places := map[useKey]used{}
	for _, image := range images {
		for _, use := range image.Uses {
			places[useKey{use.Object, use.Field}] = used{use, text(image)}
		}
	}
	return places
}

// compare demands the same images at the same places before and after the seal
// with exactly the text that this run decided.
func (l ledger) compare(sealed []Image) []Finding {
	expected := placesOf(l.images, func(image Image) string {
		if l.pin && image.Digest != "" {
			return image.Pinned()
		}
		return image.Written
	})
	shipped := placesOf(sealed, func(image Image) string { return image.Written })
	var findings []Finding
	for place, want := range expected {
		got, found := shipped[place]
		switch {
		case !found:
			findings = append(findings, unaccounted(want, "the image is gone from the sealed manifests"))
		case got.text != want.text:
			findings = append(findings, unaccounted(got, fmt.Sprintf("the sealed manifests name %q where this run decided on %q", got.text, want.text)))
		case got.use.ID != want.use.ID:
			findings = append(findings, unaccounted(got, "the sealed manifests name the image in another object, before it was "+want.use.ID.String()))
		}
	}
	for place, got := range shipped {
		if _, found := expected[place]; !found {
			findings = append(findings, unaccounted(got, "the sealed manifests name an image that this run did not look at"))
		}
	}
	SortFindings(findings)
	return findings
}

// unheard are denials of what looks like an image in the sealed bytes, where
// nobody declared one, and was not said of the rendering: a stage put it there.
func unheard(before, sealed []Finding) []Finding {
	type doubt struct {
		rule, field, image string
		object             ObjectID
	}
	of := func(finding Finding) doubt { return doubt{finding.Rule, finding.Field, finding.Image, finding.Object} }
	said := map[doubt]bool{}
	for _, finding := range before {
		said[of(finding)] = true
	}
	var findings []Finding
	for _, finding := range sealed {
		if !said[of(finding)] {
			place := used{Use{ID: finding.Object, Origin: finding.Origin, Field: finding.Field}, finding.Image}
			findings = append(findings, unaccounted(place, "the sealed manifests hold what looks like an image and was not there before: "+finding.Message))
		}
	}
	return findings
}

func unaccounted(place used, message string) Finding {
	return Finding{
		Rule: "image/unaccounted", Object: place.use.ID, Origin: place.use.Origin, Field: place.use.Field, Image: place.text,
		Message: message, Why: "what ships must be what was verified",
		Hint: "this is a defect of assay or of the stage that changed the object; please report it",
	}
}

// vouched demands, of every verifier of the gate, a word on every image.
func (l ledger) vouched(g int, gate GateStages) []Finding {
	var findings []Finding
	add := func(finding Finding) {
		finding.Gate = gate.Name
		findings = append(findings, finding)
	}
	for _, image := range l.images {
		if image.Digest == "" {
			add(l.undecided(image))
		}
	}
	if g >= len(l.reviews) || len(l.reviews[g]) != len(gate.Verifiers) || len(gate.Verifiers) == 0 {
		add(Finding{
			Rule: "image/unaccounted", Message: fmt.Sprintf("the verifiers of gate %q did not all run", gate.Name),
			Hint: "this is a defect of assay, please report it",
		})
		return findings
	}
	for _, reviews := range l.reviews[g] {
		if len(reviews) != len(l.images) {
			add(Finding{
				Rule: "image/unaccounted", Message: fmt.Sprintf("a verifier answered for %d of %d images", len(reviews), len(l.images)),
				Hint: "this is a defect of assay, please report it",
			})
			continue
		}
		for i, review := range reviews {
			if l.images[i].Digest != "" && !review.answers() {
				add(aboutImage(l.images[i], Finding{
					Rule: "image/unaccounted", Message: "a verifier said nothing about this image: neither evidence nor a reason",
					Why: "silence is not a signature", Hint: "this is a defect of assay, please report it",
				}))
			}
		}
	}
	return findings
}

// answers reports whether the review holds evidence, or a finding that says
// more than a fact.
func (r Review) answers() bool {
	return slices.ContainsFunc(r.Evidence, func(e Evidence) bool { return !e.IsZero() }) ||
		slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level != Info })
}

// undecided is the finding about an image without a digest. The resolver said
// why; this says what follows, under each gate, so that an exception for the
// one is none for the other.
func (l ledger) undecided(image Image) Finding {
	finding := Finding{
		Rule: "image/not-pinned", Message: "the image has no digest, so it is neither pinned nor verified",
		Why:  "a tag can be moved to another image at any time",
		Hint: "see what was said about resolving it",
	}
	if !l.pin {
		finding.Rule, finding.Message = "image/unaccounted", "the image has no digest, so nobody verified it"
	}
	if silent := l.unanswered[image.Written]; silent != answered {
		silent.undecide(&finding)
	}
	return aboutImage(image, finding)
}

// aboutImage fills in the image and the first place that uses it; the others
// are listed.
func aboutImage(image Image, finding Finding) Finding {
	finding.Image, finding.Digest = image.Written, image.Digest
	if len(image.Uses) == 0 {
		return finding
	}
	first := image.Uses[0]
	finding.Object, finding.Origin, finding.Field = first.ID, first.Origin, first.Field
	for _, use := range image.Uses[1:] {
		finding.Details = append(finding.Details, fmt.Sprintf("also used by %s, %s", cmp.Or(use.ID.String(), "an object"), use.Field))
	}
	return finding
}
