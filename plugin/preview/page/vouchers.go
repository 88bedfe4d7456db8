package page

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// voucher is somebody who vouches for an image, with everything that they say.
type voucher struct {
	Signer, Issuer string
	// Statements are the kinds of evidence: signature, provenance.
	Statements []string
	// Signed is the first day that is proven; empty when none is.
	Signed string
}

// build is how an image was made, by verified provenance.
type build struct {
	Repository, Revision, Ref, Builder, Run string
	Level                                   int
}

// vouchersOf groups the evidence of one side by who signed it.
func vouchersOf(side *change.ImageSide) (vouchers []voucher, builds []build) {
	if side == nil {
		return nil, nil
	}
	for _, claims := range side.Vouchers {
		signer := claims.Signer
		if strings.HasPrefix(signer, "sha256:") {
			signer = "key " + report.ShortDigest(signer)
		}
		at := slices.IndexFunc(vouchers, func(v voucher) bool { return v.Signer == signer && v.Issuer == claims.Issuer })
		if at < 0 {
			at = len(vouchers)
			vouchers = append(vouchers, voucher{Signer: signer, Issuer: claims.Issuer})
		}
		one := &vouchers[at]
		if name := change.EvidenceName(claims); !slices.Contains(one.Statements, name) {
			one.Statements = append(one.Statements, name)
		}
		if !claims.Signed.IsZero() {
			if day := claims.Signed.UTC().Format("2006-01-02"); one.Signed == "" || day < one.Signed {
				one.Signed = day
			}
		}
		made := build{claims.SourceRepository, claims.SourceRevision, claims.SourceRef, claims.Builder, claims.RunURI, claims.BuildLevel}
		if made != (build{}) && !slices.Contains(builds, made) {
			builds = append(builds, made)
		}
	}
	return vouchers, builds
}

// text is a voucher in one line.
func (v voucher) text() string {
	text := strings.Join(v.Statements, ", ")
	if v.Signer != "" {
		text += " by " + v.Signer
	}
	if v.Issuer != "" {
		text += " (issuer " + v.Issuer + ")"
	}
	if v.Signed != "" {
		text += " on " + v.Signed
	}
	return text
}

// text is a build in one line.
func (b build) text() string {
	text := "built"
	if b.Repository != "" {
		text += " from " + strings.TrimPrefix(b.Repository, "https://")
	}
	if b.Ref != "" {
		text += " " + b.Ref
	}
	if b.Revision != "" {
		text += " at " + shortRevision(b.Revision)
	}
	if b.Builder != "" {
		text += " by " + b.Builder
	}
	if b.Level > 0 {
		text += fmt.Sprintf(" (SLSA build level %d)", b.Level)
	}
	return text
}

func shortRevision(revision string) string {
	const short = 12
	return revision[:min(len(revision), short)]
}

// vouched says who vouches for one side, and how it was built, a line each. That
// nobody could be asked is not told as "nobody".
func vouched(side *change.ImageSide) []string {
	if side == nil {
		return nil
	}
	vouchers, builds := vouchersOf(side)
	var lines []string
	for _, each := range vouchers {
		lines = append(lines, each.text())
	}
	for _, each := range builds {
		lines = append(lines, each.text())
	}
	if len(lines) == 0 {
		return []string{unvouched(side)}
	}
	return lines
}

// unvouched says why nothing is listed.
func unvouched(side *change.ImageSide) string {
	switch side.Verified {
	case "verified":
		return "verified"
	case plugin.Undetermined.String():
		return "no answer: it could not be looked at who vouches for it"
	}
	return "nobody vouches for it"
}
