package policy

import (
	"errors"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/confined"
)

// regoSource is one module as it is written.
type regoSource struct {
	// name is how messages call it.
	name, text string
	version    ast.RegoVersion
	// at is where the configuration holds it.
	at plugin.Origin
}

// parseRego parses modules and refuses those that are empty or call what no
// gate may: all that is wrong with all of them is told together.
func parseRego(sources []regoSource) ([]*ast.Module, error) {
	var modules []*ast.Module
	var problems []error
	for _, source := range sources {
		module, err := ast.ParseModuleWithOpts(source.name, source.text, ast.ParserOptions{RegoVersion: source.version, ProcessAnnotation: false})
		switch {
		case err != nil:
			problems = append(problems, apiserver.Refuse(source.at, "%s does not parse as Rego %s: %s", source.name, regoVersionName(source.version), confined.Messages(err)))
			continue
		case module == nil:
			problems = append(problems, apiserver.Refuse(source.at, "%s holds no Rego; write a package with rules", source.name))
			continue
		}
		problems = append(problems, refusedCalls(source, module))
		modules = append(modules, module)
	}
	return modules, errors.Join(problems...)
}

func regoVersionName(version ast.RegoVersion) string {
	if version == ast.RegoV0 {
		return "v0"
	}
	return "v1"
}

// refusedCalls is an error for each function that no gate may call, by name
// and line.
func refusedCalls(source regoSource, module *ast.Module) error {
	var problems []error
	for _, call := range confined.RefusedCalls(module) {
		problems = append(problems, apiserver.Refuse(source.at, "%s, line %d: %s may not be called here: %s; take the call out, or the policy out of the gate",
			source.name, call.Line, call.Name, call.Why))
	}
	return errors.Join(problems...)
}

// regoReads is what modules may read that is not known before the sync.
type regoReads struct {
	// inventory is what the cluster holds (data.inventory).
	inventory bool
	// review are fields of input.review, such as userInfo.
	review []string
}

func (r regoReads) has(field string) bool { return slices.Contains(r.review, field) }

// reviewUnknowns are the fields of a review that only the cluster knows, or
// that differ between a creation and an update.
func reviewUnknowns() []string {
	return []string{"userInfo", "oldObject", "operation", "options", "uid", "dryRun", "namespaceObject", "namespace"}
}

// readsOf looks for the names of fields anywhere in the modules, so that a
// review which is handed to a function is covered too. A review that is walked
// as a whole, or indexed by a variable, may read anything.
func readsOf(modules []*ast.Module) regoReads {
	named := map[string]bool{}
	var reads regoReads
	inventory := ast.MustParseRef("data.inventory")
	for _, module := range modules {
		ast.WalkTerms(module, func(term *ast.Term) bool {
			switch value := term.Value.(type) {
			case ast.String:
				named[string(value)] = true
			case ast.Ref:
				reads.inventory = reads.inventory || value.HasPrefix(inventory)
				named["*"] = named["*"] || wholeReview(value)
			}
			return false
		})
		ast.WalkExprs(module, func(expr *ast.Expr) bool {
			named["*"] = named["*"] || walksInput(expr)
			return false
		})
	}
	for _, field := range reviewUnknowns() {
		if named[field] || named["*"] {
			reads.review = append(reads.review, field)
		}
	}
	return reads
}

// wholeReview reports whether a reference indexes the input or the review by a
// variable.
func wholeReview(ref ast.Ref) bool {
	if !ref.HasPrefix(ast.InputRootRef) {
		return false
	}
	for i := 1; i < min(len(ref), 3); i++ {
		if _, constant := ref[i].Value.(ast.String); !constant {
			return true
		}
		if !ref[1].Equal(ast.StringTerm("review")) {
			return false
		}
	}
	return false
}

// walksInput reports whether an expression takes the input apart as a whole.
func walksInput(expr *ast.Expr) bool {
	if !expr.IsCall() || !slices.Contains([]string{"walk", "json.marshal", "json.marshal_with_options", "yaml.marshal", "sprintf", "object.keys"}, expr.Operator().String()) {
		return false
	}
	return slices.ContainsFunc(expr.Operands(), func(operand *ast.Term) bool {
		ref, _ := operand.Value.(ast.Ref)
		return operand.Equal(ast.InputRootDocument) || ref.Equal(ast.InputRootRef) || ref.Equal(ast.MustParseRef("input.review"))
	})
}
