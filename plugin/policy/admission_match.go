package policy

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

// matched says whether a policy or a binding applies to a subject. The zero
// value does not apply.
type matched struct {
	applies bool
	// unknown lists why that cannot be known offline; it applies then, perhaps.
	unknown []string
	// version is the one that the object is converted to before it is judged;
	// empty for its own.
	version string
}

// and applies when both do.
func (m matched) and(other matched) matched {
	return matched{applies: m.applies && other.applies, unknown: append(slices.Clone(m.unknown), other.unknown...), version: cmp.Or(m.version, other.version)}
}

// names reports whether a rule of the policy names the resource at all, which
// rules out most policies at little cost.
func (p *admissionPolicy) names(resource string) bool {
	for _, rule := range p.match.ResourceRules {
		for _, named := range rule.Resources {
			base, _, _ := strings.Cut(named, "/")
			if base == "*" || base == resource {
				return true
			}
		}
	}
	return false
}

// matcher answers the match questions of admission
// (k8s.io/apiserver pkg/admission/plugin/policy/matching) about one subject
// and one operation.
type matcher struct {
	view        *view
	subject     *subject
	attributes  admission.Attributes
	trustLabels bool
}

// matches follows the API server's order: selectors, exclusions, rules. Absent
// selectors match everything, as the API defaults them to {}.
func (m matcher) matches(match *admissionv1.MatchResources) matched {
	if match == nil {
		return matched{applies: true}
	}
	result := m.namespaceSelector(match.NamespaceSelector).and(m.objectSelector(match.ObjectSelector))
	if !result.applies {
		return matched{}
	}
	equivalent := match.MatchPolicy == nil || *match.MatchPolicy == admissionv1.Equivalent
	excluded := m.rules(match.ExcludeResourceRules, equivalent)
	if excluded.applies && len(excluded.unknown) == 0 {
		return matched{}
	}
	result.unknown = append(result.unknown, excluded.unknown...)
	if len(match.ResourceRules) == 0 {
		return result
	}
	return result.and(m.rules(match.ResourceRules, equivalent))
}

// rules reports whether one of the rules names the subject. Under matchPolicy
// Equivalent a rule for another version of the same resource makes the API
// server convert the object. Which versions a custom resource has, its
// definition in the cluster says.
func (m matcher) rules(named []admissionv1.NamedRuleWithOperations, equivalent bool) matched {
	if m.named(named, m.attributes.GetResource().Version) {
		return matched{applies: true}
	}
	if !equivalent {
		return matched{}
	}
	if kind := m.subject.kind; builtinGroup(kind.Group) {
		for _, version := range servedVersions(kind.Group) {
			if version != kind.Version && m.named(named, version) {
				return matched{applies: true, version: version}
			}
		}
		return matched{}
	}
	var unknown []string
	for i, each := range named {
		any := slices.Clone(named[i : i+1])
		any[0].APIVersions = []string{"*"}
		if m.named(any, "") {
			unknown = append(unknown, fmt.Sprintf("the object as version %v (the policy asks for another version than it is written in)", each.APIVersions))
		}
	}
	return matched{applies: len(unknown) > 0, unknown: unknown}
}

// named reports whether a rule names the subject in the version.
func (m matcher) named(named []admissionv1.NamedRuleWithOperations, version string) bool {
	attributes := inVersion{Attributes: m.attributes, version: version}
	for _, each := range named {
		if len(each.ResourceNames) > 0 && !slices.Contains(each.ResourceNames, m.attributes.GetName()) {
			continue
		}
		if m.subject.namespaced && m.subject.namespace == "" && each.Scope != nil {
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

func (m matcher) objectSelector(selector *metav1.LabelSelector) matched {
	if emptySelector(selector) {
		return matched{applies: true}
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return matched{applies: true, unknown: []string{"objectSelector: " + err.Error()}}
	}
	return matched{applies: parsed.Matches(m.labels()) || m.oldMatches(parsed)}
}

// labels are the object's: of an update of what is known, with what others
// wrote.
func (m matcher) labels() labels.Set {
	if m.attributes != nil && m.attributes.GetOldObject() != nil {
		if accessor, err := meta.Accessor(m.attributes.GetObject()); err == nil {
			return accessor.GetLabels()
		}
	}
	return m.subject.labels
}

// oldMatches reports whether a selector chooses the object as it was: an update
// is in the policy by either (webhook/predicates/object).
func (m matcher) oldMatches(selector labels.Selector) bool {
	if m.attributes == nil || m.attributes.GetOldObject() == nil { // a constraint is matched without a request, but for an update of what is known
		return false
	}
	accessor, err := meta.Accessor(m.attributes.GetOldObject())
	return err == nil && selector.Matches(labels.Set(accessor.GetLabels()))
}

// namespaceSelector never exempts cluster-scoped objects other than Namespaces
// (webhook/predicates/namespace). A Namespace is selected by its own labels,
// which the application writes: they can bring it in, and not leave it out.
func (m matcher) namespaceSelector(selector *metav1.LabelSelector) matched {
	if emptySelector(selector) {
		return matched{applies: true}
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return matched{applies: true, unknown: []string{"namespaceSelector: " + err.Error()}}
	}
	if _, ok := m.subject.object.(*corev1.Namespace); ok {
		if m.trustLabels || parsed.Matches(labels.Set(m.subject.labels)) {
			return matched{applies: parsed.Matches(labels.Set(m.subject.labels))}
		}
		return matched{applies: true, unknown: []string{"the namespace's labels (the application writes them, and they leave the policy)"}}
	}
	if !m.subject.namespaced {
		return matched{applies: true}
	}
	return m.selectNamespace(parsed, selector)
}

// selectNamespace decides by the gate's description, or by the name alone when
// the selector reads nothing else.
func (m matcher) selectNamespace(parsed labels.Selector, selector *metav1.LabelSelector) matched {
	name := m.subject.namespace
	if name == "" {
		return matched{applies: true, unknown: []string{"the destination namespace (it was not given)"}}
	}
	if described := m.view.namespaces[name]; described != nil {
		return matched{applies: parsed.Matches(labels.Set(described.Labels))}
	}
	if onlyReadsName(selector) {
		return matched{applies: parsed.Matches(labels.Set{corev1.LabelMetadataName: name})}
	}
	return matched{applies: true, unknown: []string{fmt.Sprintf("the labels of namespace %q (describe it in the gate under spec.namespaces)", name)}}
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
