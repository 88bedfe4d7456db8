package report

import (
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// reasons knows which findings only follow from an image having no digest, and
// which finding says why it has none.
type reasons struct {
	// images maps an image to the worst finding that says why it has no digest.
	images map[string]plugin.Finding
	// held maps a field that hardening could not fill in, as it could not look at
	// the image, to that image.
	held map[fieldOf]string
	// silent is set when images that have a digest count as well: those about which
	// their registry says nothing.
	silent bool
}

// ruleHeldBack says that hardening did not fill in a field.
const ruleHeldBack = "harden/held-back"

// ruleUnlooked says that nobody knows who vouches for an image.
const ruleUnlooked = "verify/no-answer"

type fieldOf struct {
	object plugin.ObjectID
	field  string
}

func reasonsOf(findings []plugin.Finding) reasons {
	r := reasons{images: map[string]plugin.Finding{}, held: map[fieldOf]string{}}
	for _, finding := range findings {
		area, _, _ := strings.Cut(finding.Rule, "/")
		names := slices.Contains([]string{"image/not-found", "image/not-locked", "image/invalid"}, finding.Rule)
		says := finding.Image != "" && (names || slices.Contains([]string{"resolve", "registry", "lock"}, area))
		if known, told := r.images[finding.Image]; says && (!told || finding.Level < known.Level) {
			r.images[finding.Image] = finding
		}
		if finding.Rule == ruleHeldBack && finding.Digest == "" && finding.Image != "" {
			r.held[fieldOf{finding.Object, finding.Field}] = finding.Image
		}
	}
	return r
}

// of is the rule that says why there is this finding; empty when it stands for
// itself. Nothing follows from what is less bad: that may have been waived.
func (r reasons) of(finding plugin.Finding) string { return r.why(finding).Rule }

// why is the finding that says why; the zero value when there is none.
func (r reasons) why(finding plugin.Finding) plugin.Finding {
	image := r.held[fieldOf{finding.Object, finding.Field}]
	if finding.Digest == "" && slices.Contains([]string{"image/not-pinned", "image/unaccounted", ruleHeldBack}, finding.Rule) {
		image = finding.Image
	}
	if r.silent && finding.Rule == ruleUnlooked && strings.Contains(steady(finding.Message), causeOf(r.images[finding.Image])) {
		image = finding.Image
	}
	reason, told := r.images[image]
	if !told || reason.Level > finding.Level {
		return plugin.Finding{}
	}
	return reason
}

// withSilent adds what follows from a registry that says nothing about images
// that have a digest: nobody knows who vouches for them, nor how they run.
func (r reasons) withSilent(findings []plugin.Finding) reasons {
	r.silent = true
	for _, finding := range findings {
		if finding.Rule == ruleHeldBack && causeOf(r.images[finding.Image]) != "" {
			r.held[fieldOf{finding.Object, finding.Field}] = finding.Image
		}
	}
	return r
}

// Causes are the findings that stop the application and stand for themselves,
// the worst first, and the number of those that only follow from them: an image
// without a digest is not pinned either, and nothing could be filled in for it.
func Causes(v *plugin.Verdict) (causes []plugin.Finding, following int) {
	reasons := reasonsOf(v.Findings)
	for _, finding := range v.Findings {
		switch {
		case !finding.Level.Blocks():
		case reasons.of(finding) != "":
			following++
		default:
			causes = append(causes, finding)
		}
	}
	return causes, following
}
