package apiserver

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules"
)

// Matched says whether a policy or a binding applies to a subject. The zero
// value does not apply.
type Matched struct {
	Applies bool
	// Unknown lists why that cannot be known offline; it applies then, perhaps.
	Unknown []string
	// Version is the one that the object is converted to before it is judged;
	// empty for its own.
	Version string
}

// And applies when both do.
func (m Matched) And(other Matched) Matched {
	return Matched{Applies: m.Applies && other.Applies, Unknown: append(slices.Clone(m.Unknown), other.Unknown...), Version: cmp.Or(m.Version, other.Version)}
}

// Names reports whether one of the rules names the resource at all, which rules
// out most policies at little cost.
func Names(match *admissionv1.MatchResources, resource string) bool {
	for _, rule := range match.ResourceRules {
		for _, named := range rule.Resources {
			base, _, _ := strings.Cut(named, "/")
			if base == "*" || base == resource {
				return true
			}
		}
	}
	return false
}

// Matcher answers the match questions of admission
// (k8s.io/apiserver pkg/admission/plugin/policy/matching) about one subject
// and one operation.
type Matcher struct {
	Subject Subject
	// Namespaces are those that the gate describes.
	Namespaces map[string]*corev1.Namespace
	// Attributes are of the request; a constraint is matched without one.
	Attributes admission.Attributes
	// TrustLabels believes the labels that the application writes.
	TrustLabels bool
}

// Matches follows the API server's order: selectors, exclusions, rules. Absent
// selectors match everything, as the API defaults them to {}.
func (m Matcher) Matches(match *admissionv1.MatchResources) Matched {
	if match == nil {
		return Matched{Applies: true}
	}
	result := m.NamespaceSelector(match.NamespaceSelector).And(m.ObjectSelector(match.ObjectSelector))
	if !result.Applies {
		return Matched{}
	}
	equivalent := match.MatchPolicy == nil || *match.MatchPolicy == admissionv1.Equivalent
	excluded := m.rules(match.ExcludeResourceRules, equivalent)
	if excluded.Applies && len(excluded.Unknown) == 0 {
		return Matched{}
	}
	result.Unknown = append(result.Unknown, excluded.Unknown...)
	if len(match.ResourceRules) == 0 {
		return result
	}
	return result.And(m.rules(match.ResourceRules, equivalent))
}

// rules reports whether one of the rules names the subject. Under matchPolicy
// Equivalent a rule for another version of the same resource makes the API
// server convert the object. Which versions a custom resource has, its
// definition in the cluster says.
func (m Matcher) rules(named []admissionv1.NamedRuleWithOperations, equivalent bool) Matched {
	if m.named(named, m.Attributes.GetResource().Version) {
		return Matched{Applies: true}
	}
	if !equivalent {
		return Matched{}
	}
	if kind := m.Subject.Kind; BuiltinGroup(kind.Group) {
		for _, version := range ServedVersions(kind.Group) {
			if version != kind.Version && m.named(named, version) {
				return Matched{Applies: true, Version: version}
			}
		}
		return Matched{}
	}
	var unknown []string
	for i, each := range named {
		any := slices.Clone(named[i : i+1])
		any[0].APIVersions = []string{"*"}
		if m.named(any, "") {
			unknown = append(unknown, fmt.Sprintf("the object as version %v (the policy asks for another version than it is written in)", each.APIVersions))
		}
	}
	return Matched{Applies: len(unknown) > 0, Unknown: unknown}
}

// named reports whether a rule names the subject in the version.
func (m Matcher) named(named []admissionv1.NamedRuleWithOperations, version string) bool {
	attributes := inVersion{Attributes: m.Attributes, version: version}
	for _, each := range named {
		if len(each.ResourceNames) > 0 && !slices.Contains(each.ResourceNames, m.Attributes.GetName()) {
			continue
		}
		if m.Subject.Namespaced && m.Subject.Namespace == "" && each.Scope != nil {
			if *each.Scope == admissionv1.ClusterScope {
				continue
			}
			each.Scope = nil // it will be in some namespace, though nobody said in which
		}
		if (&rules.Matcher{Rule: each.RuleWithOperations, Attr: attributes}).Matches() {
			return true
		}
	}
	return false
}

// inVersion is a request for another version of the resource.
type inVersion struct {
	admission.Attributes
	version string
}

// GetResource implements admission.Attributes.
func (a inVersion) GetResource() schema.GroupVersionResource {
	return a.Attributes.GetResource().GroupResource().WithVersion(a.version)
}

// ObjectSelector chooses by the labels of the object, or of the one that it
// replaces.
func (m Matcher) ObjectSelector(selector *metav1.LabelSelector) Matched {
	if EmptySelector(selector) {
		return Matched{Applies: true}
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return Matched{Applies: true, Unknown: []string{"objectSelector: " + err.Error()}}
	}
	return Matched{Applies: parsed.Matches(m.labels()) || m.oldMatches(parsed)}
}

// labels are the object's: of an update of what is known, with what others
// wrote.
func (m Matcher) labels() labels.Set {
	if m.Attributes != nil && m.Attributes.GetOldObject() != nil {
		if accessor, err := meta.Accessor(m.Attributes.GetObject()); err == nil {
			return accessor.GetLabels()
		}
	}
	return m.Subject.Labels
}

// oldMatches reports whether a selector chooses the object as it was: an update
// is in the policy by either (webhook/predicates/object).
func (m Matcher) oldMatches(selector labels.Selector) bool {
	if m.Attributes == nil || m.Attributes.GetOldObject() == nil { // a constraint is matched without a request, but for an update of what is known
		return false
	}
	accessor, err := meta.Accessor(m.Attributes.GetOldObject())
	return err == nil && selector.Matches(labels.Set(accessor.GetLabels()))
}

// NamespaceSelector never exempts cluster-scoped objects other than Namespaces
// (webhook/predicates/namespace). A Namespace is selected by its own labels,
// which the application writes: they can bring it in, and not leave it out.
func (m Matcher) NamespaceSelector(selector *metav1.LabelSelector) Matched {
	if EmptySelector(selector) {
		return Matched{Applies: true}
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return Matched{Applies: true, Unknown: []string{"namespaceSelector: " + err.Error()}}
	}
	if _, ok := m.Subject.Object.(*corev1.Namespace); ok {
		if m.TrustLabels || parsed.Matches(labels.Set(m.Subject.Labels)) {
			return Matched{Applies: parsed.Matches(labels.Set(m.Subject.Labels))}
		}
		return Matched{Applies: true, Unknown: []string{"the namespace's labels (the application writes them, and they leave the policy)"}}
	}
	if !m.Subject.Namespaced {
		return Matched{Applies: true}
	}
	return m.selectNamespace(parsed, selector)
}

// selectNamespace decides by the gate's description, or by the name alone when
// the selector reads nothing else.
func (m Matcher) selectNamespace(parsed labels.Selector, selector *metav1.LabelSelector) Matched {
	name := m.Subject.Namespace
	if name == "" {
		return Matched{Applies: true, Unknown: []string{"the destination namespace (it was not given)"}}
	}
	if described := m.Namespaces[name]; described != nil {
		return Matched{Applies: parsed.Matches(labels.Set(described.Labels))}
	}
	if onlyReadsName(selector) {
		return Matched{Applies: parsed.Matches(labels.Set{corev1.LabelMetadataName: name})}
	}
	return Matched{Applies: true, Unknown: []string{fmt.Sprintf("the labels of namespace %q (describe it in the gate under spec.namespaces)", name)}}
}

func onlyReadsName(selector *metav1.LabelSelector) bool {
	for key := range selector.MatchLabels {
		if key != corev1.LabelMetadataName {
			return false
		}
	}
	for _, requirement := range selector.MatchExpressions {
		if requirement.Key != corev1.LabelMetadataName {
			return false
		}
	}
	return true
}
