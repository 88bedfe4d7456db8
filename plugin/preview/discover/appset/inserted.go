package appset

import (
	"fmt"
	"reflect"
	"text/template"
	"text/template/parse"
)

// The names of our own functions in templates. No author can call them: they
// are added when a text has been parsed.
const (
	nameEnter    = "assayEnter"
	nameLeave    = "assayLeave"
	nameContinue = "assayContinue"
	nameShow     = "assayShow"
)

// inserted are the nodes that are put into templates.
type inserted struct {
	enter, leave, proceed parse.Node
	show                  *parse.CommandNode
}

func newInserted(functions template.FuncMap) inserted {
	call := func(text string) *parse.ActionNode {
		made := template.Must(template.New("inserted").Funcs(functions).Parse(text))
		action, _ := made.Root.Nodes[0].(*parse.ActionNode)
		return action
	}
	return inserted{
		enter: call("{{" + nameEnter + "}}"), leave: call("{{" + nameLeave + "}}"), proceed: call("{{" + nameContinue + "}}"),
		show: call("{{. | " + nameShow + "}}").Pipe.Cmds[1],
	}
}

// into puts the calls into a template: where it begins and ends, at the start
// of every loop's body, and before everything that is printed.
func (i inserted) into(named *template.Template) {
	if named.Tree == nil || named.Root == nil {
		return
	}
	i.list(named.Root)
	nodes := append([]parse.Node{i.enter}, named.Root.Nodes...)
	named.Root.Nodes = append(nodes, i.leave)
}

func (i inserted) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.ActionNode:
			if len(node.Pipe.Decl) == 0 {
				node.Pipe.Cmds = append(node.Pipe.Cmds, i.show)
			}
		case *parse.IfNode:
			i.list(node.List)
			i.list(node.ElseList)
		case *parse.WithNode:
			i.list(node.List)
			i.list(node.ElseList)
		case *parse.RangeNode:
			i.list(node.List)
			i.list(node.ElseList)
			node.List.Nodes = append([]parse.Node{i.proceed}, node.List.Nodes...)
		}
	}
}

// proceed stops a template when the time is over. It prints nothing.
func (g *goTemplates) proceed() (string, error) {
	return "", g.ctx.Err() //nolint:wrapcheck // explain does
}

func (g *goTemplates) enter() (string, error) {
	if g.depth++; g.depth > g.deepest {
		return "", &hintedError{
			err:  fmt.Errorf("templates call each other more than %d deep (limit yamlDepth)", g.deepest),
			hint: "look for a template that calls itself",
		}
	}
	return g.proceed()
}

func (g *goTemplates) leave() string {
	g.depth--
	return ""
}

// show passes on what is about to be printed, unless its text would be too
// long.
func (g *goTemplates) show(value reflect.Value) (reflect.Value, error) {
	if measureValue(value, g.limit) > g.limit {
		return value, tooLarge("what is printed", g.limit)
	}
	return value, nil
}
