package apiserver

import (
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"

	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
)

// mostConditions is how many matchConditions the API server takes.
const mostConditions = 64

// celIdentifier is a name that CEL reads as one.
var celIdentifier = regexp.MustCompile(`^[_a-zA-Z][_a-zA-Z0-9]*$`)

// reservedWords are words that are no names (cel-spec, syntax).
func reservedWords() []string {
	return []string{
		"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
		"package", "namespace", "return", "var", "void", "while",
	}
}

// checkNames refuses what the API server refuses of variables and conditions
// (k8s.io/kubernetes pkg/apis/admissionregistration/validation).
func (p Policy) checkNames() []error {
	var problems []error
	for _, variable := range p.Variables {
		if !celIdentifier.MatchString(variable.Name) || slices.Contains(reservedWords(), variable.Name) {
			problems = append(problems, Refuse(p.At, "policy %q: variable %q is no name in CEL; write letters, digits and _, and no word of the language", p.Name, variable.Name))
		}
		if strings.TrimSpace(variable.Expression) == "" {
			problems = append(problems, Refuse(p.At, "policy %q: variable %q has no expression", p.Name, variable.Name))
		}
	}
	if count := len(p.Conditions); count > mostConditions {
		problems = append(problems, Refuse(p.At, "policy %q has %d matchConditions, and the API server takes %d", p.Name, count, mostConditions))
	}
	var names []string
	for _, condition := range p.Conditions {
		if condition.Name == "" || slices.Contains(names, condition.Name) {
			problems = append(problems, Refuse(p.At, "policy %q: matchCondition %q needs a name of its own", p.Name, condition.Name))
		}
		names = append(names, condition.Name)
	}
	return problems
}

// readsVariables reports whether an expression reads a variable of the policy.
func readsVariables(expr ast.Expr) bool {
	found := false
	ast.PreOrderVisit(expr, ast.NewExprVisitor(func(expr ast.Expr) {
		found = found || expr.Kind() == ast.IdentKind && expr.AsIdent() == plugincel.VariableVarName
	}))
	return found
}
