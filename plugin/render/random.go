package render

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template/parse"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/assay-gitops/assay/plugin"
)

// findings says of each function that was called where the chart calls it. The
// templates are read for that: every file that is rendered by itself, and what
// those include. A template that is included by a computed name makes all of
// them reachable. A call that stands in none of them came out of tpl.
func (c *randomCalls) findings(loaded *chart.Chart, origins map[*common.File]string, chartFile plugin.Origin) []plugin.Finding {
	if len(c.called) == 0 {
		return nil
	}
	scan := &randomScan{called: c.called, trees: map[string]*parse.Tree{}, files: map[string]string{}, seen: map[string]bool{}, found: map[string][]plugin.Origin{}}
	scan.parse(loaded, origins)
	for _, name := range slices.Sorted(maps.Keys(scan.files)) {
		if !strings.HasPrefix(path.Base(name), "_") {
			scan.reach(name)
		}
	}
	if scan.computed {
		for _, name := range slices.Sorted(maps.Keys(scan.trees)) {
			scan.reach(name)
		}
	}
	var findings []plugin.Finding
	for _, name := range slices.Sorted(maps.Keys(c.called)) {
		places := scan.found[name]
		_, dated := clockFunctions()[name]
		switch {
		case len(places) == 0:
			findings = append(findings, randomFinding("text that the chart renders by tpl calls "+name, chartFile))
		case dated && len(places) > 1: // most of them may well have a time
			findings = append(findings, randomFinding("a template of the chart calls "+name+" with something that is no time", chartFile))
		case dated:
			findings = append(findings, randomFinding("the chart's template calls "+name+" with something that is no time", places[0]))
		default:
			for _, place := range places {
				findings = append(findings, randomFinding("the chart's template calls "+name, place))
			}
		}
	}
	return findings
}

func randomFinding(message string, origin plugin.Origin) plugin.Finding {
	return plugin.Finding{
		Rule: ruleRandom, Level: plugin.Warn, Origin: origin, Message: message + ", which answers differently each time",
		Why:  "every rendering differs, so GitOps rolls the workload for ever and nothing that was reviewed is what ships",
		Hint: "take the value from a Secret that exists, or write it into the values",
	}
}

type randomScan struct {
	called map[string]bool
	trees  map[string]*parse.Tree
	// files maps the name of a template file, as the engine has it, to the tree.
	files map[string]string
	seen  map[string]bool
	// computed is set when a template is included by a name that is not
	// written out.
	computed bool
	// found are the places of the functions that were called.
	found map[string][]plugin.Origin
}

// parse reads every template; one that does not parse is the engine's to
// refuse.
func (s *randomScan) parse(loaded *chart.Chart, origins map[*common.File]string) {
	for _, template := range loaded.Templates {
		name := path.Join(loaded.ChartFullPath(), template.Name)
		s.files[name] = origins[template]
		s.parseText(name, string(template.Data))
	}
	for _, child := range loaded.Dependencies() {
		s.parse(child, origins)
	}
}

func (s *randomScan) parseText(name, text string) {
	tree := parse.New(name)
	tree.Mode = parse.SkipFuncCheck
	set := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, "", "", set); err == nil {
		maps.Copy(s.trees, set)
	}
}

func (s *randomScan) reach(name string) {
	tree, known := s.trees[name]
	if !known || s.seen[name] || tree.Root == nil {
		return
	}
	s.seen[name] = true
	s.walk(tree, tree.Root)
}

func (s *randomScan) walk(tree *parse.Tree, node parse.Node) {
	switch node := node.(type) {
	case *parse.ListNode:
		if node != nil {
			for _, item := range node.Nodes {
				s.walk(tree, item)
			}
		}
	case *parse.ActionNode:
		s.walk(tree, node.Pipe)
	case *parse.IfNode:
		s.branch(tree, &node.BranchNode)
	case *parse.RangeNode:
		s.branch(tree, &node.BranchNode)
	case *parse.WithNode:
		s.branch(tree, &node.BranchNode)
	case *parse.TemplateNode:
		s.walk(tree, node.Pipe)
		s.reach(node.Name)
	case *parse.PipeNode:
		if node != nil {
			for _, command := range node.Cmds {
				s.command(tree, command)
			}
		}
	case *parse.ChainNode:
		s.walk(tree, node.Node)
	case *parse.IdentifierNode:
		s.call(tree, node)
	}
}

func (s *randomScan) branch(tree *parse.Tree, node *parse.BranchNode) {
	s.walk(tree, node.Pipe)
	s.walk(tree, node.List)
	s.walk(tree, node.ElseList)
}

// command looks at a function and its arguments: include leads on.
func (s *randomScan) command(tree *parse.Tree, command *parse.CommandNode) {
	if function, isCall := command.Args[0].(*parse.IdentifierNode); isCall && function.Ident == "include" {
		s.include(command)
	}
	for _, argument := range command.Args {
		s.walk(tree, argument)
	}
}

func (s *randomScan) include(command *parse.CommandNode) {
	if len(command.Args) > 1 {
		if name, written := command.Args[1].(*parse.StringNode); written {
			s.reach(name.Text)
			return
		}
	}
	s.computed = true
}

func (s *randomScan) call(tree *parse.Tree, node *parse.IdentifierNode) {
	if !s.called[node.Ident] {
		return
	}
	origin := plugin.Origin{File: s.files[tree.ParseName]}
	location, _ := tree.ErrorContext(node)
	_, position, _ := strings.Cut(location, ":")
	_, _ = fmt.Sscanf(position, "%d", &origin.Line)
	s.found[node.Ident] = append(s.found[node.Ident], origin)
}
