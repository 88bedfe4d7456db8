package policy

import (
	"errors"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// The kinds that this package decodes, and the API versions of them that mean
// the same.
const (
	kindPolicy  = "ValidatingAdmissionPolicy"
	kindBinding = "ValidatingAdmissionPolicyBinding"
)

// policyFile is a ValidatingAdmissionPolicy and where it was read.
type policyFile struct {
	admissionv1.ValidatingAdmissionPolicy
	at plugin.Origin
	// raw tells two policies apart.
	raw string
}

// bindingFile is a binding and where it was read.
type bindingFile struct {
	admissionv1.ValidatingAdmissionPolicyBinding
	at plugin.Origin
}

// admissionFiles are the decoded documents of a configuration.
type admissionFiles struct {
	policies []policyFile
	bindings []bindingFile
	params   []*paramFile
}

// readAdmission decodes policies, bindings and the params that policies name
// strictly. Other documents are refused by name: a policy that nobody reads is a
// hole.
func readAdmission(documents []gate.Document) (admissionFiles, error) {
	var files admissionFiles
	var problems []error
	var others []gate.Document
	for _, document := range documents {
		switch document.APIVersion {
		case "admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1":
			problems = append(problems, files.read(document))
		case "apiextensions.k8s.io/v1": // schemas reads it
		default:
			others = append(others, document)
		}
	}
	for _, document := range others {
		problems = append(problems, files.readParam(document))
	}
	return files, errors.Join(problems...)
}

// readParam takes an object of a kind that a policy names as its paramKind.
func (f *admissionFiles) readParam(document gate.Document) error {
	named := func(file policyFile) bool {
		kind := file.Spec.ParamKind
		return kind != nil && kind.APIVersion == document.APIVersion && kind.Kind == document.Kind
	}
	if !slices.ContainsFunc(f.policies, named) {
		return refuse(document.At, "%s %s %q is not supported; ValidatingAdmissionPolicy of admissionregistration.k8s.io/v1 is, and what its spec.paramKind names",
			document.APIVersion, document.Kind, document.Name)
	}
	param, err := readParam(document)
	if err == nil {
		f.params = append(f.params, param)
	}
	return err
}

func (f *admissionFiles) read(document gate.Document) error {
	switch document.Kind {
	case kindPolicy:
		file := policyFile{at: document.At, raw: string(document.JSON)}
		if err := decodeStrictly(document, &file.ValidatingAdmissionPolicy); err != nil {
			return err
		}
		f.policies = append(f.policies, file)
	case kindBinding:
		file := bindingFile{at: document.At}
		if err := decodeStrictly(document, &file.ValidatingAdmissionPolicyBinding); err != nil {
			return err
		}
		f.bindings = append(f.bindings, file)
	default:
		return refuse(document.At, "%s %q is not supported; only %s and %s are", document.Kind, document.Name, kindPolicy, kindBinding)
	}
	return nil
}

// decodeStrictly refuses unknown and duplicate fields, as the API server does
// under strict field validation.
func decodeStrictly(document gate.Document, into any) error {
	unknown, err := kjson.UnmarshalStrict(document.JSON, into)
	if err = errors.Join(append(unknown, err)...); err != nil {
		return refuse(document.At, "reading %s %q: %v", document.Kind, document.Name, err)
	}
	return nil
}

// refuse is an error about a line of the configuration.
func refuse(at plugin.Origin, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if place := at.String(); place != "" {
		return errors.New(place + ": " + text)
	}
	return errors.New(text)
}

// checkPolicy refuses what is not implemented, and what would mean less than
// its author may think.
func checkPolicy(file policyFile, trustLabels bool) error {
	spec, name := file.Spec, file.Name
	var problems []error
	if len(spec.Validations) == 0 && len(spec.AuditAnnotations) == 0 {
		problems = append(problems, refuse(file.at, "policy %q has no validations, so it would let everything through; add one", name))
	}
	if kind := spec.ParamKind; kind != nil && (kind.APIVersion == "" || kind.Kind == "") {
		problems = append(problems, refuse(file.at, "policy %q: spec.paramKind needs an apiVersion and a kind", name))
	}
	if spec.MatchConstraints == nil || len(spec.MatchConstraints.ResourceRules) == 0 {
		problems = append(problems, refuse(file.at, "policy %q has no matchConstraints.resourceRules, so it would match nothing; add one", name))
	}
	if policy := spec.FailurePolicy; policy != nil && *policy != admissionv1.Fail && *policy != admissionv1.Ignore {
		problems = append(problems, refuse(file.at, "policy %q: failurePolicy %q is neither Fail nor Ignore", name, *policy))
	}
	problems = append(problems, checkNames(file)...)
	problems = append(problems, checkMatch(matchFile{"policy " + name, file.at, spec.MatchConstraints}, trustLabels))
	return errors.Join(problems...)
}

func checkBinding(file bindingFile, trustLabels bool) error {
	name := file.Name
	var problems []error
	if len(file.Spec.ValidationActions) == 0 {
		problems = append(problems, refuse(file.at, "binding %q has no validationActions; write [Deny]", name))
	}
	for i, action := range file.Spec.ValidationActions {
		if slices.Contains(file.Spec.ValidationActions[:i], action) {
			problems = append(problems, refuse(file.at, "binding %q: validation action %q is there twice", name, action))
		}
		if !slices.Contains([]admissionv1.ValidationAction{admissionv1.Deny, admissionv1.Warn, admissionv1.Audit}, action) {
			problems = append(problems, refuse(file.at, "binding %q: validation action %q is none of Deny, Warn, Audit", name, action))
		}
	}
	if slices.Contains(file.Spec.ValidationActions, admissionv1.Deny) && slices.Contains(file.Spec.ValidationActions, admissionv1.Warn) {
		problems = append(problems, refuse(file.at, "binding %q has the validation actions Deny and Warn, which the API server refuses; write Deny", name))
	}
	problems = append(problems, checkMatch(matchFile{"binding " + name, file.at, file.Spec.MatchResources}, trustLabels))
	return errors.Join(problems...)
}

// matchFile is a policy's or a binding's match, with its name for messages.
type matchFile struct {
	who   string
	at    plugin.Origin
	match *admissionv1.MatchResources
}

func checkMatch(file matchFile, trustLabels bool) error {
	match := file.match
	if match == nil {
		return nil
	}
	var problems []error
	if !emptySelector(match.ObjectSelector) && !trustLabels {
		problems = append(problems, refuse(file.at, "%s: objectSelector reads labels that the application writes, so the application could leave the policy; "+
			"select by namespace, or set spec.judge.trustObjectLabels in the gate", file.who))
	}
	for field, selector := range map[string]*metav1.LabelSelector{"objectSelector": match.ObjectSelector, "namespaceSelector": match.NamespaceSelector} {
		if selector == nil {
			continue
		}
		if _, err := metav1.LabelSelectorAsSelector(selector); err != nil {
			problems = append(problems, refuse(file.at, "%s: reading %s: %v", file.who, field, err))
		}
	}
	if policy := match.MatchPolicy; policy != nil && *policy != admissionv1.Exact && *policy != admissionv1.Equivalent {
		problems = append(problems, refuse(file.at, "%s: matchPolicy %q is neither Exact nor Equivalent", file.who, *policy))
	}
	for _, rule := range append(slices.Clone(match.ResourceRules), match.ExcludeResourceRules...) {
		if scope := rule.Scope; scope != nil && !slices.Contains([]admissionv1.ScopeType{admissionv1.AllScopes, admissionv1.ClusterScope, admissionv1.NamespacedScope}, *scope) {
			problems = append(problems, refuse(file.at, "%s: scope %q is none of *, Cluster, Namespaced", file.who, *scope))
		}
		if len(rule.Operations) == 0 || len(rule.APIGroups) == 0 || len(rule.APIVersions) == 0 || len(rule.Resources) == 0 {
			problems = append(problems, refuse(file.at, "%s: a resource rule needs operations, apiGroups, apiVersions and resources", file.who))
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return compareErrors(a, b) })
	return errors.Join(problems...)
}

func compareErrors(a, b error) int {
	switch {
	case a == nil || b == nil:
		return 0
	case a.Error() < b.Error():
		return -1
	case a.Error() > b.Error():
		return 1
	}
	return 0
}

func emptySelector(selector *metav1.LabelSelector) bool {
	return selector == nil || len(selector.MatchLabels) == 0 && len(selector.MatchExpressions) == 0
}
