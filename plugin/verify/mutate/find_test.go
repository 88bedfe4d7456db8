package mutate

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one decision, decided without looking.
type mutant struct {
	id       int
	file     string
	line     int
	function string
	change   string
}

// key names the mutant in the table of exceptions; it survives moved lines.
func (m mutant) key() string { return m.function + ": " + m.change }

func (m mutant) String() string { return fmt.Sprintf("%s:%d: %s", m.file, m.line, m.key()) }

// edit puts text around the source from start to end (offsets).
type edit struct {
	start, end  int
	open, close string
}

// finder walks one package.
type finder struct {
	set     *token.FileSet
	mutants []mutant
	keys    map[string]int
	// of the file at hand
	name   string
	source []byte
	edits  []edit
	// of the function at hand
	function string
}

// weave finds the mutants of a folder and gives the sources with all of them
// in, by file name.
func weave(folder string) ([]mutant, map[string][]byte, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	f := &finder{set: token.NewFileSet(), keys: map[string]int{}}
	woven := map[string][]byte{}
	for _, name := range names {
		if built, err := build.Default.MatchFile(folder, filepath.Base(name)); err != nil {
			return nil, nil, err
		} else if !built || strings.HasSuffix(name, "_test.go") {
			continue // what the build leaves out, no test can hold
		}
		if err := f.file(name); err != nil {
			return nil, nil, err
		}
		if len(f.edits) > 0 {
			woven[name] = f.apply()
		}
	}
	if len(f.mutants) == 0 {
		return nil, nil, fmt.Errorf("looking for checks in %s: there are none", folder)
	}
	return f.mutants, woven, nil
}

func (f *finder) file(name string) error {
	source, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(f.set, name, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	f.name, f.source, f.edits = name, source, nil
	for _, declared := range parsed.Decls {
		function, ok := declared.(*ast.FuncDecl)
		if !ok || function.Body == nil {
			continue
		}
		f.function = f.nameOf(function)
		walker{finder: f, decided: map[ast.Node]bool{}}.enter(function.Type, function.Body)
	}
	return nil
}

func (f *finder) nameOf(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return function.Name.Name
	}
	return strings.TrimPrefix(f.text(function.Recv.List[0].Type), "*") + "." + function.Name.Name
}

func (f *finder) offset(at token.Pos) int { return f.set.Position(at).Offset }

// text is a node's source on one line.
func (f *finder) text(node ast.Node) string {
	return strings.Join(strings.Fields(string(f.source[f.offset(node.Pos()):f.offset(node.End())])), " ")
}

// add notes a mutant and gives the number by which it is called.
func (f *finder) add(node ast.Node, change string) int {
	const longest = 160
	if len(change) > longest {
		change = change[:longest] + "..."
	}
	key := f.function + ": " + change
	f.keys[key]++
	if count := f.keys[key]; count > 1 {
		change = fmt.Sprintf("%s #%d", change, count)
	}
	id := len(f.mutants) + 1
	f.mutants = append(f.mutants, mutant{
		id: id, file: filepath.Base(f.name), line: f.set.Position(node.Pos()).Line, function: f.function, change: change,
	})
	return id
}

func (f *finder) wrap(node ast.Node, open, end string) {
	f.edits = append(f.edits, edit{start: f.offset(node.Pos()), end: f.offset(node.End()), open: open, close: end})
}

// skip makes a mutant in which the statement is not executed.
func (f *finder) skip(node ast.Node) {
	id := f.add(node, "without "+f.text(node))
	f.wrap(node, fmt.Sprintf("if mutantHolds(%d, 0, true) { ", id), " }")
}

// insert puts text at one place.
func (f *finder) insert(at token.Pos, text string) {
	f.edits = append(f.edits, edit{start: f.offset(at), end: f.offset(at), open: text})
}
