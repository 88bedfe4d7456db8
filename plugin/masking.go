package plugin

import (
	"maps"
	"slices"
	"strings"
)

// Masked stands in place of what is not shown.
const Masked = masked

// Mask hides what must not be shown of one application in texts that no finding
// holds, such as a difference between two revisions. Its zero value hides
// nothing.
type Mask struct{ values *secrets }

// NewMask hides the values of the Secrets among objects, as they stand, decoded
// and encoded, and other hidden values. A Secret's value that says nothing (true,
// a small number), or is one of the known names, which are shown anyway, stays:
// hiding it would leave no text to read and keep no secret.
func NewMask(hidden []string, objects []Object, known map[string]bool) Mask {
	values := secretValues(objects)
	maps.DeleteFunc(values, func(value string, _ bool) bool { return known[value] })
	for _, value := range hidden {
		values[value] = true
	}
	delete(values, "")
	return Mask{newSecrets(values)}
}

// SecretValues are what a [Mask] of objects hides, sorted, for the mask of what
// these objects are made from.
func SecretValues(objects []Object) []string { return slices.Sorted(maps.Keys(secretValues(objects))) }

func secretValues(objects []Object) map[string]bool {
	values := map[string]bool{}
	for _, object := range objects {
		if isSecret(object.ID()) {
			addSecrets(values, object)
		}
	}
	for value := range maps.Clone(values) {
		values[strings.TrimSpace(value)] = true // a file ends with a line break, its use does not
	}
	maps.DeleteFunc(values, func(value string, _ bool) bool { return saysNothing(value) })
	return values
}

// saysNothing reports whether so many texts hold the value by chance that it is
// hidden only where it stands in its Secret.
func saysNothing(value string) bool {
	const leastLength, longestNumber = 4, 5
	if len(value) < leastLength || slices.Contains([]string{"true", "false", "null", "none"}, strings.ToLower(value)) {
		return true
	}
	return len(value) <= longestNumber && strings.Trim(value, "0123456789") == ""
}

// Hide hides the values in a text of any number of lines. Credentials in URLs,
// see [RedactText], and control characters, see [PlainText], stay.
func (m Mask) Hide(text string) string { return m.values.hide(text) }

// Finding hides the values in every text of a finding that a run has masked
// already.
func (m Mask) Finding(finding Finding) Finding {
	finding.mask(m.values)
	return finding
}

// PlainText shows what a terminal or a reader could be misled by (control and
// direction characters, line breaks) as escapes.
func PlainText(text string) string { return plainText(text) }
