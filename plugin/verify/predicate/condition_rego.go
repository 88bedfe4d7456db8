package predicate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/assay-gitops/assay/plugin/confined"
)

// regoCondition is a module in Rego v0 with the meaning of cosign's and
// policy-controller's: package sigstore, whose rule isCompliant is true, or a
// list of objects with result, warning and error.
type regoCondition struct{ query rego.PreparedEvalQuery }

const (
	regoPackage = "data.sigstore"
	regoRule    = "isCompliant"
)

func newRegoCondition(text string) (Condition, error) {
	module, err := ast.ParseModuleWithOpts("policy.rego", text, ast.ParserOptions{RegoVersion: ast.RegoV0})
	switch {
	case err != nil:
		return nil, fmt.Errorf("it does not parse as Rego v0: %s", confined.Messages(err))
	case module == nil:
		return nil, errors.New("it holds no Rego")
	case module.Package.Path.String() != regoPackage:
		return nil, fmt.Errorf("its package is %s; the rule that is asked is sigstore.%s", module.Package.Path, regoRule)
	}
	for _, call := range confined.RefusedCalls(module) {
		return nil, fmt.Errorf("line %d: %s may not be called here: %s", call.Line, call.Name, call.Why)
	}
	capabilities := confined.NewCapabilities()()
	compiler, err := confined.Compile([]*ast.Module{module}, ast.RegoV0, capabilities)
	if err != nil {
		return nil, fmt.Errorf("it does not compile: %w", err)
	}
	query, err := rego.New(rego.Compiler(compiler), rego.Capabilities(capabilities), rego.SetRegoVersion(ast.RegoV0),
		rego.Query(regoPackage+"."+regoRule)).PrepareForEval(context.Background())
	if err != nil {
		return nil, fmt.Errorf("it does not compile: %s", confined.Messages(err))
	}
	return regoCondition{query}, nil
}

// Holds implements [Condition]. A warning is no "yes", as for policy-controller.
func (c regoCondition) Holds(ctx context.Context, statement []byte, at time.Time) error {
	var input any
	decoder := json.NewDecoder(bytes.NewReader(statement))
	decoder.UseNumber()
	if err := decoder.Decode(&input); err != nil {
		return fmt.Errorf("reading the statement: %w", err)
	}
	var results rego.ResultSet
	err := confined.Bounded(ctx, confined.Deadline, func(ctx context.Context) error {
		var err error
		results, err = c.query.Eval(ctx, rego.EvalInput(input), rego.EvalTime(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("its condition could not be evaluated: %w", err)
	}
	for _, result := range results {
		for _, expression := range result.Expressions {
			return regoAnswer(expression.Value)
		}
	}
	return errors.New("its condition does not hold: " + regoRule + " is undefined")
}

func regoAnswer(value any) error {
	if value == true {
		return nil
	}
	list, isList := value.([]any)
	if !isList {
		return fmt.Errorf("its condition does not hold: %s is not true", regoRule)
	}
	reason := regoRule + " is empty"
	for _, entry := range list {
		answer, isObject := entry.(map[string]any)
		if !isObject {
			return errors.New("its condition answers with something else than objects")
		}
		warning, _ := answer["warning"].(string)
		switch {
		case answer["result"] == true && warning == "":
			return nil
		case answer["result"] == true:
			return fmt.Errorf("its condition warns: %s", warning)
		}
		if text, _ := answer["error"].(string); text != "" {
			reason = text
		}
	}
	return fmt.Errorf("its condition does not hold: %s", reason)
}
