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
}

// ruleHeldBack says that hardening did not fill in a field.
const ruleHeldBack = "harden/held-back"

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
func (r reasons) of(finding plugin.Finding) string {
	image := r.held[fieldOf{finding.Object, finding.Field}]
	if finding.Digest == "" && slices.Contains([]string{"image/not-pinned", "image/unaccounted", ruleHeldBack}, finding.Rule) {
		image = finding.Image
	}
	reason, told := r.images[image]
	if !told || reason.Level > finding.Level {
		return ""
	}
	return reason.Rule
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
