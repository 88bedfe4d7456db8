package policy

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin"
)

// constraintTemplate is a compiled ConstraintTemplate, shared by gates.
type constraintTemplate struct {
	file   templateFile
	schema *parameterSchema
	// cel is set for a template in CEL, which Gatekeeper prefers where there is
	// Rego too, and rego for all others.
	cel  *admissionPolicy
	rego *regoTemplate
}

// readsInventory reports whether the template looks at what the cluster holds.
func (t *constraintTemplate) readsInventory() bool { return t.rego != nil && t.rego.reads.inventory }

// boundConstraint is a constraint and its template.
type boundConstraint struct {
	file     constraintFile
	template *constraintTemplate
	rule     Rule
	level    plugin.Level
	// parameters are for Rego, celParams for CEL.
	parameters ast.Value
	celParams  runtime.Object
}

/*
constraints judges by Gatekeeper's constraints, as the webhook
validation.gatekeeper.sh would: templates in Rego are evaluated by OPA, those in
CEL by the API server's own code, as every ValidatingAdmissionPolicy here.

A constraint is asked about the creation of every object that it matches, and of
the Pods that workloads make; about an update too where its template looks at
the operation, or the live object is given. What the webhook knows and the gate does not (who applies the
object, what it was, its Namespace) makes the answer indeterminate, unless the
answer is the same whatever it is. Errors of built-in functions leave an
expression undefined, as they do in Gatekeeper; that this happened is shown.
*/
type constraints struct {
	bound       []boundConstraint
	trustLabels bool
	// inventoryComplete takes the rendered objects for all that there are.
	inventoryComplete bool
	indeterminate     plugin.Level
	// deadline bounds one question; zero is confined.Deadline.
	deadline time.Duration
}

// constraintRun is one rendering before the constraints.
type constraintRun struct {
	*constraints
	view *view
	// inventories has a query over the inventory for each template that reads it.
	inventories map[*regoTemplate]func() (regoQueries, error)
	// slow marks constraints that did not answer in time once, and are not asked
	// again; asked those that were asked about some object.
	slow, asked []atomic.Bool
}

func (c *constraints) judge(ctx context.Context, v *view) []plugin.Finding {
	run := &constraintRun{constraints: c, view: v, slow: make([]atomic.Bool, len(c.bound)), asked: make([]atomic.Bool, len(c.bound))}
	run.prepare(ctx)
	findings := make([][]plugin.Finding, len(v.subjects))
	sideBySide(len(v.subjects), func(s int) {
		if webhookExempt(v.subjects[s]) || v.subjects[s].template.partial {
			return
		}
		for _, place := range append([]*subject{v.subjects[s]}, v.subjects[s].others...) {
			for _, finding := range run.subject(ctx, place) {
				findings[s] = appendNew(findings[s], finding)
			}
		}
	})
	all := slices.Concat(findings...)
	return append(all, run.unseen(all)...)
}

// webhookExempt reports whether admission never asks webhooks about the kind,
// as they could lock their own repair out (webhook/predicates/rules,
// IsExemptAdmissionConfigurationResource). The rule self/admission covers them.
func webhookExempt(s *subject) bool {
	return s.kind.Group == "admissionregistration.k8s.io" &&
		(strings.HasSuffix(s.kind.Kind, "WebhookConfiguration") || strings.Contains(s.kind.Kind, "AdmissionPolicy"))
}

// prepare lets the templates that read the inventory share one; the others
// were prepared when the gate was loaded.
func (r *constraintRun) prepare(ctx context.Context) {
	inventory := sync.OnceValues(func() (storage.Store, error) { return newInventory(r.view) })
	r.inventories = map[*regoTemplate]func() (regoQueries, error){}
	for i := range r.bound {
		template := r.bound[i].template.rego
		if !r.bound[i].template.readsInventory() || r.inventories[template] != nil {
			continue
		}
		r.inventories[template] = sync.OnceValues(func() (regoQueries, error) {
			store, err := inventory()
			if err != nil {
				return regoQueries{}, err
			}
			return template.prepare(ctx, store)
		})
	}
}

func (r *constraintRun) queries(template *regoTemplate) (regoQueries, error) {
	if prepared := r.inventories[template]; prepared != nil {
		return prepared()
	}
	return template.alone, nil
}

// subject asks all constraints about one subject in one place.
func (r *constraintRun) subject(ctx context.Context, s *subject) []plugin.Finding {
	var findings []plugin.Finding
	as := &reviews{subject: s, namespace: r.view.namespaces[s.namespace], made: map[admission.Operation]ast.Value{}}
	match := r.view.matcher(s, r.trustLabels)
	for i := range r.bound {
		applies := match.operations(r.bound[i].file.Spec.Match)
		if !applies[admission.Create].Applies && !applies[admission.Update].Applies || ctx.Err() != nil || r.slow[i].Load() {
			continue
		}
		r.asked[i].Store(true)
		question := constraintQuestion{run: r, index: i, as: as, applies: applies}
		if r.bound[i].template.cel != nil {
			findings = append(findings, question.askCEL(ctx)...)
			continue
		}
		findings = append(findings, question.bothOperations(ctx)...)
	}
	return findings
}

// unseen says of the constraints that look at the cluster's own objects, and
// found nothing wrong with the rendered ones, that they might.
func (r *constraintRun) unseen(findings []plugin.Finding) []plugin.Finding {
	var out []plugin.Finding
	for i := range r.bound {
		bound := &r.bound[i]
		found := slices.ContainsFunc(findings, func(f plugin.Finding) bool { return f.Rule == bound.rule.ID })
		if found || !bound.template.readsInventory() || !r.asked[i].Load() {
			continue
		}
		finding := plugin.Finding{
			Rule: bound.rule.ID, Level: bound.level, Why: bound.rule.Why, Details: []string{bound.where()},
			Message: "the rendered objects pass; the template also compares them with the cluster's own objects (data.inventory), which are not seen before the sync",
			Hint:    "set spec.judge.inventoryComplete in the gate if the rendered objects are all that count",
		}
		switch {
		case r.inventoryComplete:
			finding.Level, finding.Hint = plugin.Info, ""
		case finding.Level.Blocks():
			finding.Level, finding.Indeterminate = r.indeterminate, true
		default:
			finding.Indeterminate = true
		}
		out = append(out, finding)
	}
	return out
}
