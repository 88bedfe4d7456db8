package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// imageView is an image with its two sides beside each other.
type imageView struct {
	Name, Versions, Status string
	Weaker, Moved          bool
	Added, Removed         bool
	Trust                  []string
	Rows                   []imageRow
	Uses                   []string
	Scan                   *scanView
}

// imageRow is one fact about both sides.
type imageRow struct {
	Label    string
	Was, Now []fact
	Changed  bool
	// Bad marks what a reader must not overlook.
	Bad bool
}

// fact is a line in a cell. Full is what is copied, Link where it leads.
type fact struct{ Text, Full, Link string }

type scanView struct {
	Text           string
	Added, Removed []change.Vulnerability
}

func newImageView(image change.Image) imageView {
	v := imageView{
		Name: plain(imageName(image)), Versions: plain(versions(image)), Status: string(image.Status), Weaker: image.Weaker, Moved: image.Moved,
		Added: image.Was == nil, Removed: image.Now == nil, Trust: plains(image.Trust),
	}
	const most = 20
	for i, id := range image.Uses {
		if i == most {
			v.Uses = append(v.Uses, fmt.Sprintf("%d more", len(image.Uses)-i))
			break
		}
		v.Uses = append(v.Uses, plain(id.String()))
	}
	for _, row := range imageRows() {
		one := imageRow{Label: row.label}
		if image.Was != nil {
			one.Was = row.facts(image.Was)
		}
		if image.Now != nil {
			one.Now = row.facts(image.Now)
		}
		if len(one.Was)+len(one.Now) == 0 {
			continue
		}
		one.Changed = image.Was != nil && image.Now != nil && !slices.Equal(one.Was, one.Now)
		one.Bad = one.Changed && image.Weaker && row.trust
		v.Rows = append(v.Rows, one)
	}
	v.Scan = newScanView(image.Vulnerabilities)
	return v
}

// rowMaker makes one row of every image.
type rowMaker struct {
	label string
	facts func(*change.ImageSide) []fact
	trust bool
}

func imageRows() []rowMaker {
	one := func(text string) []fact {
		if text == "" {
			return nil
		}
		return []fact{{Text: plain(text)}}
	}
	ofBuilds := func(text func(build) fact) func(*change.ImageSide) []fact {
		return func(s *change.ImageSide) []fact {
			var out []fact
			_, builds := vouchersOf(s)
			for _, each := range builds {
				if f := text(each); f.Text != "" && !slices.Contains(out, f) {
					out = append(out, f)
				}
			}
			return out
		}
	}
	return []rowMaker{
		{"tag", func(s *change.ImageSide) []fact { return one(s.Tag) }, false},
		{"digest", digestFacts, false},
		{"decided by", func(s *change.ImageSide) []fact { return one(string(s.From)) }, false},
		{"platforms", func(s *change.ImageSide) []fact { return one(strings.Join(s.Platforms, ", ")) }, false},
		{"size", func(s *change.ImageSide) []fact {
			if s.Size == 0 {
				return nil
			}
			return one(size(s.Size))
		}, false},
		{"vouched for by", signerFacts, true},
		{"issuer", issuerFacts, true},
		{"source", ofBuilds(func(b build) fact { return linked(b.Repository, b.Repository) }), true},
		{"commit", ofBuilds(func(b build) fact {
			return fact{Text: plain(strings.TrimSpace(shortRevision(b.Revision) + " " + b.Ref)), Full: plain(b.Revision)}
		}), false},
		{"builder", ofBuilds(func(b build) fact { return fact{Text: plain(b.Builder)} }), true},
		{"SLSA level", ofBuilds(func(b build) fact {
			if b.Level == 0 {
				return fact{}
			}
			return fact{Text: strconv.Itoa(b.Level)}
		}), true},
		{"built in", ofBuilds(func(b build) fact { return linked(b.Run, b.Run) }), false},
	}
}

// linked is a text that leads somewhere, if it is an address of the web.
func linked(text, link string) fact {
	f := fact{Text: plain(text)}
	if strings.HasPrefix(link, "https://") && f.Text == text {
		f.Link = link
	}
	return f
}

func digestFacts(s *change.ImageSide) []fact {
	if s.Digest == "" {
		return []fact{{Text: "no digest"}}
	}
	return []fact{{Text: plain(report.ShortDigest(s.Digest)), Full: plain(s.Digest)}}
}

func signerFacts(s *change.ImageSide) []fact {
	vouchers, _ := vouchersOf(s)
	var out []fact
	for _, each := range vouchers {
		each.Issuer = ""
		out = append(out, fact{Text: plain(each.text())})
	}
	if len(out) == 0 {
		return []fact{{Text: unvouched(s)}}
	}
	return out
}

func issuerFacts(s *change.ImageSide) []fact {
	vouchers, _ := vouchersOf(s)
	var out []fact
	for _, each := range vouchers {
		if f := (fact{Text: plain(each.Issuer)}); each.Issuer != "" && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

func newScanView(v *change.Vulnerabilities) *scanView {
	if v == nil {
		return nil
	}
	plainly := func(all []change.Vulnerability) []change.Vulnerability {
		out := make([]change.Vulnerability, len(all))
		for i, each := range all {
			out[i] = change.Vulnerability{ID: plain(each.ID), Severity: plain(each.Severity), Package: plain(each.Package), Fixed: plain(each.Fixed)}
		}
		return out
	}
	return &scanView{plain(scanned(v)), plainly(v.Added), plainly(v.Removed)}
}
