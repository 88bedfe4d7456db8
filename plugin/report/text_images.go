package report

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// images is the table of what will run: the reference, the digest and who
// decided it, and everybody who vouches for it.
func (p *page) images(v *plugin.Verdict) {
	if len(v.Images) == 0 {
		return
	}
	p.blank()
	p.line(0, span{strong, "images"})
	silent := unanswered(v.Findings)
	for _, image := range v.Images {
		digest := span{red, "no digest"}
		if image.Digest != "" {
			digest = span{text: shortDigest(image.Digest)}
		}
		p.line(2, span{text: called(image)}, span{faint, "->"}, digest, span{faint, digestOrigin(image)})
		if len(image.Evidence) == 0 {
			p.paragraph(unvouched(image, silent[image.Written]))
		}
		for _, line := range vouchers(image.Evidence, len(v.Gates) > 1) {
			p.paragraph(span{green, line})
		}
	}
}

// called is the image's name as it was written, and says when it is a chart.
func called(image plugin.Image) string {
	if image.Chart {
		return "chart " + image.Written
	}
	return image.Written
}

// unanswered are the images about which something could not be looked at.
func unanswered(findings []plugin.Finding) map[string]bool {
	images := map[string]bool{}
	for _, finding := range findings {
		if finding.Level == plugin.Undetermined && finding.Image != "" {
			images[finding.Image] = true
		}
	}
	return images
}

// unvouched says why nobody vouches for an image. That nobody could be asked is
// not told as "nobody".
func unvouched(image plugin.Image, silent bool) span {
	switch {
	case silent:
		return span{yellow, "no answer: it could not be looked at who vouches for it"}
	case image.Digest == "":
		return span{red, "nothing to vouch for: it has no digest"}
	}
	return span{red, "nobody vouches for it"}
}

// shortDigest is enough of a digest to compare by eye: twelve hex digits.
func shortDigest(digest string) string {
	algorithm, hex, found := strings.Cut(digest, ":")
	if !found || len(hex) <= 12 {
		return digest
	}
	return algorithm + ":" + hex[:12]
}

func digestOrigin(image plugin.Image) string {
	switch image.DigestFrom {
	case plugin.DigestWritten:
		return "as written"
	case plugin.DigestResolved:
		return "by the registry"
	case plugin.DigestStale:
		return "by an earlier answer; the registry gave none"
	case plugin.DigestLocked:
		switch image.RegistryDigest {
		case "", image.Digest:
			return "by the lock file"
		}
		return "by the lock file; the registry says " + shortDigest(image.RegistryDigest)
	}
	return string(image.DigestFrom)
}

// vouchers says who vouches, one line for each distinct statement.
func vouchers(evidence []plugin.Evidence, severalGates bool) []string {
	var lines []string
	seen := map[string]bool{}
	for _, e := range evidence {
		claims := e.Claims()
		line := voucher(claims)
		if severalGates && claims.Gate != "" {
			line += ", gate " + claims.Gate
		}
		if !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	return lines
}

func voucher(claims plugin.Claims) string {
	rule := claims.Policy
	if claims.Authority != "" {
		rule += "/" + claims.Authority
	}
	text := ""
	switch claims.Kind {
	case plugin.EvidenceStatic:
		return "accepted without a signature by rule " + rule
	case plugin.EvidenceSignature:
		text = "signed by "
	case plugin.EvidenceAttestation:
		text = "attested (" + claims.PredicateType + ") by "
	default:
		text = string(claims.Kind) + " by "
	}
	if claims.Issuer == "" {
		text += "key "
	}
	if strings.HasPrefix(claims.Signer, "sha256:") {
		text += shortDigest(claims.Signer)
	} else {
		text += claims.Signer
	}
	if claims.Issuer != "" {
		text += fmt.Sprintf(" (issuer %s)", claims.Issuer)
	}
	if !claims.Signed.IsZero() {
		text += " on " + claims.Signed.UTC().Format("2006-01-02")
	}
	return text + ", rule " + rule + builtBy(claims)
}

// builtBy says how an image was built, as far as verified provenance does.
func builtBy(claims plugin.Claims) string {
	if claims.Builder == "" {
		return ""
	}
	text := "; built"
	if claims.SourceRepository != "" {
		text += " from " + strings.TrimPrefix(claims.SourceRepository, "https://")
	}
	if claims.SourceRef != "" {
		text += " " + claims.SourceRef
	}
	const short = 12
	if revision := claims.SourceRevision; revision != "" {
		text += " at " + revision[:min(len(revision), short)]
	}
	text += fmt.Sprintf(" by %s (build level %d)", claims.Builder, claims.BuildLevel)
	if claims.RunURI != "" {
		text += ", run " + claims.RunURI
	}
	return text
}
