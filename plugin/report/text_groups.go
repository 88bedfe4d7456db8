package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// group is what is said about one object, one image, one registry that does not
// answer, or the application.
type group struct {
	title    string
	kind     string // the object's apiVersion, "image", or nothing
	origin   string // the file and line of the first finding
	used     string // the places that use an image
	findings []plugin.Finding
	outage   outage // of the registry; the zero value for another group
}

// groupFindings keeps the order of the findings, so that the group with the
// worst finding comes first. Uses are those of images.
func groupFindings(v *plugin.Verdict, uses map[string][]plugin.Use, findings []plugin.Finding) []*group {
	type key struct {
		object plugin.ObjectID
		image  string
		outage outage
	}
	byKey := map[key]*group{}
	outages := outagesOf(v.Images, findings)
	var groups []*group
	for _, finding := range findings {
		if finding.Level == plugin.Info {
			continue
		}
		k := key{object: finding.Object, outage: outages.of(finding)}
		switch {
		case k.outage != (outage{}):
			k.object = plugin.ObjectID{}
		case finding.Object.IsZero():
			k.image = finding.Image
		}
		g := byKey[k]
		if g == nil {
			g = newGroup(uses, finding)
			if k.outage != (outage{}) {
				g = &group{title: k.outage.host, kind: "registry", outage: k.outage}
			}
			byKey[k] = g
			groups = append(groups, g)
		}
		g.findings = append(g.findings, finding)
	}
	// What waits for a registry's answer stands behind the reason for that.
	slices.SortStableFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.findings[0].Level, b.findings[0].Level), cmp.Compare(place(a), place(b)))
	})
	return groups
}

// place puts registries before objects and images.
func place(g *group) int {
	if g.outage == (outage{}) {
		return 1
	}
	return 0
}

func newGroup(uses map[string][]plugin.Use, finding plugin.Finding) *group {
	g := &group{title: finding.Subject(), origin: finding.Origin.String()}
	switch {
	case !finding.Object.IsZero():
		g.kind = finding.Object.APIVersion
	case finding.Image != "":
		g.kind = "image"
		g.used = usedIn(uses[finding.Image])
	}
	return g
}

func usesByImage(images []plugin.Image) map[string][]plugin.Use {
	uses := map[string][]plugin.Use{}
	for _, image := range images {
		uses[image.Written] = image.Uses
	}
	return uses
}

// usedIn names up to three places that use an image.
func usedIn(uses []plugin.Use) string {
	text := ""
	for i, use := range uses {
		switch {
		case i == 3:
			return fmt.Sprintf("%s and %d more", text, len(uses)-i)
		case i > 0:
			text += ", "
		}
		text += use.ID.String()
		if use.Container != "" {
			text += " [" + use.Container + "]"
		}
		if at := use.Origin.String(); at != "" {
			text += " at " + at
		}
	}
	return text
}
