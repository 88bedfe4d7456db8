package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	policieskyvernoio "github.com/kyverno/api/api/policies.kyverno.io"
	kyvernov1 "github.com/kyverno/api/api/policies.kyverno.io/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// The kinds of Kyverno that are read, in the versions that mean the same.
const (
	kindKyvernoPolicy           = policieskyvernoio.ValidatingPolicyKind
	kindKyvernoNamespacedPolicy = policieskyvernoio.NamespacedValidatingPolicyKind
	kindKyvernoException        = "PolicyException"
	kyvernoGroup                = "policies.kyverno.io"
)

// kyvernoFile is a ValidatingPolicy or a NamespacedValidatingPolicy and where
// it was read.
type kyvernoFile struct {
	kyvernov1.ValidatingPolicy
	at plugin.Origin
	// raw tells two policies apart.
	raw string
}

// namespaced reports whether the policy is in force in its own namespace only.
func (f kyvernoFile) namespaced() bool { return f.Kind == kindKyvernoNamespacedPolicy }

// exceptionFile is a PolicyException and where it was read.
type exceptionFile struct {
	kyvernov1.PolicyException
	at plugin.Origin
}

// kyvernoFiles are the decoded documents of a configuration.
type kyvernoFiles struct {
	policies   []kyvernoFile
	exceptions []exceptionFile
}

// isKyverno reports whether a document is one of Kyverno's, read or not.
func isKyverno(document gate.Document) bool {
	group, _, _ := strings.Cut(document.APIVersion, "/")
	return group == "kyverno.io" || strings.HasSuffix(group, ".kyverno.io")
}

// readKyverno decodes strictly. Kinds that are not read are refused by name.
func readKyverno(documents []gate.Document) (kyvernoFiles, error) {
	var files kyvernoFiles
	var problems []error
	for _, document := range documents {
		problems = append(problems, files.read(document))
	}
	return files, errors.Join(problems...)
}

func (f *kyvernoFiles) read(document gate.Document) error {
	switch document.APIVersion {
	case kyvernoGroup + "/v1", kyvernoGroup + "/v1beta1":
	default:
		return refuseKyverno(document)
	}
	switch document.Kind {
	case kindKyvernoPolicy, kindKyvernoNamespacedPolicy:
		file := kyvernoFile{at: document.At, raw: string(document.JSON)}
		if err := apiserver.DecodeStrictly(document, &file.ValidatingPolicy); err != nil {
			return err
		}
		f.policies = append(f.policies, file)
	case kindKyvernoException:
		file := exceptionFile{at: document.At}
		if err := apiserver.DecodeStrictly(document, &file.PolicyException); err != nil {
			return err
		}
		f.exceptions = append(f.exceptions, file)
	default:
		return refuseKyverno(document)
	}
	return nil
}

func refuseKyverno(document gate.Document) error {
	return apiserver.Refuse(document.At, "%s %s %q is not supported; %s", document.APIVersion, document.Kind, document.Name, gate.KyvernoHint(document.Kind, document.APIVersion))
}

// check refuses what is not implemented, and what would mean less than its
// author may think. webhookConfiguration and the generation of a
// ValidatingAdmissionPolicy set the cluster up and change no verdict.
func (f kyvernoFile) check(trustLabels bool) error {
	spec, name := f.Spec, f.Name
	var problems []error
	if f.namespaced() == (f.Namespace == "") {
		problems = append(problems, apiserver.Refuse(f.at, "%s %q: a NamespacedValidatingPolicy needs metadata.namespace, a ValidatingPolicy has none", f.Kind, name))
	}
	if mode := spec.EvaluationMode(); mode != policieskyvernoio.EvaluationModeKubernetes {
		problems = append(problems, apiserver.Refuse(f.at, "policy %q: evaluation.mode %q is not supported; only Kubernetes objects are judged", name, mode))
	}
	if len(spec.Validations) == 0 {
		problems = append(problems, apiserver.Refuse(f.at, "policy %q has no validations, so it would let everything through; add one", name))
	}
	if spec.MatchConstraints == nil || len(spec.MatchConstraints.ResourceRules) == 0 {
		problems = append(problems, apiserver.Refuse(f.at, "policy %q has no matchConstraints.resourceRules, so it would match nothing; add one", name))
	}
	if policy := spec.FailurePolicy; policy != nil && *policy != admissionv1.Fail && *policy != admissionv1.Ignore {
		problems = append(problems, apiserver.Refuse(f.at, "policy %q: failurePolicy %q is neither Fail nor Ignore", name, *policy))
	}
	for _, action := range spec.ValidationActions() {
		if !slices.Contains([]admissionv1.ValidationAction{admissionv1.Deny, admissionv1.Warn, admissionv1.Audit}, action) {
			problems = append(problems, apiserver.Refuse(f.at, "policy %q: validation action %q is none of Deny, Warn, Audit", name, action))
		}
	}
	problems = append(problems, f.checkControllers(), apiserver.Match{Who: "policy " + name, At: f.at, Resources: spec.MatchConstraints}.Check(trustLabels))
	return errors.Join(problems...)
}

// checkControllers refuses a controller that Kyverno would pass over without a
// word.
func (f kyvernoFile) checkControllers() error {
	var problems []error
	for _, controller := range f.controllers() {
		if !slices.Contains(kyvernoControllers(), controller) && strings.Count(controller, ".") < 2 {
			problems = append(problems, apiserver.Refuse(f.at, "policy %q: autogen.podControllers: there is no controller %q%s; write one of %v, or resource.version.group",
				f.Name, controller, plugin.Nearest(controller, kyvernoControllers()), kyvernoControllers()))
		}
	}
	return errors.Join(problems...)
}

// kyvernoControllers are the workloads for which Kyverno rewrites a policy for
// Pods by default.
func kyvernoControllers() []string {
	return []string{"cronjobs", "daemonsets", "deployments", "jobs", "replicasets", "statefulsets"}
}

// controllers are the workloads at whose own admission the policy is asked.
func (f kyvernoFile) controllers() []string {
	if auto := f.Spec.AutogenConfiguration; auto != nil && auto.PodControllers != nil && auto.PodControllers.Controllers != nil {
		return auto.PodControllers.Controllers
	}
	return kyvernoControllers()
}

// asksControllers reports whether Kyverno rewrites the policy for workloads at
// all: only one that matches Pods and nothing else, by no more than namespaces
// (pkg/cel/autogen CanAutoGen).
func (f kyvernoFile) asksControllers() bool {
	match := f.Spec.MatchConstraints
	if !apiserver.EmptySelector(match.ObjectSelector) || len(match.ExcludeResourceRules) > 0 || len(match.ResourceRules) != 1 {
		return false
	}
	rule := match.ResourceRules[0]
	return len(rule.ResourceNames) == 0 && slices.Equal(rule.APIGroups, []string{""}) &&
		slices.Equal(rule.APIVersions, []string{"v1"}) && slices.Equal(rule.Resources, []string{"pods"})
}

// kyvernoRule is the page of a policy that the platform team wrote.
func kyvernoRule(file kyvernoFile) Rule {
	why := file.Annotations["policies.kyverno.io/description"]
	if why == "" {
		why = file.Annotations["description"]
	}
	return Rule{
		ID: policyRule + file.Name, Title: file.Name, Adjustable: true, Why: strings.Join(strings.Fields(why), " "),
		Fix: fmt.Sprintf("change the object so that the policy %s accepts it", file.Name),
	}
}
