package mutate

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
)

// choices makes the mutants of a switch. One over a value is rewritten into
// conditions, so that a case of it can hold never or always.
func (w walker) choices(node *ast.SwitchStmt) {
	w.otherwise(node, node.Body)
	rewrite := node.Tag != nil
	for _, one := range node.Body.List {
		clause := one.(*ast.CaseClause) // the syntax allows nothing else
		for _, value := range clause.List {
			told := "case " + w.text(value) + w.follows(clause.Body)
			if node.Tag == nil {
				w.decide(value, told)
				continue
			}
			never, always := w.add(value, "never: "+told), w.add(value, "always: "+told)
			w.wrap(value, fmt.Sprintf("mutantHolds(%d, %d, mutantTag == (", never, always), "))")
		}
		rewrite = rewrite || node.Tag != nil && len(clause.List) > 0
	}
	if rewrite {
		w.wrap(node.Tag, "mutantTag := ", ";")
	}
}

// otherwise makes the mutant of a default that does nothing. Where it ends the
// function it has to stay, as a result is needed.
func (w walker) otherwise(node ast.Stmt, body *ast.BlockStmt) {
	if w.body.List[len(w.body.List)-1] == node && w.results > 0 {
		return
	}
	for _, one := range body.List {
		clause := one.(*ast.CaseClause)
		if clause.List != nil || len(clause.Body) == 0 {
			continue
		}
		first, last := clause.Body[0], clause.Body[len(clause.Body)-1]
		id := w.add(clause, "without default:"+w.follows(clause.Body))
		w.edits = append(w.edits, edit{
			start: w.offset(first.Pos()), end: w.offset(last.End()), open: fmt.Sprintf("if mutantHolds(%d, 0, true) { ", id), close: " }",
		})
	}
}

// handsOn makes the mutant of a return that hands on another's error: nil
// instead. Errors that are made on the spot belong to their condition.
func (w walker) handsOn(node *ast.ReturnStmt) {
	if !w.failing || len(node.Results) != w.results {
		return
	}
	last := node.Results[len(node.Results)-1]
	switch expression := last.(type) {
	case *ast.CallExpr:
		if makers := []string{"fmt.Errorf", "errors.New", "refuse", "never"}; slices.Contains(makers, w.text(expression.Fun)) {
			return
		}
	case *ast.Ident, *ast.SelectorExpr:
		if w.text(last) == "nil" || !slices.Contains(w.body.List, ast.Stmt(node)) {
			return
		}
	default:
		return
	}
	id := w.add(last, "nil for the error of "+w.text(node))
	w.wrap(last, fmt.Sprintf("mutantError(%d, ", id), ")")
}

// organises reports calls that order goroutines: they are no checks, and
// without them a run has no meaning.
func (w walker) organises(call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"Lock", "Unlock", "RLock", "RUnlock", "SetLimit"}, selector.Sel.Name)
}

// keeps makes the mutant of a statement that adds to what was found.
func (w walker) keeps(node *ast.AssignStmt) {
	if len(node.Lhs) != 1 || len(node.Rhs) != 1 || w.decided[node] {
		return
	}
	call, isCall := node.Rhs[0].(*ast.CallExpr)
	appends := node.Tok == token.ASSIGN && isCall && w.text(call.Fun) == "append" && w.text(call.Args[0]) == w.text(node.Lhs[0])
	if appends || node.Tok == token.ADD_ASSIGN {
		w.skip(node)
	}
}
