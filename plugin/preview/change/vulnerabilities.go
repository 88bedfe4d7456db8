package change

import (
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// mostVulnerabilities are listed of one image on each side of a difference; the
// others are counted.
const mostVulnerabilities = 200

// vulnerabilities compares what attested scans list; nil when there is none on
// either side.
func (c *comparison) vulnerabilities(p imagePair) *Vulnerabilities {
	was, wasScanned := c.scanned(p.was)
	now, nowScanned := c.scanned(p.now)
	if !wasScanned && !nowScanned {
		return nil
	}
	out := &Vulnerabilities{OnlyBase: !nowScanned, OnlyHead: !wasScanned}
	if out.OnlyBase || out.OnlyHead {
		out.Same = len(was) + len(now)
		return out
	}
	type key struct{ id, name string }
	before := map[key]bool{}
	for _, each := range was {
		before[key{each.ID, each.Package}] = true
	}
	after := map[key]bool{}
	for _, each := range now {
		k := key{each.ID, each.Package}
		switch {
		case after[k]:
		case before[k]:
			out.Same++
		case len(out.Added) < mostVulnerabilities:
			out.Added = append(out.Added, vulnerability(each))
		default:
			out.Omitted++
		}
		after[k] = true
	}
	removed := map[key]bool{}
	for _, each := range was {
		k := key{each.ID, each.Package}
		switch {
		case after[k] || removed[k]:
		case len(out.Removed) < mostVulnerabilities:
			out.Removed = append(out.Removed, vulnerability(each))
		default:
			out.Omitted++
		}
		removed[k] = true
	}
	return out
}

func vulnerability(found predicate.Vulnerability) Vulnerability {
	return Vulnerability{ID: found.ID, Severity: found.Severity, Package: found.Package, Fixed: found.Fixed}
}

// scanned is what the verified scans of an image list, and whether there is one
// that can be read.
func (c *comparison) scanned(image *plugin.Image) ([]predicate.Vulnerability, bool) {
	if image == nil {
		return nil, false
	}
	return predicate.Scanned(slices.Concat(image.Evidence, image.Against), c.limits)
}

// differ reports whether the scans list anything else.
func (v *Vulnerabilities) differ() bool {
	return v != nil && (len(v.Added)+len(v.Removed)+v.Omitted > 0 || v.OnlyBase || v.OnlyHead)
}
