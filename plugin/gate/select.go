package gate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Select chooses the gates of an application, by name; paths are the names of
// its folder: in the source tree, and in its repository when the tree is a part
// of that. Empty ones are not known.
//
// A gate applies when its selector matches; an attribute that the door did not
// give matches everything. A gate that means one of the paths applies, whatever
// the others are. At least one base gate must cover the application,
// by what the platform controls (project, source namespace). The error joins
// *plugin.Refusal: gate/none when no base gate does, gate/conflict when those
// that apply cannot be added up.
func (c *Config) Select(app plugin.Application, paths ...string) ([]Gate, error) {
	var chosen []Gate
	covered := false
	for _, gate := range c.Gates {
		if gate.Spec.Selector.matches(app, paths) {
			chosen = append(chosen, gate)
			covered = covered || gate.Spec.Base && gate.Spec.Selector.covers(app)
		}
	}
	if !covered {
		return nil, c.uncovered(app)
	}
	slices.SortFunc(chosen, func(a, b Gate) int { return cmp.Compare(a.Metadata.Name, b.Metadata.Name) })
	var conflicts []error
	for i, gate := range chosen {
		for _, other := range chosen[i+1:] {
			for _, conflict := range between(gate, other) {
				conflicts = append(conflicts, conflict.refusal(conflict.hintFor(app)))
			}
		}
	}
	if len(conflicts) > 0 {
		return nil, errors.Join(conflicts...)
	}
	return chosen, nil
}

// hintFor names the variable that Argo CD before 3.0 does not send: without
// the project every base gate applies, also those that never meet otherwise.
func (c Conflict) hintFor(app plugin.Application) string {
	if app.Project != "" || !c.byProject {
		return ""
	}
	return "the project is not known, so the gates of all projects apply: set ARGOCD_APP_PROJECT_NAME (the command line takes --project), or give both gates the same value"
}

func (c *Config) uncovered(app plugin.Application) error {
	var bases []string
	for _, gate := range c.Gates {
		if gate.Spec.Base {
			bases = append(bases, fmt.Sprintf("%s (%s)", gate.Metadata.Name, gate.Spec.Selector.words()))
		}
	}
	hint := "add a gate with base: true"
	if len(bases) > 0 {
		hint = "widen the selector of a base gate or add one; there are " + strings.Join(bases, ", ")
	}
	return &plugin.Refusal{
		Rule:    "gate/none",
		Message: fmt.Sprintf("no base gate covers the application %s", describeApplication(app)),
		Why:     "an application that nobody judges is denied",
		Hint:    hint,
	}
}

func describeApplication(app plugin.Application) string {
	var parts []string
	for _, part := range []struct{ name, value string }{{"project", app.Project}, {"source namespace", app.SourceNamespace}} {
		if part.value != "" {
			parts = append(parts, fmt.Sprintf("%s %q", part.name, part.value))
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%q %s", app.Name, parenthesis(parts)))
}

func parenthesis(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// words says whom a selector matches.
func (s Selector) words() string {
	var parts []string
	for _, list := range s.attributes(plugin.Application{}) {
		if len(list.globs) > 0 {
			parts = append(parts, list.field+" "+strings.Join(list.globs, ", "))
		}
	}
	if len(parts) == 0 {
		return "every application"
	}
	return strings.Join(parts, " and ")
}
