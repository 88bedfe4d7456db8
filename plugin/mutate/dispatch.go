package mutate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	celtypes "github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// invocation is a policy that a binding puts in force for the object, with one
// of its params.
type invocation struct {
	*boundPolicy
	binding apiserver.Binding
	param   *apiserver.Param
	// unknown lists why it may not be in force at all.
	unknown []string
}

// key is the API server's (policy/mutating, keyFor).
func (i invocation) key() string {
	text := i.file.Name + "\x00" + i.binding.Name
	if i.param != nil {
		text += "\x00" + i.param.String()
	}
	return text
}

func (i invocation) bindings() plugincel.OptionalVariableBindings {
	if i.param == nil {
		return plugincel.OptionalVariableBindings{}
	}
	return plugincel.OptionalVariableBindings{VersionedParams: i.param.Object}
}

// dispatch is one round of the API server's dispatcher (policy/mutating,
// dispatchInvocations): which policies apply is decided before any of them is
// asked. It reports whether any may.
func (e *examination) dispatch(ctx context.Context, policies []*boundPolicy) bool {
	invocations, concerned := e.matching(policies)
	versioned := &admission.VersionedAttributes{VersionedKind: e.kind}
	versioned.VersionedObject.Set(e.current)
	for _, each := range invocations {
		if e.refused || ctx.Err() != nil {
			break
		}
		versioned.Attributes = e.attributes(each.boundPolicy, e.current)
		e.invoke(each.compiler.CreateContext(ctx), each, versioned)
		e.current = versioned.VersionedObject.Object()
	}
	if versioned.Dirty {
		e.again.all()
	}
	return concerned
}

// matching lists who is asked, policy by policy and binding by binding.
func (e *examination) matching(policies []*boundPolicy) (invocations []invocation, concerned bool) {
	for _, policy := range policies {
		m := apiserver.Matcher{
			Subject: e.subject(policy), Namespaces: e.namespaces, Attributes: e.attributes(policy, e.current), TrustLabels: policy.together.TrustLabels,
		}
		definition := m.Matches(policy.file.Spec.MatchConstraints)
		if !definition.Applies {
			continue
		}
		for _, binding := range policy.bindings {
			bound := m.Matches(binding.Match)
			if !bound.Applies {
				continue
			}
			concerned = true
			each := invocation{boundPolicy: policy, binding: binding, unknown: slices.Concat(definition.Unknown, bound.Unknown)}
			if definition.Version != "" {
				each.unknown = append(each.unknown, fmt.Sprintf("the object as version %s (the policy asks for another version than it is written in)", definition.Version))
			}
			invocations = append(invocations, e.withParams(each)...)
		}
	}
	return invocations, concerned
}

// withParams is the invocation with each of its params. Those that the
// configuration does not hold, only the cluster may have.
func (e *examination) withParams(each invocation) []invocation {
	found, err := each.params.Of(each.binding.ParamRef, e.subject(each.boundPolicy))
	if err == nil && len(found.Unknown) > 0 {
		err = errors.New(found.Unknown[0])
	}
	if err != nil {
		each.unknown = append(each.unknown, "params: "+err.Error())
		e.undecided(each, each.unknown)
		return nil
	}
	var all []invocation
	for _, param := range found.Params {
		each.param = param
		all = append(all, each)
	}
	return all
}

// subject is the object as it is now.
func (e *examination) subject(policy *boundPolicy) apiserver.Subject {
	s := apiserver.Subject{
		Kind: e.kind, Namespaced: e.place.Namespaced, Object: e.current, Deployer: apiserver.NewDeployer(policy.together.Deployer),
	}
	if accessor, err := meta.Accessor(e.current); err == nil {
		s.Name, s.Namespace, s.Labels = accessor.GetName(), accessor.GetNamespace(), accessor.GetLabels()
	}
	if !s.Namespaced {
		s.Namespace = ""
	}
	return s
}

// attributes are those of a creation: an update by the same rendering has to be
// changed in the same way, or Git and the cluster differ.
func (e *examination) attributes(policy *boundPolicy, object runtime.Object) admission.Attributes {
	s := e.subject(policy)
	return admission.NewAttributesRecord(object, nil, e.kind, s.AdmissionNamespace(), s.Name, e.place.Resource, "", admission.Create, &metav1.CreateOptions{}, false, s.UserInfo())
}

// invoke asks one policy and changes the object.
func (e *examination) invoke(ctx context.Context, each invocation, versioned *admission.VersionedAttributes) {
	applies, unknown, err := e.conditions(ctx, each, versioned)
	switch {
	case err != nil:
		e.failed(each, err)
		return
	case !applies, e.again.second && !e.again.due[each.key()]:
		return
	}
	described := e.namespaces[e.subject(each.boundPolicy).Namespace] != nil
	for _, refs := range each.mutationRefs {
		unknown = append(unknown, refs.Unknown(e.subject(each.boundPolicy), described)...)
	}
	if len(unknown) > 0 {
		e.undecided(each, append(slices.Clone(each.unknown), unknown...))
		return
	}
	before := versioned.VersionedObject.Object()
	e.mutations(ctx, each, versioned)
	if !equal(before, versioned.VersionedObject.Object()) {
		e.again.all()
	}
	if each.file.Spec.ReinvocationPolicy == admissionv1.IfNeededReinvocationPolicy {
		e.again.invoked(each.key())
	}
}

// conditions evaluates matchConditions: one that is false excludes the object,
// whatever the others say (webhook/matchconditions). They are not given the
// namespace.
func (e *examination) conditions(ctx context.Context, each invocation, versioned *admission.VersionedAttributes) (applies bool, unknown []string, err error) {
	if len(each.conditionRefs) == 0 {
		return true, nil, nil
	}
	results, _, err := each.policy.conditions.ForInput(ctx, versioned, e.request(versioned), each.bindings(), nil, celconfig.RuntimeCELCostBudgetMatchConditions)
	if err != nil {
		return false, nil, err
	}
	var problems []error
	for i, result := range results {
		unsaid := each.conditionRefs[i].Unknown(e.subject(each.boundPolicy), true)
		switch {
		case len(unsaid) > 0:
			unknown = append(unknown, unsaid...)
		case result.Error != nil:
			problems = append(problems, result.Error)
		case result.EvalResult == celtypes.False:
			return false, nil, nil
		}
	}
	if len(problems) > 0 {
		return false, nil, utilerrors.NewAggregate(problems)
	}
	return true, unknown, nil
}

// failed is an error of a policy. An error that the API server gives the request
// itself is not lowered by failurePolicy.
func (e *examination) failed(each invocation, err error) {
	finding := e.finding(each)
	finding.Message = "the policy could not be applied: " + err.Error()
	finding.Hint = "correct the policy, or the object; admission would refuse it"
	var status *apierrors.StatusError
	if each.file.ignores() && !errors.As(err, &status) {
		finding.Level = plugin.Warn
		finding.Hint = "correct the policy: failurePolicy: Ignore lets the object pass unchanged"
		e.say(finding)
		return
	}
	e.refuse(finding)
}

// undecided is a policy of which nobody knows before the sync what it changes.
func (e *examination) undecided(each invocation, unknown []string) {
	finding := e.finding(each)
	finding.Level, finding.Indeterminate = each.indeterminate, true
	finding.Message = "what the policy changes cannot be decided offline"
	finding.Why = "what it adds in the cluster would be neither verified nor judged"
	finding.Hint = "describe in the gate what it depends on, or match what does not depend on it"
	for _, reason := range unknown {
		finding.Details = append(finding.Details, "depends on "+reason)
	}
	e.say(finding)
}

// finding names the policy and the binding.
func (e *examination) finding(each invocation) plugin.Finding {
	where := fmt.Sprintf("policy %q (%s), binding %q", each.file.Name, each.file.at, each.binding.Name)
	if each.param != nil {
		where += " with " + each.param.String()
	}
	return plugin.Finding{Rule: rulePrefix + each.file.Name, Details: []string{fmt.Sprintf("%s (%s)", where, each.binding.At)}}
}
