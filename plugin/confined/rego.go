// Package confined confines OPA: which functions a rule in Rego may call, and how
// long it may take. What judges objects and what judges attestations both stand
// on it, so that a function which is refused to one is refused to the other.
package confined

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Deadline bounds one question to one policy. Rego has no cost that could be
// counted beforehand; policies in use answer in a few milliseconds.
const Deadline = 3 * time.Second

// ErrCost says that a policy did not answer in time.
var ErrCost = errors.New("it did not answer in time")

// longestMessage bounds what an error of OPA's can put into a report.
const longestMessage = 600

// NewCapabilities are OPA's own without what [Refused] names, and without
// fetching JSON schemas. Making them costs a millisecond, so a process does it
// once, when a gate has Rego at all.
func NewCapabilities() func() *ast.Capabilities {
	return sync.OnceValue(func() *ast.Capabilities {
		capabilities := ast.CapabilitiesForThisVersion()
		refused := Refused()
		capabilities.Builtins = slices.DeleteFunc(slices.Clone(capabilities.Builtins), func(builtin *ast.Builtin) bool {
			_, found := refused[builtin.Name]
			return found
		})
		capabilities.AllowNet = []string{}
		return capabilities
	})
}

// Refused are functions that a verdict may not depend on, and why. The clock is
// none: it is the run's own.
func Refused() map[string]string {
	const (
		network = "it asks the network"
		random  = "it answers otherwise each time"
		clock   = "it looks at the machine's clock"
	)
	return map[string]string{
		"http.send":          network,
		"net.lookup_ip_addr": network,
		"opa.runtime":        "it reads the environment of the process",
		"external_data":      "a provider in the cluster answers it, and none is asked before the sync",
		"rand.intn":          random,
		"uuid.rfc4122":       random,
		"crypto.x509.parse_and_verify_certificates":              clock,
		"crypto.x509.parse_and_verify_certificates_with_options": clock,
	}
}

// Call is a call of a function that no gate may call.
type Call struct {
	Name string
	// Line is the first that names it, counted from one.
	Line int
	Why  string
}

// RefusedCalls are the functions that a module names and may not, by name.
// Naming one is enough, as a value it could be handed on.
func RefusedCalls(module *ast.Module) []Call {
	refused := Refused()
	found := map[string]int{}
	ast.WalkRefs(module, func(ref ast.Ref) bool {
		name := ref.String()
		if _, bad := refused[name]; bad && ref[0].Location != nil && found[name] == 0 {
			found[name] = ref[0].Location.Row
		}
		return false
	})
	var calls []Call
	for _, name := range slices.Sorted(maps.Keys(found)) {
		calls = append(calls, Call{Name: name, Line: found[name], Why: refused[name]})
	}
	return calls
}

// Compile compiles parsed modules. What the capabilities leave out is an
// undefined function, in whatever way it is called.
func Compile(modules []*ast.Module, version ast.RegoVersion, capabilities *ast.Capabilities) (*ast.Compiler, error) {
	named := map[string]*ast.Module{}
	for i, module := range modules {
		named[fmt.Sprintf("%03d %s", i, module.Package.Path)] = module
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities).WithDefaultRegoVersion(version)
	compiler.Compile(named)
	if compiler.Failed() {
		return nil, errors.New(Messages(compiler.Errors))
	}
	return compiler, nil
}

// Messages are OPA's messages in one line, each with its file and line.
func Messages(err error) string {
	var list ast.Errors
	if !errors.As(err, &list) {
		return oneLine(err.Error())
	}
	texts := make([]string, 0, len(list))
	for _, each := range list {
		texts = append(texts, oneLine(each.Error()))
	}
	return strings.Join(slices.Compact(texts), "; ")
}

// Bounded runs an evaluation within a deadline. A context that ended is the
// caller's error, a policy that is too slow is [ErrCost].
func Bounded(ctx context.Context, deadline time.Duration, evaluate func(context.Context) error) (err error) {
	bounded, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("evaluating stopped: %v", cause)
		}
	}()
	err = evaluate(bounded)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case bounded.Err() != nil:
		return ErrCost
	}
	return errors.New(oneLine(err.Error()))
}

func oneLine(text string) string {
	if text = strings.Join(strings.Fields(text), " "); len(text) > longestMessage {
		return strings.ToValidUTF8(text[:longestMessage], "") + "..."
	}
	return text
}
