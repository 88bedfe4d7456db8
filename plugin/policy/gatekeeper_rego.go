package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/confined"
)

// regoTemplate is a compiled template. It holds no state of a run and is
// shared by gates.
type regoTemplate struct {
	compiler     *ast.Compiler
	capabilities *ast.Capabilities
	version      ast.RegoVersion
	// violation is the rule that is asked for.
	violation string
	reads     regoReads
	// alone are the queries without an inventory.
	alone regoQueries
}

// compileTemplate compiles the Rego of a template as Gatekeeper does: the same
// packages, libraries and data that it may read (the constraint framework's
// pkg/regorewriter).
func (c *Compiler) compileTemplate(file templateFile, code regoCode) (*regoTemplate, error) {
	version := ast.RegoV0
	switch code.Version {
	case "", "v0":
	case "v1":
		version = ast.RegoV1
	default:
		return nil, apiserver.Refuse(file.at, "template %q: the version %q of its Rego is neither v0 nor v1", file.Name, code.Version)
	}
	sources := []regoSource{{name: fmt.Sprintf("template %q", file.Name), text: code.Rego, version: version, at: file.at}}
	for i, lib := range code.Libs {
		sources = append(sources, regoSource{name: fmt.Sprintf("template %q, libs[%d]", file.Name, i), text: lib, version: version, at: file.at})
	}
	modules, err := parseRego(sources)
	if err != nil {
		return nil, err
	}
	if err := checkModules(sources, modules); err != nil {
		return nil, err
	}
	template := &regoTemplate{capabilities: c.regoCapabilities(), version: version, reads: readsOf(modules)}
	template.compiler, err = confined.Compile(modules, version, template.capabilities)
	if err != nil {
		return nil, apiserver.Refuse(file.at, "template %q does not compile: %v", file.Name, err)
	}
	template.violation = modules[0].Package.Path.String() + ".violation"
	template.alone, err = template.prepare(context.Background(), inmem.New())
	if err != nil {
		return nil, apiserver.Refuse(file.at, "template %q does not compile: %s", file.Name, confined.Messages(err))
	}
	return template, nil
}

// prepare makes the queries over a store. The modules are compiled already. The
// partial one is made where something may be unknown alone.
func (t *regoTemplate) prepare(ctx context.Context, store storage.Store) (queries regoQueries, err error) {
	make := func(query string) *rego.Rego {
		return rego.New(rego.Compiler(t.compiler), rego.Store(store), rego.Capabilities(t.capabilities), rego.SetRegoVersion(t.version), rego.Query(query))
	}
	queries.known, err = make(t.violation).PrepareForEval(ctx)
	if err == nil && len(t.reads.review) > 0 {
		queries.partial, err = make(t.violation + "[member]").PrepareForPartial(ctx)
	}
	return queries, err
}

// checkModules refuses what a template may not do: the first module holds the
// rule violation, the others are libraries below data.lib, and all read
// nothing of data but these and the inventory.
func checkModules(sources []regoSource, modules []*ast.Module) error {
	var problems []error
	for i, module := range modules {
		source := sources[i]
		name := strings.TrimPrefix(module.Package.Path.String(), "data.")
		library := strings.HasPrefix(name, "lib.")
		switch {
		case i == 0 && !slices.ContainsFunc(module.Rules, func(rule *ast.Rule) bool { return rule.Head.Ref()[0].Value.String() == "violation" }):
			problems = append(problems, apiserver.Refuse(source.at, "%s has no rule violation, so it would let everything through", source.name))
		case i == 0 && (library || name == "lib" || name == "inventory" || strings.HasPrefix(name, "inventory.")):
			problems = append(problems, apiserver.Refuse(source.at, "%s: package %s is taken; give it a name of its own", source.name, name))
		case i > 0 && !library:
			problems = append(problems, apiserver.Refuse(source.at, "%s: package %s is not below lib, where Gatekeeper wants libraries", source.name, name))
		}
		problems = append(problems, checkImports(source, module), checkData(source, module))
	}
	return errors.Join(problems...)
}

func checkImports(source regoSource, module *ast.Module) error {
	var problems []error
	for _, each := range module.Imports {
		path := each.Path.String()
		if !strings.HasPrefix(path, "data.lib.") && path != "rego.v1" && path != "future.keywords" && !strings.HasPrefix(path, "future.keywords.") {
			problems = append(problems, apiserver.Refuse(source.at, "%s, line %d: import %s is not allowed in a template; libraries lie below data.lib", source.name, each.Location.Row, path))
		}
	}
	return errors.Join(problems...)
}

func checkData(source regoSource, module *ast.Module) error {
	allowed := []ast.Ref{ast.MustParseRef("data.inventory"), ast.MustParseRef("data.lib")}
	var problems []error
	for _, rule := range module.Rules {
		ast.WalkRefs(rule, func(ref ast.Ref) bool {
			known := !ref.HasPrefix(ast.DefaultRootRef) || slices.ContainsFunc(allowed, func(prefix ast.Ref) bool { return ref.HasPrefix(prefix) })
			if !known && ref[0].Location != nil {
				problems = append(problems, apiserver.Refuse(source.at, "%s, line %d: %s is not there for a template; data.inventory and data.lib are", source.name, ref[0].Location.Row, ref))
			}
			return false
		})
	}
	return errors.Join(problems...)
}
