package apiserver

import (
	"fmt"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
)

// References is what an expression reads that cannot be known offline, or only
// sometimes. Variables are followed.
type References struct {
	Authorizer, OldObject, User bool
	// UserDetails is more of the user than name and groups.
	UserDetails                bool
	Operation                  bool
	NamespaceObject, Namespace bool
	ObjectLabels               bool
	// NamespaceOther is what a gate does not say of a namespace: anything but
	// its name and labels.
	NamespaceOther bool
	// Variables is set when it reads any.
	Variables bool
}

// Union is what either reads.
func (r References) Union(other References) References {
	return References{
		Authorizer: r.Authorizer || other.Authorizer, OldObject: r.OldObject || other.OldObject, User: r.User || other.User,
		Operation: r.Operation || other.Operation, NamespaceObject: r.NamespaceObject || other.NamespaceObject,
		Namespace: r.Namespace || other.Namespace, ObjectLabels: r.ObjectLabels || other.ObjectLabels,
		UserDetails:    r.UserDetails || other.UserDetails,
		NamespaceOther: r.NamespaceOther || other.NamespaceOther, Variables: r.Variables || other.Variables,
	}
}

// Unknown lists what the expression reads and this rendering cannot answer;
// empty when the answer is known.
func (r References) Unknown(s Subject, known bool) []string {
	var names []string
	if r.Authorizer {
		names = append(names, "authorizer (the cluster's RBAC)")
	}
	if unknown := s.UserUnknown(r.UserDetails); r.User && unknown != "" {
		names = append(names, unknown)
	}
	if s.Namespaced && s.Namespace == "" && (r.Namespace || r.NamespaceObject) {
		names = append(names, "request.namespace (the destination namespace was not given)")
	} else if s.Namespaced && r.NamespaceObject && !known {
		names = append(names, fmt.Sprintf("namespaceObject (the gate does not describe namespace %q under spec.namespaces)", s.Namespace))
	} else if s.Namespaced && r.NamespaceOther {
		names = append(names, "namespaceObject (the gate describes a namespace's name and labels alone)")
	}
	return names
}

// ExpressionReferences parses an expression. Variables that it reads are
// looked up among those before it.
func ExpressionReferences(env *cel.Env, expression string, variables map[string]References) (References, error) {
	parsed, issues := env.Parse(expression)
	if issues != nil && issues.Err() != nil {
		return References{}, fmt.Errorf("parsing %q: %w", expression, issues.Err())
	}
	var found References
	bare := map[string]int{}
	celast.PreOrderVisit(parsed.NativeRep().Expr(), celast.NewExprVisitor(func(expr celast.Expr) {
		found = found.Union(nodeReferences(expr, variables))
		countBare(expr, bare)
	}))
	found.Variables = readsVariables(parsed.NativeRep().Expr())
	found.NamespaceOther = found.NamespaceOther || found.NamespaceObject && !onlyDescribed(parsed.NativeRep().Expr())
	if bare[plugincel.RequestVarName] > 0 || bare[plugincel.VariableVarName] > 0 {
		found = found.Union(anything())
	}
	found.UserDetails = found.UserDetails || bare[wholeUser] > 0
	return found, nil
}

// wholeUser counts readings of the user of which no name or groups are
// selected.
const wholeUser = plugincel.RequestVarName + ".userInfo"

// countUser counts them: each request.userInfo adds one, and each selection of
// what a gate can tell takes it away.
func countUser(selected celast.SelectExpr, bare map[string]int) {
	isUser := func(e celast.SelectExpr) bool {
		return e.FieldName() == "userInfo" && e.Operand().Kind() == celast.IdentKind && e.Operand().AsIdent() == plugincel.RequestVarName
	}
	if isUser(selected) {
		bare[wholeUser]++
	}
	told := selected.FieldName() == "username" || selected.FieldName() == "groups"
	if operand := selected.Operand(); told && operand.Kind() == celast.SelectKind && isUser(operand.AsSelect()) {
		bare[wholeUser]--
	}
}

// anything is what is assumed of an expression that hands a whole variable on,
// as in cel.bind(r, request, r.userInfo.username).
func anything() References {
	return References{Authorizer: true, OldObject: true, User: true, Operation: true, NamespaceObject: true, Namespace: true, ObjectLabels: true, UserDetails: true}
}

// countBare counts names that stand alone: each visit of a name adds one, and
// each selection from it, which nodeReferences understands, takes it away.
func countBare(expr celast.Expr, bare map[string]int) {
	switch expr.Kind() {
	case celast.IdentKind:
		bare[expr.AsIdent()]++
	case celast.SelectKind:
		countUser(expr.AsSelect(), bare)
		if operand := expr.AsSelect().Operand(); operand.Kind() == celast.IdentKind {
			bare[operand.AsIdent()]--
		}
	case celast.CallKind:
		if args := expr.AsCall().Args(); selects(expr.AsCall().FunctionName()) && len(args) > 0 && args[0].Kind() == celast.IdentKind {
			bare[args[0].AsIdent()]--
		}
	}
}

// selects reports whether a function is a selection: optional (a.?b) or by
// index (a["b"]).
func selects(function string) bool {
	return function == operators.OptSelect || function == operators.Index || function == operators.OptIndex
}

func nodeReferences(expr celast.Expr, variables map[string]References) References {
	switch expr.Kind() {
	case celast.IdentKind:
		return identReferences(expr.AsIdent())
	case celast.SelectKind:
		return selectReferences(expr.AsSelect(), variables)
	case celast.CallKind:
		return callReferences(expr.AsCall())
	}
	return References{}
}

func identReferences(name string) References {
	switch name {
	case plugincel.AuthorizerVarName:
		return References{Authorizer: true}
	case plugincel.OldObjectVarName:
		return References{OldObject: true}
	case plugincel.NamespaceVarName:
		return References{NamespaceObject: true}
	}
	return References{}
}

func selectReferences(selected celast.SelectExpr, variables map[string]References) References {
	operand := selected.Operand()
	if operand.Kind() != celast.IdentKind {
		return References{ObjectLabels: selected.FieldName() == "labels" && !ofNamespace(operand)}
	}
	switch operand.AsIdent() {
	case plugincel.VariableVarName:
		return variables[selected.FieldName()]
	case plugincel.RequestVarName:
		return requestReferences(selected.FieldName())
	}
	return References{ObjectLabels: selected.FieldName() == "labels"}
}

// ofNamespace reports whether a selection starts at namespaceObject, whose
// labels the application does not write.
func ofNamespace(expr celast.Expr) bool {
	for expr.Kind() == celast.SelectKind {
		expr = expr.AsSelect().Operand()
	}
	return expr.Kind() == celast.IdentKind && expr.AsIdent() == plugincel.NamespaceVarName
}

func requestReferences(field string) References {
	switch field {
	case "userInfo":
		return References{User: true}
	case "operation", "options", "dryRun":
		return References{Operation: true}
	case "namespace":
		return References{Namespace: true}
	}
	return References{}
}

// callReferences looks through optional selection (request.?userInfo) and
// indexing (request["userInfo"]): what is selected there is taken for
// everything that could be.
func callReferences(call celast.CallExpr) References {
	args := call.Args()
	if !selects(call.FunctionName()) || len(args) == 0 {
		return References{}
	}
	if args[0].Kind() == celast.IdentKind && args[0].AsIdent() == plugincel.RequestVarName {
		return References{User: true, Operation: true, Namespace: true, UserDetails: true}
	}
	if args[0].Kind() == celast.IdentKind && args[0].AsIdent() == plugincel.VariableVarName {
		return anything()
	}
	if len(args) == 2 && args[1].Kind() == celast.LiteralKind && args[1].AsLiteral().Value() == "labels" {
		return References{ObjectLabels: true}
	}
	return References{}
}

// onlyDescribed reports whether an expression reads of the namespace what a gate
// says of it, and nothing else: metadata.name and metadata.labels.
func onlyDescribed(expr celast.Expr) bool {
	reads, described := 0, 0
	celast.PreOrderVisit(expr, celast.NewExprVisitor(func(expr celast.Expr) {
		switch expr.Kind() {
		case celast.IdentKind:
			if expr.AsIdent() == plugincel.NamespaceVarName {
				reads++
			}
		case celast.SelectKind:
			selected := expr.AsSelect()
			if isNamespaceMetadata(selected.Operand()) && (selected.FieldName() == "name" || selected.FieldName() == "labels") {
				described++
			}
		case celast.CallKind:
			args := expr.AsCall().Args()
			if function := expr.AsCall().FunctionName(); function == operators.Equals || function == operators.NotEquals {
				described += comparedWithNull(args)
			}
			if selects(expr.AsCall().FunctionName()) && len(args) == 2 && isNamespaceMetadata(args[0]) && args[1].Kind() == celast.LiteralKind &&
				(args[1].AsLiteral().Value() == "name" || args[1].AsLiteral().Value() == "labels") {
				described++
			}
		}
	}))
	return reads == described
}

// comparedWithNull is 1 for a comparison of namespaceObject with null, else 0.
func comparedWithNull(args []celast.Expr) int {
	for i, each := range args {
		other := args[len(args)-1-i]
		if each.Kind() == celast.IdentKind && each.AsIdent() == plugincel.NamespaceVarName && other.Kind() == celast.LiteralKind && other.AsLiteral() == types.NullValue {
			return 1
		}
	}
	return 0
}

// isNamespaceMetadata reports whether the expression is namespaceObject.metadata.
func isNamespaceMetadata(expr celast.Expr) bool {
	if expr.Kind() != celast.SelectKind || expr.AsSelect().FieldName() != "metadata" {
		return false
	}
	operand := expr.AsSelect().Operand()
	return operand.Kind() == celast.IdentKind && operand.AsIdent() == plugincel.NamespaceVarName
}
