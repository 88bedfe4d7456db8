package renderers

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// kustomize's own tests write their kustomizations from Go. krustyCases reads
// them out of the source: each test that writes literal files and builds with
// the default options becomes folders on disk, one case for each build.
func krustyCases(ctx context.Context, dir string) ([]Case, error) {
	module, err := moduleDir(ctx, "sigs.k8s.io/kustomize/api@v0.21.2")
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(module, "krusty", "*_test.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("kustomize's tests are not in %s: %w", module, err)
	}
	reader := krustyReader{functions: map[string]*ast.FuncDecl{}, constants: map[string]ast.Expr{}}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return nil, fmt.Errorf("reading kustomize's tests: %w", err)
		}
		reader.collect(parsed)
	}
	var cases []Case
	for _, name := range reader.tests() {
		test := &krustyTest{reader: &reader, variables: map[string]ast.Expr{}, files: map[string]string{}, options: map[string]bool{}}
		test.block(reader.functions[name].Body)
		found, err := test.write(name, filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		cases = append(cases, found...)
	}
	return cases, nil
}

type krustyReader struct {
	functions map[string]*ast.FuncDecl
	constants map[string]ast.Expr
}

func (r *krustyReader) collect(file *ast.File) {
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			if declaration.Recv == nil && declaration.Body != nil {
				r.functions[declaration.Name.Name] = declaration
			}
		case *ast.GenDecl:
			for _, spec := range declaration.Specs {
				if values, ok := spec.(*ast.ValueSpec); ok {
					bind(r.constants, values)
				}
			}
		}
	}
}

func bind(into map[string]ast.Expr, spec *ast.ValueSpec) {
	for i, name := range spec.Names {
		if i < len(spec.Values) {
			into[name.Name] = spec.Values[i]
		}
	}
}

func (r *krustyReader) tests() []string {
	var names []string
	for name := range r.functions {
		if strings.HasPrefix(name, "Test") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// krustyTest is one test function while it is read.
type krustyTest struct {
	reader    *krustyReader
	variables map[string]ast.Expr
	// files by path, as they are when a build is met.
	files  map[string]string
	builds []krustyBuild
	// options are variables that hold the default options.
	options map[string]bool
	// unclear is set by a file that is not a literal: the test is left out.
	unclear bool
	depth   int
}

type krustyBuild struct {
	path  string
	files map[string]string
}

func (k *krustyTest) block(body *ast.BlockStmt) {
	ast.Inspect(body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ValueSpec:
			bind(k.variables, node)
		case *ast.AssignStmt:
			for i, left := range node.Lhs {
				if name, ok := left.(*ast.Ident); ok && i < len(node.Rhs) && len(node.Lhs) == len(node.Rhs) {
					k.variables[name.Name] = node.Rhs[i]
				}
			}
		case *ast.RangeStmt, *ast.ForStmt, *ast.FuncLit:
			k.unclear = true // a table of tests: what it writes depends on its rows
			return false
		case *ast.CallExpr:
			k.call(node)
		}
		return true
	})
}

func (k *krustyTest) call(call *ast.CallExpr) {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		declared := k.reader.functions[function.Name]
		if declared == nil || len(call.Args) != 1 || k.depth > 3 {
			return
		}
		if argument, ok := call.Args[0].(*ast.Ident); ok && argument.Name == "th" {
			k.depth++
			k.block(declared.Body)
			k.depth--
		}
	case *ast.SelectorExpr:
		harness, ok := function.X.(*ast.Ident)
		if !ok || harness.Name != "th" || len(call.Args) != 2 {
			return
		}
		k.harness(function.Sel.Name, call.Args)
	}
}

// harness is a call of kustomize's test harness (testutils/kusttest).
func (k *krustyTest) harness(method string, arguments []ast.Expr) {
	where, whereErr := k.text(arguments[0])
	switch method {
	case "WriteK", "WriteC", "WriteF":
		content, err := k.text(arguments[1])
		if whereErr != nil || err != nil {
			k.unclear = true
			return
		}
		heads := map[string]string{
			"WriteK": "\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
			"WriteC": "\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
		}
		if method != "WriteF" {
			where = path.Join(where, "kustomization.yaml")
		}
		k.files[path.Join("/", where)] = heads[method] + content
	case "Run", "RunWithErr":
		if whereErr != nil || !k.defaults(arguments[1]) {
			return
		}
		files := map[string]string{}
		for file, content := range k.files {
			files[file] = content
		}
		k.builds = append(k.builds, krustyBuild{path.Join("/", where), files})
	}
}

// defaults reports whether the options are th.MakeDefaultOptions().
func (k *krustyTest) defaults(options ast.Expr) bool {
	call, ok := options.(*ast.CallExpr)
	if !ok {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	return ok && method.Sel.Name == "MakeDefaultOptions"
}

// text evaluates literals, their sums, and names for them.
func (k *krustyTest) text(expression ast.Expr) (string, error) {
	switch expression := expression.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(expression.Value)
	case *ast.ParenExpr:
		return k.text(expression.X)
	case *ast.BinaryExpr:
		left, leftErr := k.text(expression.X)
		right, rightErr := k.text(expression.Y)
		return left + right, errors.Join(leftErr, rightErr)
	case *ast.Ident:
		if value := k.variables[expression.Name]; value != nil && value != ast.Expr(expression) {
			delete(k.variables, expression.Name) // no name stands for itself
			text, err := k.text(value)
			k.variables[expression.Name] = value
			return text, err
		}
		if value := k.reader.constants[expression.Name]; value != nil {
			return k.text(value)
		}
	}
	return "", fmt.Errorf("not a literal: %T", expression)
}

func (k *krustyTest) write(name, dir string) ([]Case, error) {
	if k.unclear {
		return nil, nil
	}
	var cases []Case
	for i, build := range k.builds {
		root := filepath.Join(dir, strconv.Itoa(i))
		for file, content := range build.files {
			target := filepath.Join(root, filepath.FromSlash(file))
			if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
				return nil, fmt.Errorf("writing kustomize's test %s: %w", name, err)
			}
			if err := os.WriteFile(target, []byte(content), 0o600); err != nil {
				return nil, fmt.Errorf("writing kustomize's test %s: %w", name, err)
			}
		}
		relative := path.Join(".", strings.TrimPrefix(build.path, "/"))
		cases = append(cases, Case{Name: fmt.Sprintf("krusty:%s/%d", name, i), Root: root, Path: relative, Kind: "kustomize"})
	}
	return cases, nil
}
