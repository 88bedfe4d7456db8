package policy

import (
	"errors"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
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

// head is what the policy has in common with a mutating one.
func (f policyFile) head() apiserver.Policy {
	return apiserver.Policy{
		Kind: kindPolicy, Name: f.Name, At: f.at, ParamKind: f.Spec.ParamKind, Match: f.Spec.MatchConstraints, FailurePolicy: f.Spec.FailurePolicy,
		Variables: f.Spec.Variables, Conditions: f.Spec.MatchConditions,
	}
}

// head is what the binding has in common with that of a mutating policy.
func (f bindingFile) head() apiserver.Binding {
	return apiserver.Binding{Name: f.Name, PolicyName: f.Spec.PolicyName, At: f.at, ParamRef: f.Spec.ParamRef, Match: f.Spec.MatchResources}
}

// admissionFiles are the decoded documents of a configuration.
type admissionFiles struct {
	policies []policyFile
	bindings []bindingFile
	params   []*apiserver.Param
}

// readAdmission decodes policies, bindings and the params that policies name
// strictly. Other documents are refused by name, as a policy that nobody reads
// is a hole; mutating policies and their params are plugin/mutate's.
func readAdmission(documents []gate.Document) (admissionFiles, error) {
	var files admissionFiles
	var problems []error
	var others []gate.Document
	for _, document := range documents {
		if document.IsMutation() {
			continue
		}
		switch document.APIVersion {
		case "admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1":
			problems = append(problems, files.read(document))
		case "apiextensions.k8s.io/v1": // schemas reads it
		default:
			others = append(others, document)
		}
	}
	for _, document := range others {
		if files.named(document) || !document.IsMutationParam(documents) {
			problems = append(problems, files.readParam(document))
		}
	}
	return files, errors.Join(problems...)
}

// heads are the policies and bindings as every kind of them has it.
func (f admissionFiles) heads() (policies []apiserver.Policy, bindings []apiserver.Binding) {
	for _, file := range f.policies {
		policies = append(policies, file.head())
	}
	for _, file := range f.bindings {
		bindings = append(bindings, file.head())
	}
	return policies, bindings
}

// readParam takes an object of a kind that a policy names as its paramKind.
func (f *admissionFiles) readParam(document gate.Document) error {
	if !f.named(document) {
		return apiserver.Refuse(document.At, "%s %s %q is not supported; ValidatingAdmissionPolicy of admissionregistration.k8s.io/v1 is, and what its spec.paramKind names",
			document.APIVersion, document.Kind, document.Name)
	}
	param, err := apiserver.ReadParam(document)
	if err == nil {
		f.params = append(f.params, param)
	}
	return err
}

// named reports whether a policy takes the document as its params.
func (f *admissionFiles) named(document gate.Document) bool {
	return slices.ContainsFunc(f.policies, func(file policyFile) bool {
		kind := file.Spec.ParamKind
		return kind != nil && kind.APIVersion == document.APIVersion && kind.Kind == document.Kind
	})
}

func (f *admissionFiles) read(document gate.Document) error {
	switch document.Kind {
	case kindPolicy:
		file := policyFile{at: document.At, raw: string(document.JSON)}
		if err := apiserver.DecodeStrictly(document, &file.ValidatingAdmissionPolicy); err != nil {
			return err
		}
		f.policies = append(f.policies, file)
	case kindBinding:
		file := bindingFile{at: document.At}
		if err := apiserver.DecodeStrictly(document, &file.ValidatingAdmissionPolicyBinding); err != nil {
			return err
		}
		f.bindings = append(f.bindings, file)
	default:
		return apiserver.Refuse(document.At, "%s %q is not supported; only %s and %s are", document.Kind, document.Name, kindPolicy, kindBinding)
	}
	return nil
}

// checkPolicy refuses what is not implemented, and what would mean less than
// its author may think.
func checkPolicy(file policyFile, trustLabels bool) error {
	spec, name := file.Spec, file.Name
	var problems []error
	if len(spec.Validations) == 0 && len(spec.AuditAnnotations) == 0 {
		problems = append(problems, apiserver.Refuse(file.at, "policy %q has no validations, so it would let everything through; add one", name))
	}
	for i, validation := range spec.Validations {
		if strings.ContainsAny(strings.TrimSpace(validation.Message), "\r\n") {
			problems = append(problems, apiserver.Refuse(file.at, "policy %q: the message of validation %d has several lines; write one", name, i+1))
		}
	}
	problems = append(problems, file.head().Check(trustLabels)...)
	return errors.Join(problems...)
}

func checkBinding(file bindingFile, trustLabels bool) error {
	name := file.Name
	var problems []error
	if len(file.Spec.ValidationActions) == 0 {
		problems = append(problems, apiserver.Refuse(file.at, "binding %q has no validationActions; write [Deny]", name))
	}
	for i, action := range file.Spec.ValidationActions {
		if slices.Contains(file.Spec.ValidationActions[:i], action) {
			problems = append(problems, apiserver.Refuse(file.at, "binding %q: validation action %q is there twice", name, action))
		}
		if !slices.Contains([]admissionv1.ValidationAction{admissionv1.Deny, admissionv1.Warn, admissionv1.Audit}, action) {
			problems = append(problems, apiserver.Refuse(file.at, "binding %q: validation action %q is none of Deny, Warn, Audit", name, action))
		}
	}
	if slices.Contains(file.Spec.ValidationActions, admissionv1.Deny) && slices.Contains(file.Spec.ValidationActions, admissionv1.Warn) {
		problems = append(problems, apiserver.Refuse(file.at, "binding %q has the validation actions Deny and Warn, which the API server refuses; write Deny", name))
	}
	problems = append(problems, file.head().Check(trustLabels))
	return errors.Join(problems...)
}
