package policy

import (
	"context"
	"encoding/json"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// celCode is the source of the engine K8sNativeValidation (Gatekeeper's
// pkg/drivers/k8scel/schema). Its match conditions stand under matchCondition;
// matchConditions, which Gatekeeper passes over, is an unknown field here.
type celCode struct {
	Validations     []admissionv1.Validation     `json:"validations"`
	FailurePolicy   *string                      `json:"failurePolicy"`
	MatchConditions []admissionv1.MatchCondition `json:"matchCondition"`
	Variables       []admissionv1.Variable       `json:"variables"`
	// GenerateVAP says how the cluster enforces it and changes no verdict.
	GenerateVAP *bool `json:"generateVAP"`
}

// The names that Gatekeeper gives to what a template may read.
const (
	celParams    = "params"
	celAnyObject = "anyObject"
	celReserved  = "gatekeeper_internal_"
)

// compileCEL compiles a template in CEL as the ValidatingAdmissionPolicy that
// Gatekeeper makes of it: the same variables, the same cost budgets.
func (c *Compiler) compileCEL(file templateFile, source json.RawMessage) (*admissionPolicy, error) {
	var code celCode
	if err := apiserver.DecodeStrictly(gate.Document{Kind: "the CEL source of template", Name: file.Name, JSON: source, At: file.at}, &code); err != nil {
		return nil, err
	}
	if len(code.Validations) == 0 {
		return nil, apiserver.Refuse(file.at, "template %q has no validations, so it would let everything through; add one", file.Name)
	}
	made := policyFile{at: file.at, raw: file.raw}
	made.Name = file.Name
	spec := &made.Spec
	spec.ParamKind = &admissionv1.ParamKind{APIVersion: "constraints.gatekeeper.sh/v1beta1", Kind: file.Spec.CRD.Spec.Names.Kind}
	spec.MatchConditions, spec.Validations = code.MatchConditions, code.Validations
	spec.Variables = append([]admissionv1.Variable{
		{Name: celAnyObject, Expression: "object"}, // oldObject on DELETE, which no sync is judged as
		{Name: celParams, Expression: "!has(params.spec) ? null : !has(params.spec.parameters) ? null : params.spec.parameters"},
	}, code.Variables...)
	switch policy := code.FailurePolicy; {
	case policy == nil:
	case *policy == string(admissionv1.Fail) || *policy == string(admissionv1.Ignore):
		failure := admissionv1.FailurePolicyType(*policy)
		spec.FailurePolicy = &failure
	default:
		return nil, apiserver.Refuse(file.at, "template %q: failurePolicy %q is neither Fail nor Ignore", file.Name, *policy)
	}
	for _, variable := range code.Variables {
		if variable.Name == celParams || variable.Name == celAnyObject || strings.HasPrefix(variable.Name, celReserved) {
			return nil, apiserver.Refuse(file.at, "template %q: the variable %q is Gatekeeper's own; rename it", file.Name, variable.Name)
		}
	}
	for _, condition := range code.MatchConditions {
		if strings.HasPrefix(condition.Name, celReserved) {
			return nil, apiserver.Refuse(file.at, "template %q: the match condition %q is Gatekeeper's own; rename it", file.Name, condition.Name)
		}
	}
	compiled := newAdmissionPolicy(made)
	if err := c.compilePolicy(compiled); err != nil {
		return nil, err
	}
	return compiled, nil
}

// checkCEL refuses a match condition by which the application could leave the
// constraint, as that of a ValidatingAdmissionPolicy is.
func (t *constraintTemplate) checkCEL(trustLabels bool) error {
	if t.cel == nil || trustLabels {
		return nil
	}
	for i, refs := range t.cel.conditionRefs {
		if refs.ObjectLabels {
			return apiserver.Refuse(t.file.at, "template %q: match condition %q reads labels that the application writes, so the application could leave the policy; "+
				"move it into a validation, or set spec.judge.trustObjectLabels in the gate", t.file.Name, t.cel.file.Spec.MatchConditions[i].Name)
		}
	}
	return nil
}

// celObject is the constraint as expressions read it.
func (f constraintFile) celObject(parameters bool) *unstructured.Unstructured {
	spec := map[string]any{}
	if parameters {
		spec["parameters"] = f.Spec.Parameters
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": f.APIVersion, "kind": f.Kind, "metadata": map[string]any{"name": f.Name}, "spec": spec,
	}}
}

// askCEL asks about a creation, and about an update where the answer could
// differ, as a ValidatingAdmissionPolicy is asked.
func (q constraintQuestion) askCEL(ctx context.Context) []plugin.Finding {
	bound := q.bound()
	policy, known := bound.template.cel, q.as.subject.old != nil
	var findings []plugin.Finding
	answered := false
	for _, operation := range operations() {
		q, asked := q.about(operation)
		switch {
		case !asked:
			continue
		case operation == admission.Update && policy.readsOldObject && !known:
			if len(findings) == 0 {
				finding := q.base("whether an update passes")
				finding.Details = append(finding.Details, "depends on oldObject (the object as it is in the cluster)")
				findings = append(findings, q.undecided(finding))
			}
			continue
		case answered && !policy.operationMatters && !known:
			continue
		}
		answered = true
		run := evaluation{policy: policy, subject: q.as.subject, request: q.as.subject.request(operation), namespace: q.as.namespace, params: bound.celParams, unknown: q.unknown}
		for _, failed := range run.run(ctx) {
			findings = appendNew(findings, q.celFinding(failed, policy.ignore))
		}
	}
	return findings
}

func (q constraintQuestion) celFinding(failed failure, ignore bool) plugin.Finding {
	finding := q.base(failed.message)
	if failed.erred {
		finding.Message = "the template could not be evaluated: " + failed.message
		if ignore {
			finding.Level = max(finding.Level, plugin.Warn)
			finding.Details = append(finding.Details, "failurePolicy: Ignore lets it pass")
		}
	}
	if len(failed.unknown) == 0 {
		return finding
	}
	q.unknown = failed.unknown
	return q.undecided(finding)
}
