package mutate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

const (
	kindPolicy  = "MutatingAdmissionPolicy"
	kindBinding = "MutatingAdmissionPolicyBinding"
)

// policyFile is a MutatingAdmissionPolicy and where it was read.
type policyFile struct {
	admissionv1.MutatingAdmissionPolicy
	at plugin.Origin
	// raw tells two policies apart.
	raw string
}

// head is what the policy has in common with a validating one.
func (f policyFile) head() apiserver.Policy {
	return apiserver.Policy{
		Kind: kindPolicy, Name: f.Name, At: f.at, ParamKind: f.Spec.ParamKind, Match: f.Spec.MatchConstraints, FailurePolicy: f.Spec.FailurePolicy,
		Variables: f.Spec.Variables, Conditions: f.Spec.MatchConditions,
	}
}

// ignores reports whether the policy's errors let the object pass unchanged.
func (f policyFile) ignores() bool {
	return f.Spec.FailurePolicy != nil && *f.Spec.FailurePolicy == admissionv1.Ignore
}

// files are the decoded documents of a configuration. The API server keeps its
// policies in no order; here they are sorted by name, and so are bindings.
type files struct {
	policies []policyFile
	bindings []apiserver.Binding
	params   []*apiserver.Param
}

// heads are the policies as every kind of them has it.
func (f files) heads() []apiserver.Policy {
	heads := make([]apiserver.Policy, len(f.policies))
	for i, file := range f.policies {
		heads[i] = file.head()
	}
	return heads
}

// read decodes policies, bindings and the params that policies name strictly.
// Other documents are somebody else's.
func read(documents []gate.Document) (files, error) {
	var all files
	var problems []error
	for _, document := range documents {
		switch {
		case document.IsMutation() && document.Kind == kindPolicy:
			file := policyFile{at: document.At, raw: string(document.JSON)}
			problems = append(problems, apiserver.DecodeStrictly(document, &file.MutatingAdmissionPolicy))
			all.policies = append(all.policies, file)
		case document.IsMutation():
			var file admissionv1.MutatingAdmissionPolicyBinding
			problems = append(problems, apiserver.DecodeStrictly(document, &file))
			if file.Spec.PolicyName == "" {
				problems = append(problems, apiserver.Refuse(document.At, "binding %q has no policyName", document.Name))
			}
			all.bindings = append(all.bindings, apiserver.Binding{
				Name: file.Name, PolicyName: file.Spec.PolicyName, At: document.At, ParamRef: file.Spec.ParamRef, Match: file.Spec.MatchResources,
			})
		case document.IsMutationParam(documents):
			param, err := apiserver.ReadParam(document)
			problems = append(problems, err)
			all.params = append(all.params, param)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return files{}, err
	}
	slices.SortFunc(all.policies, func(a, b policyFile) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(all.bindings, func(a, b apiserver.Binding) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// check refuses what the API server refuses to store
// (k8s.io/kubernetes pkg/apis/admissionregistration/validation), and what would
// change nothing.
func (f policyFile) check(trustLabels bool) error {
	problems := f.head().Check(trustLabels)
	refuse := func(format string, args ...any) {
		problems = append(problems, apiserver.Refuse(f.at, "policy %q: %s", f.Name, fmt.Sprintf(format, args...)))
	}
	if len(f.Spec.Mutations) == 0 {
		refuse("it has no mutations, so it would change nothing; add one")
	}
	switch f.Spec.ReinvocationPolicy {
	case admissionv1.NeverReinvocationPolicy, admissionv1.IfNeededReinvocationPolicy:
	default:
		refuse("reinvocationPolicy %q is neither Never nor IfNeeded", f.Spec.ReinvocationPolicy)
	}
	for i, mutation := range f.Spec.Mutations {
		if problem := checkMutation(mutation); problem != "" {
			refuse("mutations[%d]: %s", i, problem)
		}
	}
	problems = append(problems, checkOperations(fmt.Sprintf("policy %q", f.Name), f.at, f.Spec.MatchConstraints))
	return errors.Join(problems...)
}

func checkMutation(mutation admissionv1.Mutation) string {
	apply, patch := mutation.ApplyConfiguration, mutation.JSONPatch
	switch {
	case mutation.PatchType != admissionv1.PatchTypeApplyConfiguration && mutation.PatchType != admissionv1.PatchTypeJSONPatch:
		return fmt.Sprintf("patchType %q is neither ApplyConfiguration nor JSONPatch", mutation.PatchType)
	case mutation.PatchType == admissionv1.PatchTypeApplyConfiguration && (apply == nil || patch != nil):
		return "patchType ApplyConfiguration needs applyConfiguration, and no jsonPatch"
	case mutation.PatchType == admissionv1.PatchTypeJSONPatch && (patch == nil || apply != nil):
		return "patchType JSONPatch needs jsonPatch, and no applyConfiguration"
	case strings.TrimSpace(expressionOf(mutation)) == "":
		return "it has no expression"
	}
	return ""
}

func expressionOf(mutation admissionv1.Mutation) string {
	if mutation.JSONPatch != nil {
		return mutation.JSONPatch.Expression
	}
	return mutation.ApplyConfiguration.Expression
}

// checkBinding is that of a binding; its params are checked beside its policy.
func checkBinding(binding apiserver.Binding, trustLabels bool) error {
	problems := []error{binding.Check(trustLabels), checkOperations(fmt.Sprintf("binding %q", binding.Name), binding.At, binding.Match)}
	return errors.Join(problems...)
}

// checkOperations refuses operations that have no object to change.
func checkOperations(who string, at plugin.Origin, match *admissionv1.MatchResources) error {
	if match == nil {
		return nil
	}
	for _, rule := range match.ResourceRules {
		for _, operation := range rule.Operations {
			if !slices.Contains([]admissionv1.OperationType{admissionv1.Create, admissionv1.Update, admissionv1.OperationAll}, operation) {
				return apiserver.Refuse(at, "%s: operation %q has no object to change; write CREATE, UPDATE or *", who, operation)
			}
		}
	}
	return nil
}
