package mutate

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
)

// walker looks for decisions in one function.
type walker struct {
	*finder
	decided map[ast.Node]bool
	// failing is set where the last result is an error; results counts them.
	failing bool
	results int
	body    *ast.BlockStmt
}

// enter walks a function's body.
func (w walker) enter(signature *ast.FuncType, body *ast.BlockStmt) {
	w.failing, w.results, w.body = false, 0, body
	if signature.Results != nil {
		list := signature.Results.List
		last, isName := list[len(list)-1].Type.(*ast.Ident)
		w.failing, w.results = isName && last.Name == "error", signature.Results.NumFields()
	}
	ast.Inspect(body, w.visit)
}

func (w walker) visit(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.FuncLit:
		w.enter(node.Type, node.Body)
		return false
	case *ast.IfStmt:
		w.decide(node.Cond, "if "+w.text(node.Cond)+w.follows(node.Body.List))
	case *ast.ForStmt:
		w.loop(node)
	case *ast.RangeStmt:
		id := w.add(node, "never: for range "+w.text(node.X))
		w.insert(node.Body.Lbrace+1, fmt.Sprintf(" if !mutantHolds(%d, 0, true) { break };", id))
	case *ast.SwitchStmt:
		w.choices(node)
	case *ast.TypeSwitchStmt:
		w.otherwise(node, node.Body)
	case *ast.ReturnStmt:
		w.handsOn(node)
	case *ast.ExprStmt:
		if call, ok := node.X.(*ast.CallExpr); ok && !w.organises(call) {
			w.skip(node)
		}
	case *ast.AssignStmt:
		w.keeps(node)
	case *ast.IncDecStmt:
		if !w.decided[node] {
			w.skip(node)
		}
	case ast.Expr:
		if isBoolean(node) && !w.decided[node] {
			w.decide(node, w.text(node))
		}
	}
	return true
}

// follows tells in short what a condition leads to.
func (f *finder) follows(body []ast.Stmt) string {
	if len(body) == 0 {
		return " {}"
	}
	return " { " + f.text(body[0])
}

// isBoolean reports whether the expression's form says that it is a boolean.
func isBoolean(expression ast.Expr) bool {
	switch expression := expression.(type) {
	case *ast.UnaryExpr:
		return expression.Op == token.NOT
	case *ast.BinaryExpr:
		return slices.Contains([]token.Token{token.LAND, token.LOR, token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ}, expression.Op)
	}
	return false
}

// decide makes the mutants of a condition: it never holds, it always does, and
// each of its parts left out.
func (w walker) decide(condition ast.Expr, told string) {
	w.mark(condition)
	never, always := w.add(condition, "never: "+told), w.add(condition, "always: "+told)
	w.wrap(condition, fmt.Sprintf("mutantHolds(%d, %d, ", never, always), ")")
	w.parts(condition)
}

// mark keeps the parts of a condition from being taken for conditions of
// their own.
func (w walker) mark(condition ast.Expr) {
	w.decided[condition] = true
	switch condition := condition.(type) {
	case *ast.ParenExpr:
		w.mark(condition.X)
	case *ast.UnaryExpr:
		if condition.Op == token.NOT {
			w.mark(condition.X)
		}
	case *ast.BinaryExpr:
		if condition.Op == token.LAND || condition.Op == token.LOR {
			w.mark(condition.X)
			w.mark(condition.Y)
		}
	}
}

// parts makes a mutant for each part that "and" or "or" connects.
func (w walker) parts(condition ast.Expr) {
	switch condition := condition.(type) {
	case *ast.ParenExpr:
		w.parts(condition.X)
	case *ast.UnaryExpr:
		if condition.Op == token.NOT {
			w.parts(condition.X)
		}
	case *ast.BinaryExpr:
		for _, part := range []ast.Expr{condition.X, condition.Y} {
			w.part(condition, part)
		}
	}
}

func (w walker) part(whole *ast.BinaryExpr, part ast.Expr) {
	inner, nested := part.(*ast.BinaryExpr)
	switch {
	case whole.Op != token.LAND && whole.Op != token.LOR:
		return
	case nested && inner.Op == whole.Op: // a && b && c has three parts
		w.parts(part)
		return
	}
	id := w.add(part, fmt.Sprintf("without %s in %s", w.text(part), w.text(whole)))
	never, always := id, 0
	if whole.Op == token.LAND {
		never, always = 0, id
	}
	w.wrap(part, fmt.Sprintf("mutantHolds(%d, %d, ", never, always), ")")
	w.parts(part)
}

// loop makes the mutant of a loop that does not begin. That it never ends is
// none: it would say nothing about a check.
func (w walker) loop(loop *ast.ForStmt) {
	if loop.Cond != nil {
		w.mark(loop.Cond)
		id := w.add(loop, "never: for "+w.text(loop.Cond))
		w.wrap(loop.Cond, fmt.Sprintf("mutantHolds(%d, 0, ", id), ")")
	}
	if loop.Post != nil {
		w.decided[loop.Post] = true
	}
}
