package policy

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

const ruleRegistry = "image/registry"

/*
registryRule denies images from places that the gate does not list.

Looked at: the repository, in its normal form, of every image that the finder
knows or the gate declares. Allowed: what spec.images.allowed matches; without a
list everything, as trust rules decide then. It is in force wherever there is a
list, whichever packs the gate names.
*/
func registryRule() codeRule {
	page := Rule{
		ID: ruleRegistry, Title: "Images come from where the gate allows", Severity: "high", Level: "Deny", Adjustable: true,
		Why:        "an image of a registry that nobody has chosen may come from anybody, and go away at any time",
		Fix:        "use an image of an allowed registry, or have it added to spec.images.allowed of the gate",
		References: []string{"https://kubernetes.io/docs/concepts/containers/images/"},
		Controls:   []string{"CIS Kubernetes Benchmark 5.5.1", "NSA/CISA Kubernetes Hardening Guide: image scanning", "MITRE ATT&CK T1204.003"},
	}
	return codeRule{page: page, engine: func(g gate.Gate) engine {
		fields, places := imageFields(g), newAllowedPlaces(g.Spec.Images.Allowed)
		return engineFunc(func(_ context.Context, v *view) []plugin.Finding {
			if len(places) == 0 {
				return nil
			}
			return judgePlaces(page, v, imagePlaces{fields, places})
		})
	}}
}

type imagePlaces struct {
	fields []plugin.ImageField
	places allowedPlaces
}

func judgePlaces(page Rule, v *view, by imagePlaces) []plugin.Finding {
	images, _ := plugin.ImageFinder{Fields: by.fields}.Find(v.sealed.Objects)
	var findings []plugin.Finding
	for _, image := range images {
		if by.places.allow(image.Reference.Repository) {
			continue
		}
		for _, use := range image.Uses {
			findings = append(findings, plugin.Finding{
				Rule: page.ID, Object: use.ID, Origin: use.Origin, Field: use.Field, Image: image.Written,
				Message: fmt.Sprintf("the image comes from %s, which the gate does not allow", image.Reference.Repository), Why: page.Why, Hint: page.Fix,
			})
		}
	}
	return findings
}

// allowedPlaces are expressions over repositories in their normal form.
type allowedPlaces []*regexp.Regexp

// newAllowedPlaces reads the gate's list, which was checked when the gate was
// loaded; a place that cannot be read allows nothing.
func newAllowedPlaces(written []string) allowedPlaces {
	var places allowedPlaces
	for _, place := range written {
		host, rest, _ := strings.Cut(place, "/")
		if host == "docker.io" {
			host = "index.docker.io"
		}
		if rest == "" {
			rest = "**"
		}
		expression, err := gate.ImagePattern{Glob: host + "/" + rest}.Expression()
		if err != nil {
			expression = regexp.MustCompile(`^\b$`)
		}
		places = append(places, expression)
	}
	return places
}

func (p allowedPlaces) allow(repository string) bool {
	for _, place := range p {
		if place.MatchString(repository) {
			return true
		}
	}
	return false
}
