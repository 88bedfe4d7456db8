package predicate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"

	"github.com/assay-gitops/assay/plugin/confined"
)

const (
	// celCost bounds what one expression may cost, in CEL's units: as much as the
	// API server allows one expression (k8s.io/apiserver, PerCallLimit).
	celCost = 1_000_000
	// celInterrupt is after how many steps of a loop the deadline is looked at.
	celInterrupt = 100
)

// Expression is a compiled CEL expression over variables in JSON's types.
type Expression struct{ program cel.Program }

// NewExpression compiles a text whose answer is a boolean. Beside the variables,
// now is the time by which ages are judged.
func NewExpression(text string, variables ...string) (Expression, error) {
	options := []cel.EnvOption{
		cel.Variable("now", cel.TimestampType), cel.CrossTypeNumericComparisons(true), ext.Strings(), ext.Sets(), ext.Lists(), cel.OptionalTypes(),
	}
	for _, variable := range variables {
		options = append(options, cel.Variable(variable, cel.DynType))
	}
	environment, err := cel.NewEnv(options...)
	if err != nil {
		return Expression{}, fmt.Errorf("making the environment: %w", err)
	}
	compiled, issues := environment.Compile(text)
	if issues.Err() != nil {
		return Expression{}, fmt.Errorf("it does not compile: %s", strings.Join(strings.Fields(issues.Err().Error()), " "))
	}
	if kind := compiled.OutputType(); !kind.IsExactType(cel.BoolType) && !kind.IsExactType(cel.DynType) {
		return Expression{}, fmt.Errorf("it is of type %s, not a boolean", kind)
	}
	program, err := environment.Program(compiled, cel.CostLimit(celCost), cel.InterruptCheckFrequency(celInterrupt))
	if err != nil {
		return Expression{}, fmt.Errorf("it does not compile: %w", err)
	}
	return Expression{program}, nil
}

// Holds evaluates with the variables' values, as [Decode] makes them. An error
// is no answer, and no "yes".
func (e Expression) Holds(ctx context.Context, values map[string]any, at time.Time) (bool, error) {
	input := map[string]any{"now": at}
	for name, value := range values {
		input[name] = value
	}
	holds := false
	err := confined.Bounded(ctx, confined.Deadline, func(ctx context.Context) error {
		answer, _, err := e.program.ContextEval(ctx, input)
		if err != nil {
			return err
		}
		value, isBool := answer.Value().(bool)
		if !isBool {
			return errors.New("the answer is no boolean")
		}
		holds = value
		return nil
	})
	return holds, err
}

// Decode reads JSON for expressions: whole numbers that fit are int64.
func Decode(data []byte) (any, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	return plain(value), nil
}

func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = plain(member)
		}
	case []any:
		for i, member := range value {
			value[i] = plain(member)
		}
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		if number, err := value.Float64(); err == nil {
			return number
		}
		return value.String()
	}
	return value
}

// celCondition is an expression over the statement and its predicate.
type celCondition struct{ expression Expression }

func newCELCondition(text string) (Condition, error) {
	expression, err := NewExpression(text, "statement", "predicate")
	return celCondition{expression}, err
}

// Holds implements [Condition].
func (c celCondition) Holds(ctx context.Context, statement []byte, at time.Time) error {
	whole, err := Decode(statement)
	if err != nil {
		return err
	}
	fields, _ := whole.(map[string]any)
	holds, err := c.expression.Holds(ctx, map[string]any{"statement": whole, "predicate": fields["predicate"]}, at)
	switch {
	case err != nil:
		return fmt.Errorf("its condition could not be evaluated: %w", err)
	case !holds:
		return errors.New("its condition does not hold")
	}
	return nil
}
