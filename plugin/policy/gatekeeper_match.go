package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin/apiserver"
)

// constraintMatch says which objects a constraint is about (Gatekeeper's
// pkg/mutation/match). All parts have to agree; a part that is left out does.
type constraintMatch struct {
	Source string `json:"source"`
	Kinds  []struct {
		APIGroups []string `json:"apiGroups"`
		Kinds     []string `json:"kinds"`
	} `json:"kinds"`
	Scope              string                `json:"scope"`
	Namespaces         []string              `json:"namespaces"`
	ExcludedNamespaces []string              `json:"excludedNamespaces"`
	LabelSelector      *metav1.LabelSelector `json:"labelSelector"`
	NamespaceSelector  *metav1.LabelSelector `json:"namespaceSelector"`
	Name               string                `json:"name"`
}

// matchGlob is the pattern that the constraints' schema has for names.
var matchGlob = regexp.MustCompile(`^\*?[-:a-z0-9]*\*?$`)

// checkMatch refuses what Gatekeeper refuses or would take for everything, and
// selectors by labels that the application writes.
func (f constraintFile) checkMatch(trustLabels bool) error {
	match := f.Spec.Match
	if match == nil {
		return nil
	}
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, apiserver.Refuse(f.at, "constraint %s: spec.match.%s", f.id(), fmt.Sprintf(format, args...)))
	}
	if !slices.Contains([]string{"", "*", "Cluster", "Namespaced"}, match.Scope) {
		bad("scope: %q is none of *, Cluster, Namespaced; Gatekeeper would take it for *", match.Scope)
	}
	if !slices.Contains([]string{"", "All", "Original", "Generated"}, match.Source) {
		bad("source: %q is none of All, Original, Generated", match.Source)
	}
	for _, glob := range append(slices.Concat(match.Namespaces, match.ExcludedNamespaces), match.Name) {
		if !matchGlob.MatchString(glob) {
			bad("%q: * may stand at the beginning and at the end alone", glob)
		}
	}
	for _, each := range []struct {
		name     string
		selector *metav1.LabelSelector
	}{{"labelSelector", match.LabelSelector}, {"namespaceSelector", match.NamespaceSelector}} {
		if each.selector == nil {
			continue
		}
		if _, err := metav1.LabelSelectorAsSelector(each.selector); err != nil {
			bad("%s: %v", each.name, err)
		}
	}
	if !apiserver.EmptySelector(match.LabelSelector) && !trustLabels {
		bad("labelSelector reads labels that the application writes, so the application could leave the policy; " +
			"select by namespace, or set spec.judge.trustObjectLabels in the gate")
	}
	return errors.Join(problems...)
}

// globMatches is Gatekeeper's wildcard: * at the front, at the end or at both.
func globMatches(glob, text string) bool {
	front, end := strings.HasPrefix(glob, "*"), strings.HasSuffix(glob, "*")
	switch bare := strings.TrimSuffix(strings.TrimPrefix(glob, "*"), "*"); {
	case front && end:
		return strings.Contains(text, bare)
	case front:
		return strings.HasSuffix(text, bare)
	case end:
		return strings.HasPrefix(text, bare)
	default:
		return bare == text
	}
}

// operations says whether a constraint is about a creation of the subject, and
// about an update: of that Gatekeeper matches the old object, too (pkg/target
// matchAny).
func (m matcher) operations(match *constraintMatch) map[admission.Operation]apiserver.Matched {
	creation := m.matchesConstraint(match)
	update := creation
	if m.subject.old != nil {
		m = m.of(admission.Update)
		update = m.matchesConstraint(match)
	}
	return map[admission.Operation]apiserver.Matched{admission.Create: creation, admission.Update: update}
}

// matchesConstraint follows Gatekeeper's order.
func (m matcher) matchesConstraint(match *constraintMatch) apiserver.Matched {
	if match == nil {
		return apiserver.Matched{Applies: true}
	}
	if !m.kindMatches(match) {
		return apiserver.Matched{}
	}
	result := m.scopeMatches(match.Scope)
	for _, part := range []func(*constraintMatch) apiserver.Matched{m.namespacesMatch, m.excludedMatch, m.labelsMatch, m.selectorMatches, m.nameMatches, m.sourceMatches} {
		if !result.Applies {
			return apiserver.Matched{}
		}
		result = result.And(part(match))
	}
	return result
}

func (m matcher) kindMatches(match *constraintMatch) bool {
	if len(match.Kinds) == 0 {
		return true
	}
	listed := func(list []string, name string) bool {
		return len(list) == 0 || slices.Contains(list, "*") || slices.Contains(list, name)
	}
	for _, each := range match.Kinds {
		if listed(each.Kinds, m.subject.kind.Kind) && listed(each.APIGroups, m.subject.kind.Group) {
			return true
		}
	}
	return false
}

// isNamespace reports whether the subject is a Namespace: Gatekeeper takes it
// for cluster-scoped, and for being in itself.
func (m matcher) isNamespace() bool {
	return m.subject.kind.Kind == "Namespace" && m.subject.kind.Group == ""
}

func (m matcher) scopeMatches(scope string) apiserver.Matched {
	switch scope {
	case "Cluster":
		return apiserver.Matched{Applies: m.isNamespace() || !m.subject.namespaced}
	case "Namespaced":
		return apiserver.Matched{Applies: !m.isNamespace() && m.subject.namespaced}
	}
	return apiserver.Matched{Applies: true}
}

// place is the namespace that globs are compared with; found is false for an
// object that is in none, unknown is set when nobody said which it is.
func (m matcher) place() (name string, found bool, unknown []string) {
	switch {
	case m.isNamespace():
		return m.subject.name, true, nil
	case !m.subject.namespaced:
		return "", false, nil
	case m.subject.namespace == "":
		return "", true, []string{"the destination namespace (it was not given)"}
	}
	return m.subject.namespace, true, nil
}

func (m matcher) namespacesMatch(match *constraintMatch) apiserver.Matched {
	name, found, unknown := m.place()
	if len(match.Namespaces) == 0 || !found || unknown != nil {
		if len(match.Namespaces) == 0 {
			unknown = nil
		}
		return apiserver.Matched{Applies: true, Unknown: unknown}
	}
	return apiserver.Matched{Applies: slices.ContainsFunc(match.Namespaces, func(glob string) bool { return globMatches(glob, name) })}
}

func (m matcher) excludedMatch(match *constraintMatch) apiserver.Matched {
	inverted := m.namespacesMatch(&constraintMatch{Namespaces: match.ExcludedNamespaces})
	_, found, _ := m.place()
	if len(match.ExcludedNamespaces) == 0 || !found || len(inverted.Unknown) > 0 {
		return inverted
	}
	return apiserver.Matched{Applies: !inverted.Applies}
}

func (m matcher) labelsMatch(match *constraintMatch) apiserver.Matched {
	return m.ObjectSelector(match.LabelSelector)
}

// selectorMatches needs the Namespace's own labels: without them Gatekeeper
// answers with an error, even to a selector that reads the name alone. Here
// that one is answered.
func (m matcher) selectorMatches(match *constraintMatch) apiserver.Matched {
	if match.NamespaceSelector == nil {
		return apiserver.Matched{Applies: true}
	}
	return m.NamespaceSelector(match.NamespaceSelector)
}

// nameMatches decides by the name, or by the beginning that the API server
// adds random letters to.
func (m matcher) nameMatches(match *constraintMatch) apiserver.Matched {
	if match.Name == "" {
		return apiserver.Matched{Applies: true}
	}
	generate := ""
	if accessor, err := meta.Accessor(m.subject.object); err == nil {
		generate = accessor.GetGenerateName()
	}
	if m.subject.name != "" || generate == "" {
		return apiserver.Matched{Applies: globMatches(match.Name, m.subject.name)}
	}
	bare := strings.Trim(match.Name, "*")
	if strings.HasSuffix(match.Name, "*") && globMatches(match.Name, generate) {
		return apiserver.Matched{Applies: true}
	}
	if strings.HasPrefix(match.Name, "*") || strings.HasPrefix(bare, generate) {
		return apiserver.Matched{Applies: true, Unknown: []string{"the object's name (the cluster generates it)"}}
	}
	return apiserver.Matched{}
}

// sourceMatches takes a Pod that a workload makes for both: its controller
// creates it, and Gatekeeper generates it where it expands workloads.
func (m matcher) sourceMatches(match *constraintMatch) apiserver.Matched {
	return apiserver.Matched{Applies: match.Source != "Generated" || m.subject.made}
}
