package policy

import (
	"fmt"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
)

// references is what an expression reads that cannot be known offline, or only
// sometimes. Variables are followed.
type references struct {
	authorizer, oldObject, user bool
	// userDetails is more of the user than name and groups.
	userDetails                bool
	operation                  bool
	namespaceObject, namespace bool
	objectLabels               bool
	// namespaceOther is what a gate does not say of a namespace: anything but
	// its name and labels.
	namespaceOther bool
	// variables is set when it reads any.
	variables bool
}

func (r references) union(other references) references {
	return references{
		authorizer: r.authorizer || other.authorizer, oldObject: r.oldObject || other.oldObject, user: r.user || other.user,
		operation: r.operation || other.operation, namespaceObject: r.namespaceObject || other.namespaceObject,
		namespace: r.namespace || other.namespace, objectLabels: r.objectLabels || other.objectLabels,
		userDetails:    r.userDetails || other.userDetails,
		namespaceOther: r.namespaceOther || other.namespaceOther, variables: r.variables || other.variables,
	}
}

// unknown lists what the expression reads and this rendering cannot answer;
// empty when the answer is known.
func (r references) unknown(s *subject, known bool) []string {
	var names []string
	if r.authorizer {
		names = append(names, "authorizer (the cluster's RBAC)")
	}
	if unknown := s.userUnknown(r.userDetails); r.user && unknown != "" {
		names = append(names, unknown)
	}
	if s.namespaced && s.namespace == "" && (r.namespace || r.namespaceObject) {
		names = append(names, "request.namespace (the destination namespace was not given)")
	} else if s.namespaced && r.namespaceObject && !known {
		names = append(names, fmt.Sprintf("namespaceObject (the gate does not describe namespace %q under spec.namespaces)", s.namespace))
	} else if s.namespaced && r.namespaceOther {
		names = append(names, "namespaceObject (the gate describes a namespace's name and labels alone)")
	}
	return names
}

// expressionReferences parses an expression. Variables that it reads are
// looked up among those before it.
func expressionReferences(env *cel.Env, expression string, variables map[string]references) (references, error) {
	parsed, issues := env.Parse(expression)
	if issues != nil && issues.Err() != nil {
		return references{}, fmt.Errorf("parsing %q: %w", expression, issues.Err())
	}
	var found references
	bare := map[string]int{}
	celast.PreOrderVisit(parsed.NativeRep().Expr(), celast.NewExprVisitor(func(expr celast.Expr) {
		found = found.union(nodeReferences(expr, variables))
		countBare(expr, bare)
	}))
	found.variables = readsVariables(parsed.NativeRep().Expr())
	found.namespaceOther = found.namespaceOther || found.namespaceObject && !onlyDescribed(parsed.NativeRep().Expr())
	if bare[plugincel.RequestVarName] > 0 || bare[plugincel.VariableVarName] > 0 {
		found = found.union(anything())
	}
	found.userDetails = found.userDetails || bare[wholeUser] > 0
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
func anything() references {
	return references{authorizer: true, oldObject: true, user: true, operation: true, namespaceObject: true, namespace: true, objectLabels: true, userDetails: true}
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

func nodeReferences(expr celast.Expr, variables map[string]references) references {
	switch expr.Kind() {
	case celast.IdentKind:
		return identReferences(expr.AsIdent())
	case celast.SelectKind:
		return selectReferences(expr.AsSelect(), variables)
	case celast.CallKind:
		return callReferences(expr.AsCall())
	}
	return references{}
}

func identReferences(name string) references {
	switch name {
	case plugincel.AuthorizerVarName:
		return references{authorizer: true}
	case plugincel.OldObjectVarName:
		return references{oldObject: true}
	case plugincel.NamespaceVarName:
		return references{namespaceObject: true}
	}
	return references{}
}

func selectReferences(selected celast.SelectExpr, variables map[string]references) references {
	operand := selected.Operand()
	if operand.Kind() != celast.IdentKind {
		return references{objectLabels: selected.FieldName() == "labels" && !ofNamespace(operand)}
	}
	switch operand.AsIdent() {
	case plugincel.VariableVarName:
		return variables[selected.FieldName()]
	case plugincel.RequestVarName:
		return requestReferences(selected.FieldName())
	}
	return references{objectLabels: selected.FieldName() == "labels"}
}

// ofNamespace reports whether a selection starts at namespaceObject, whose
// labels the application does not write.
func ofNamespace(expr celast.Expr) bool {
	for expr.Kind() == celast.SelectKind {
		expr = expr.AsSelect().Operand()
	}
	return expr.Kind() == celast.IdentKind && expr.AsIdent() == plugincel.NamespaceVarName
}

func requestReferences(field string) references {
	switch field {
	case "userInfo":
		return references{user: true}
	case "operation", "options", "dryRun":
		return references{operation: true}
	case "namespace":
		return references{namespace: true}
	}
	return references{}
}

// callReferences looks through optional selection (request.?userInfo) and
// indexing (request["userInfo"]): what is selected there is taken for
// everything that could be.
func callReferences(call celast.CallExpr) references {
	args := call.Args()
	if !selects(call.FunctionName()) || len(args) == 0 {
		return references{}
	}
	if args[0].Kind() == celast.IdentKind && args[0].AsIdent() == plugincel.RequestVarName {
		return references{user: true, operation: true, namespace: true, userDetails: true}
	}
	if args[0].Kind() == celast.IdentKind && args[0].AsIdent() == plugincel.VariableVarName {
		return anything()
	}
	if len(args) == 2 && args[1].Kind() == celast.LiteralKind && args[1].AsLiteral().Value() == "labels" {
		return references{objectLabels: true}
	}
	return references{}
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
