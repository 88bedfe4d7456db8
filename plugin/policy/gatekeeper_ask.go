package policy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/confined"
)

// maxDetails bounds what a finding repeats of a violation's details, in bytes.
const maxDetails = 2 << 10

// constraintQuestion is one constraint and one subject.
type constraintQuestion struct {
	run   *constraintRun
	index int
	as    *reviews
	// applies says for each operation whether the constraint matches.
	applies map[admission.Operation]apiserver.Matched
	// unknown is set when the constraint may or may not apply.
	unknown []string
}

// about is the question of one operation; asked is false when neither the
// template nor the constraint has anything to say about it.
func (q constraintQuestion) about(operation admission.Operation) (_ constraintQuestion, asked bool) {
	applies := q.applies[operation]
	q.unknown = applies.Unknown
	return q, applies.Applies && q.bound().template.file.Spec.Targets[0].asks(string(operation))
}

// bothOperations asks about a creation, and about an update where the answer
// could differ: where the template looks at it, and where the live object is
// known, as the update is then of another one. Without it, what fails on
// creation is not asked about again.
func (q constraintQuestion) bothOperations(ctx context.Context) []plugin.Finding {
	reads, known := q.bound().template.rego.reads, q.as.subject.old != nil
	var findings []plugin.Finding
	creation, created := q.about(admission.Create)
	if created {
		findings = creation.ask(ctx, admission.Create)
	}
	update, updated := q.about(admission.Update)
	if !updated || len(findings) > 0 && !known {
		return findings
	}
	if known || !created || reads.has("operation") || reads.has("oldObject") {
		for _, finding := range update.ask(ctx, admission.Update) {
			findings = appendNew(findings, finding)
		}
	}
	return findings
}

func (q constraintQuestion) bound() *boundConstraint { return &q.run.bound[q.index] }

// ask is what the constraint says; nothing when it passes.
func (q constraintQuestion) ask(ctx context.Context, operation admission.Operation) []plugin.Finding {
	template := q.bound().template.rego
	queries, err := q.run.queries(template)
	if err != nil {
		return q.erred(err)
	}
	review, err := q.as.of(operation)
	if err != nil {
		return q.erred(err)
	}
	input := ast.NewObject(ast.Item(ast.StringTerm("review"), ast.NewTerm(review)), ast.Item(ast.StringTerm("parameters"), ast.NewTerm(q.bound().parameters)))
	question := regoQuestion{queries: queries, input: input, at: q.run.view.sealed.At, deadline: q.run.deadline}
	missing := q.missing(template.reads, operation)
	var answer regoAnswer
	if len(missing) == 0 {
		answer, err = question.ask(ctx)
	} else {
		var paths []string
		for _, each := range missing {
			paths = append(paths, "input.review."+each.path)
		}
		answer, err = question.askPartly(ctx, paths)
	}
	if err != nil {
		return q.erred(err)
	}
	return q.findings(answer, missing)
}

// missingField is a field of the review, the part of it that is not known, and
// why.
type missingField struct{ field, path, why string }

// missing are the fields that the template may read and that nobody knows.
func (q constraintQuestion) missing(reads regoReads, operation admission.Operation) []missingField {
	all := []missingField{
		{"uid", "uid", "input.review.uid (each request has another)"},
		{"options", "options", "input.review.options (how it will be applied)"},
	}
	if unknown := q.as.subject.asked().UserUnknown(false); unknown != "" {
		all = append(all, missingField{"userInfo", "userInfo", "input.review: " + unknown})
	} else {
		all = append(all, missingField{"userInfo", "userInfo.uid", "input.review.userInfo.uid"}, missingField{"userInfo", "userInfo.extra", "input.review.userInfo.extra"})
	}
	if operation == admission.Update && q.as.subject.old == nil {
		all = append(all, missingField{"oldObject", "oldObject", "input.review.oldObject (the object as it is in the cluster)"})
	}
	if s := q.as.subject; s.namespaced && q.as.namespace == nil {
		all = append(all, missingField{"namespaceObject", "namespaceObject", fmt.Sprintf("input.review.namespaceObject (the gate does not describe namespace %q under spec.namespaces)", s.namespace)})
	}
	if s := q.as.subject; s.namespaced && s.namespace == "" {
		all = append(all, missingField{"namespace", "namespace", "input.review.namespace (the destination namespace was not given)"})
	}
	return slices.DeleteFunc(all, func(each missingField) bool { return !reads.has(each.field) })
}

// findings turns an answer into findings.
func (q constraintQuestion) findings(answer regoAnswer, missing []missingField) []plugin.Finding {
	var out []plugin.Finding
	members, isSet := answer.value.([]any)
	if answer.value != nil && !isSet {
		return q.erred(errors.New("its rule violation is no set, so Gatekeeper would never see a violation"))
	}
	for _, member := range members {
		out = appendNew(out, q.violation(member))
	}
	if answer.maybe && len(out) == 0 {
		finding := q.base("it depends on what is not known before the sync")
		for _, each := range missing {
			finding.Details = append(finding.Details, "depends on "+each.why)
		}
		out = append(out, q.undecided(finding))
	}
	if len(answer.undefined) > 0 && len(out) == 0 {
		finding := q.base("a function failed, which Gatekeeper takes for undefined: " + answer.undefined[0])
		finding.Level = max(finding.Level, plugin.Warn)
		finding.Details = append(finding.Details, answer.undefined[1:]...)
		out = append(out, finding)
	}
	return out
}

// violation is one member of the set. Messages about Secrets could quote one,
// so they are not shown.
func (q constraintQuestion) violation(member any) plugin.Finding {
	fields, _ := member.(map[string]any)
	message, found := fields["msg"]
	finding := q.base(messageText(message))
	switch _, secret := q.as.subject.object.(*corev1.Secret); {
	case !found:
		finding.Message = "the template reports a violation without msg, which Gatekeeper passes over"
		finding.Level = max(finding.Level, plugin.Warn)
		return finding
	case secret:
		finding.Message = "the Secret breaks the constraint (the message is not shown, as it could quote the Secret)"
	default:
		addMetadata(&finding, fields["details"])
	}
	if q.bound().template.readsInventory() {
		finding.Details = append(finding.Details, "data.inventory held the rendered objects, without the cluster's own")
	}
	if len(q.unknown) > 0 {
		return q.undecided(finding)
	}
	return finding
}

// addMetadata keeps what a policy says beside its message: the field, if it
// names one, and the rest as JSON.
func addMetadata(finding *plugin.Finding, details any) {
	fields, _ := details.(map[string]any)
	for _, name := range []string{"field", "path"} {
		if text, ok := fields[name].(string); ok && text != "" && finding.Field == "" {
			finding.Field = text
		}
	}
	if len(fields) == 0 {
		return
	}
	if text, err := json.Marshal(details); err == nil && len(text) <= maxDetails {
		finding.Details = append(finding.Details, "details: "+string(text))
	}
}

func messageText(message any) string {
	if text, ok := message.(string); ok && strings.TrimSpace(text) != "" {
		return oneLine(text)
	}
	text, err := json.Marshal(message)
	if err != nil || message == nil || message == "" {
		return "the policy gives no message"
	}
	return string(text)
}

func (q constraintQuestion) base(message string) plugin.Finding {
	bound := q.bound()
	finding := q.as.subject.finding(bound.rule.ID, bound.level, message)
	finding.Why, finding.Hint, finding.Details = bound.rule.Why, bound.rule.Fix, []string{bound.where()}
	return finding
}

// where names the constraint and its line.
func (b *boundConstraint) where() string {
	return fmt.Sprintf("constraint %s (%s), template %s (%s)", b.file.id(), b.file.at, b.template.file.Name, b.template.file.at)
}

// undecided marks a finding that may not be one.
func (q constraintQuestion) undecided(finding plugin.Finding) plugin.Finding {
	finding.Indeterminate = true
	finding.Message = "cannot be decided offline: " + finding.Message
	if finding.Level.Blocks() {
		finding.Level = q.run.indeterminate
	}
	for _, unknown := range q.unknown {
		finding.Details = append(finding.Details, "depends on "+unknown)
	}
	return finding
}

// erred is a template that gives no answer: Gatekeeper takes it for a
// violation. One that is too slow is not asked again in this rendering.
func (q constraintQuestion) erred(err error) []plugin.Finding {
	if !errors.Is(err, confined.ErrCost) {
		return []plugin.Finding{q.base("the template could not be evaluated: " + err.Error())}
	}
	if q.run.slow[q.index].Swap(true) {
		return nil
	}
	finding := q.base(fmt.Sprintf("the template costs too much: it did not answer within %s, and is not asked about the other objects", cmp.Or(q.run.deadline, confined.Deadline)))
	finding.Hint = "make the template cheaper: bind variables before loops over them, and compare by key"
	return []plugin.Finding{finding}
}
