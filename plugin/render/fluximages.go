package render

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/fluxcd/pkg/envsubst"

	"github.com/assay-gitops/assay/plugin"
)

// variableImage is a place of an image with a variable in it.
type variableImage struct {
	// object is the index of the object.
	object int
	// field and text are the image's.
	field, text string
	// unset are its variables that have no value.
	unset []string
}

// imagesWithVariables finds images with "${" in them. Few objects have that
// text at all, and only they are searched.
func imagesWithVariables(objects []plugin.Object) []variableImage {
	finder := plugin.ImageFinder{Undeclared: plugin.Info}
	var found []variableImage
	for i, object := range objects {
		if !holdsVariable(object.Fields) {
			continue
		}
		_, findings := finder.Find([]plugin.Object{object})
		for _, finding := range findings {
			if strings.Contains(finding.Image, "${") {
				found = append(found, variableImage{object: i, field: finding.Field, text: finding.Image})
			}
		}
	}
	return found
}

func holdsVariable(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(value, "${")
	case map[string]any:
		for _, member := range value {
			if holdsVariable(member) {
				return true
			}
		}
	case []any:
		for _, item := range value {
			if holdsVariable(item) {
				return true
			}
		}
	}
	return false
}

// unsetImages are the images that get nothing in the place of a variable. Flux
// deploys what is left of such a name, whatever image that is.
func (s *substitution) unsetImages(objects []plugin.Object) []variableImage {
	if s == nil {
		return nil
	}
	var unset []variableImage
	for _, image := range imagesWithVariables(objects) {
		if substitutesNothing(objects[image.object]) {
			continue
		}
		for _, name := range s.unset(image.text) {
			if s.changes(image.text, name) {
				image.unset = append(image.unset, name)
			}
		}
		if len(image.unset) > 0 {
			unset = append(unset, image)
		}
	}
	return unset
}

// changes reports whether the value of a variable makes a difference: it makes
// none in a default that is not taken.
func (s *substitution) changes(text, name string) bool {
	with := func(value string) string {
		filled, err := envsubst.Eval(text, func(asked string) (string, bool) {
			if asked == name {
				return value, true
			}
			return s.values[asked], true
		})
		if err != nil {
			return value
		}
		return filled
	}
	return with("") != with("x")
}

func (i variableImage) finding(object plugin.Object) plugin.Finding {
	names := strings.Join(i.unset, ", ")
	return plugin.Finding{
		Rule: ruleUnresolved, Object: object.ID(), Field: i.field, Image: i.text, Origin: object.Origin,
		Message: fmt.Sprintf("the image %s has no value for %s", i.text, names),
		Why:     "Flux puts nothing in its place, and deploys whatever image that names",
		Hint:    "set " + names + " in postBuild.substitute or substituteFrom, or write its default: ${" + i.unset[0] + ":=value}",
	}
}

var variablePattern = regexp.MustCompile(`\$\{[#]?([_a-zA-Z][_a-zA-Z0-9]*)`)

// unresolvedImages are the images that still have a variable when everything
// is filled in.
func unresolvedImages(objects []plugin.Object) []plugin.Finding {
	var findings []plugin.Finding
	for _, image := range imagesWithVariables(objects) {
		object, name := objects[image.object], "the variable"
		if match := variablePattern.FindStringSubmatch(image.text); match != nil {
			name = match[1]
		}
		hint := "set " + name + " in postBuild.substitute or substituteFrom, and write ${ with one $"
		if substitutesNothing(object) {
			hint = "remove " + substituteSwitch + ": " + substituteOff + " from the object, and set " + name + " in postBuild.substitute or substituteFrom"
		}
		findings = append(findings, plugin.Finding{
			Rule: ruleUnresolved, Object: object.ID(), Field: image.field, Image: image.text, Origin: object.Origin,
			Message: fmt.Sprintf("the image %s still has a variable in it: nothing fills in %s", image.text, name),
			Why:     "which image is meant is not known, so that it can be neither pinned nor verified", Hint: hint,
		})
	}
	return findings
}
