package render

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/assay-gitops/assay/plugin"
)

// randomPattern are the template functions whose answer is another one each
// time: the clock, random data, made-up keys and salted hashes.
var randomPattern = regexp.MustCompile(`^(now|ago|rand[A-Z]\w*|gen[A-Z]\w*|uuidv4|bcrypt|htpasswd|shuffle|encryptAES)$`)

// randomness finds calls of such functions in the templates that a rendering
// can reach: every file that is rendered by itself, and what those include. A
// template that is included by a computed name makes all of them reachable.
func randomness(loaded *chart.Chart, values common.Values, origins map[*common.File]string) []plugin.Finding {
	scan := &randomScan{trees: map[string]*parse.Tree{}, files: map[string]string{}, seen: map[string]bool{}}
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
	if scan.tpl {
		scan.values(values["Values"])
	}
	return scan.findings
}

type randomScan struct {
	trees map[string]*parse.Tree
	// files maps the name of a template file, as the engine has it, to the tree.
	files map[string]string
	seen  map[string]bool
	// computed is set when a template is included by a name that is not
	// written out; tpl when text of the values is rendered.
	computed, tpl bool
	findings      []plugin.Finding
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

// command looks at a function and its arguments: include and tpl lead on.
func (s *randomScan) command(tree *parse.Tree, command *parse.CommandNode) {
	if function, isCall := command.Args[0].(*parse.IdentifierNode); isCall {
		switch function.Ident {
		case "tpl":
			s.tpl = true
		case "include":
			if len(command.Args) > 1 {
				if name, written := command.Args[1].(*parse.StringNode); written {
					s.reach(name.Text)
					break
				}
			}
			s.computed = true
		}
	}
	for _, argument := range command.Args {
		s.walk(tree, argument)
	}
}

func (s *randomScan) call(tree *parse.Tree, node *parse.IdentifierNode) {
	if !randomPattern.MatchString(node.Ident) {
		return
	}
	origin := plugin.Origin{File: s.files[tree.ParseName]}
	location, _ := tree.ErrorContext(node)
	_, position, _ := strings.Cut(location, ":")
	_, _ = fmt.Sscanf(position, "%d", &origin.Line)
	where := "the chart's template"
	if origin.File == "" {
		where = "a value that is rendered as a template"
		origin.Line = 0
	}
	s.findings = append(s.findings, plugin.Finding{
		Rule: ruleRandom, Level: plugin.Warn, Origin: origin,
		Message: fmt.Sprintf("%s calls %s, which answers differently each time", where, node.Ident),
		Why:     "every rendering differs, so GitOps rolls the workload for ever and nothing that was reviewed is what ships",
		Hint:    "take the value from a Secret that exists, or write it into the values",
	})
}

// values looks into text of the values, which tpl may render.
func (s *randomScan) values(value any) {
	switch value := value.(type) {
	case string:
		if strings.Contains(value, "{{") {
			inner := &randomScan{trees: map[string]*parse.Tree{}, files: s.files, seen: map[string]bool{}}
			inner.parseText("values", value)
			inner.reach("values")
			s.findings = append(s.findings, inner.findings...)
		}
	case common.Values:
		s.values(map[string]any(value))
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			s.values(value[key])
		}
	case []any:
		for _, item := range value {
			s.values(item)
		}
	}
}
