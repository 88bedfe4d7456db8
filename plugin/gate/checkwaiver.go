package gate

import (
	"fmt"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// maxBreakGlass is the longest time for which break glass may open a gate.
const maxBreakGlass = 24 * time.Hour

func (c checker) checkWaiver(at string, waiver Waiver, terms WaiverTerms) {
	c.rule(at+".rule", waiver.Rule, "no waiver covers")
	if !selfRule(waiver.Rule) && terms.Forbids(waiver.Rule) {
		c.bad(at+".rule", fmt.Sprintf("%q is among the rules of spec.waiverTerms.never, which no waiver covers", waiver.Rule), "take the waiver out, or the rule out of the list")
	}
	c.like(at+".content", waiver.Content, contentHash, "write sha256: and 64 hex digits: the image's digest, or the finding's content as the report shows it")
	switch {
	case waiver.Image == "" && waiver.Object == nil:
		c.bad(at, "names neither an image nor an object", "write one of image and object, exactly")
	case waiver.Image != "" && waiver.Object != nil:
		c.bad(at, "names both an image and an object", "write one of them")
	case waiver.Image != "":
		c.checkWaivedImage(at+".image", waiver.Image)
	}
}

func (c checker) checkWaivedImage(at, image string) {
	reference, err := plugin.ParseReference(image)
	switch {
	case err != nil:
		c.bad(at, err.Error(), "write the repository: registry.example.com/team-a/app")
	case reference.Digest != "" || reference.Repository != image:
		c.bad(at, fmt.Sprintf("%q is not a repository in normal form", image), fmt.Sprintf("write %s; the digest belongs in content", reference.Repository))
	}
}

func (c checker) checkBreakGlass(at string, entry BreakGlass) {
	switch open := entry.Until.Sub(entry.From); {
	case entry.From.IsZero() || entry.Until.IsZero():
	case open <= 0:
		c.bad(at+".until", "is not after from", "write the end of the opening")
	case open > maxBreakGlass:
		c.bad(at+".until", fmt.Sprintf("the gate would be open for %s; the longest is %s", open, maxBreakGlass), "shorten it; write a waiver for what stays broken")
	}
}
