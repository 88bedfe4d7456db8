package gate

import (
	"fmt"
	"maps"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Conflict is a field on which two gates differ and for which neither value is
// the stricter.
type Conflict struct {
	// Gates are the two names.
	Gates [2]string
	// Field is the path of the field; Values are what each gate says.
	Field  string
	Values [2]string
	// At is where the second gate was read.
	At plugin.Origin
	// byProject is set when one of the gates is chosen by project.
	byProject bool
}

// Message says what is wrong in one line.
func (c Conflict) Message() string {
	return fmt.Sprintf("gates %q and %q differ in %s: %s and %s", c.Gates[0], c.Gates[1], c.Field, c.Values[0], c.Values[1])
}

func (c Conflict) hint() string {
	return "give both the same value, take it out of one of them, or give them selectors that no application matches both of"
}

// refusal is the conflict as a denial; hint replaces the general one.
func (c Conflict) refusal(hint string) *plugin.Refusal {
	if hint == "" {
		hint = c.hint()
	}
	return &plugin.Refusal{
		Rule: "gate/conflict", Origin: c.At, Message: c.Message(), Hint: hint,
		Why: "neither value is the stricter, so choosing one would be a guess",
	}
}

// Conflicts are the fields in which gates differ whose selectors can meet.
// Loading reports them; they also arise later, when a door gives no project
// and every base gate applies.
func (c *Config) Conflicts() []Conflict {
	var found []Conflict
	for i, gate := range c.Gates {
		for _, other := range c.Gates[i+1:] {
			if gate.Spec.Selector.meets(other.Spec.Selector) {
				found = append(found, between(gate, other)...)
			}
		}
	}
	return found
}

// between compares the fields that have no order: the profile, credentials and
// CA of a registry, and the labels of a namespace.
func between(gate, other Gate) []Conflict {
	gate.fillIn()
	other.fillIn()
	var found []Conflict
	differ := func(field, one, two string) {
		if one != two && one != "" && two != "" {
			found = append(found, Conflict{
				Gates: [2]string{gate.Metadata.Name, other.Metadata.Name}, Field: field, Values: [2]string{one, two}, At: other.At,
				byProject: len(gate.Spec.Selector.Projects)+len(other.Spec.Selector.Projects) > 0,
			})
		}
	}
	differ("spec.profile", gate.Spec.Profile, other.Spec.Profile)
	gate.Spec.Harden.between(other.Spec.Harden, differ)
	for _, registry := range gate.Spec.Registries {
		for _, second := range other.Spec.Registries {
			if registry.Host != second.Host || !strings.HasPrefix(registry.Prefix, second.Prefix) && !strings.HasPrefix(second.Prefix, registry.Prefix) {
				continue
			}
			differ(fmt.Sprintf("spec.registries (%s) ca", registry.Host), registry.Locate(registry.CA), second.Locate(second.CA))
			differ(fmt.Sprintf("spec.registries (%s) credentials", registry.Host), registry.credential(), second.credential())
		}
	}
	for _, namespace := range gate.Spec.Namespaces {
		for _, second := range other.Spec.Namespaces {
			if namespace.Name == second.Name && len(namespace.Labels) > 0 && len(second.Labels) > 0 && !maps.Equal(namespace.Labels, second.Labels) {
				differ(fmt.Sprintf("spec.namespaces (%s) labels", namespace.Name), fmt.Sprint(namespace.Labels), fmt.Sprint(second.Labels))
			}
		}
	}
	return found
}
