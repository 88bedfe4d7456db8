package policy

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/assay-gitops/assay/plugin/confined"
)

// regoQueries ask for one rule: with everything known, and with some of the
// input unknown.
type regoQueries struct {
	known   rego.PreparedEvalQuery
	partial rego.PreparedPartialQuery
}

// regoQuestion is one evaluation of one rule.
type regoQuestion struct {
	queries regoQueries
	input   ast.Value
	// at is the run's clock.
	at time.Time
	// deadline bounds it; zero is [confined.Deadline].
	deadline time.Duration
	// strict is set when the query was prepared to make a built-in function's
	// error the rule's; else such errors are collected.
	strict bool
}

// regoAnswer is what a policy says.
type regoAnswer struct {
	// value is the rule's, in JSON's types; nil when it is undefined.
	value any
	// maybe is set when there may be more, as something is unknown.
	maybe bool
	// undefined are errors of built-in functions that made an expression
	// undefined.
	undefined []string
}

// bounded runs an evaluation within the question's deadline.
func (q regoQuestion) bounded(ctx context.Context, evaluate func(context.Context) error) error {
	return confined.Bounded(ctx, cmp.Or(q.deadline, confined.Deadline), evaluate)
}

// ask evaluates the rule with everything known.
func (q regoQuestion) ask(ctx context.Context) (regoAnswer, error) {
	var answer regoAnswer
	var undefined []topdown.Error
	err := q.bounded(ctx, func(ctx context.Context) error {
		options := []rego.EvalOption{rego.EvalParsedInput(q.input), rego.EvalTime(q.at)}
		if !q.strict {
			options = append(options, rego.EvalBuiltinErrorList(&undefined))
		}
		results, err := q.queries.known.Eval(ctx, options...)
		if len(results) > 0 && len(results[0].Expressions) > 0 {
			answer.value = results[0].Expressions[0].Value
		}
		return err
	})
	for _, each := range undefined {
		answer.undefined = append(answer.undefined, oneLine(each.Error()))
	}
	slices.Sort(answer.undefined)
	answer.undefined = slices.Compact(answer.undefined)
	return answer, err
}

// askPartly evaluates the rule, a set, with paths of the input unknown. What
// stands in the answer is there whatever they are.
func (q regoQuestion) askPartly(ctx context.Context, unknown []string) (regoAnswer, error) {
	var answer regoAnswer
	err := q.bounded(ctx, func(ctx context.Context) error {
		partial, err := q.queries.partial.Partial(ctx, rego.EvalParsedInput(q.input), rego.EvalTime(q.at), rego.EvalUnknowns(unknown))
		if err != nil {
			return err
		}
		var certain []any
		for _, body := range partial.Queries {
			member, ground := groundMember(body)
			if !ground {
				answer.maybe = true
				continue
			}
			value, err := ast.JSON(member)
			if err != nil {
				return err
			}
			certain = append(certain, value)
		}
		answer.value = certain
		return nil
	})
	return answer, err
}

// groundMember is the member of the set that a condition without anything
// unknown in it stands for.
func groundMember(body ast.Body) (ast.Value, bool) {
	if len(body) != 1 || !body[0].IsEquality() || body[0].Negated || len(body[0].With) > 0 {
		return nil, false
	}
	for _, operand := range body[0].Operands() {
		if _, isVar := operand.Value.(ast.Var); !isVar && operand.IsGround() {
			if _, isRef := operand.Value.(ast.Ref); !isRef {
				return operand.Value, true
			}
		}
	}
	return nil, false
}
