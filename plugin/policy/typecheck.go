package policy

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// typeWarning is what the types of the kinds that a policy matches say against
// one of its expressions: an entry of status.typeChecking.expressionWarnings.
type typeWarning struct {
	// field is the path of the expression, such as
	// spec.validations[0].expression.
	field string
	// text is that of the API server, one paragraph for each kind.
	text string
	// issues are the compiler's words, each with the kinds that it is said of.
	issues []typeIssue
}

// typeIssue is one sentence of the compiler.
type typeIssue struct {
	words string
	kinds []string
}

// typeWarnings checks the expressions of the gate's own policies against the
// types of the kinds that they match, as the cluster does once a policy is
// installed. A policy of a pack is checked by the packs' own tests.
func (c *Compiler) typeWarnings(config Config, given map[schema.GroupKind]*customDefinition) []plugin.Finding {
	var warnings []plugin.Finding
	named := config.Gate.Spec.Judge.Policies
	kinds := knownKinds(given)
	for _, document := range config.Documents {
		policy := c.policies[string(document.JSON)]
		if policy == nil || len(named) > 0 && !slices.Contains(named, document.Name) {
			continue
		}
		for _, each := range c.typeChecked(policy.file, kinds, config.Documents) {
			warnings = append(warnings, plugin.Finding{
				Rule: ruleTypeCheck, Level: plugin.Warn, Origin: document.At, Field: each.field,
				Message: oneLine(fmt.Sprintf("policy %q: %s does not fit the types: %s", document.Name, each.field, each.words())),
				Why:     "an expression that reads a field which the kind does not have fails whenever it is asked, and the policy's failurePolicy decides",
				Hint:    "correct the name or the comparison, write dyn(...) around what the types do not know, or match other kinds",
				Details: strings.Split(each.text, "\n"),
			})
		}
	}
	return warnings
}

// typeChecked checks a policy, once for all gates that have it beside the same
// definitions.
func (c *Compiler) typeChecked(file policyFile, kinds typeKinds, documents []gate.Document) []typeWarning {
	hash := sha256.New()
	for _, document := range documents {
		if document.Kind == "CustomResourceDefinition" {
			_, _ = hash.Write(document.JSON) // a hash returns no error
		}
	}
	key := string(hash.Sum(nil)) + file.raw
	known, found := c.typed[key]
	if !found {
		known = kinds.check(file)
		c.typed[key] = known
	}
	return known
}

// words are the issues in one line.
func (w typeWarning) words() string {
	said := make([]string, len(w.issues))
	for i, issue := range w.issues {
		said[i] = fmt.Sprintf("%s (%s)", issue.words, strings.Join(issue.kinds, ", "))
	}
	return strings.Join(said, "; ")
}

// check is empty where every expression fits, and where no kind is known.
// Variables, matchConditions and auditAnnotations are not checked by
// themselves, as in the API server: a variable without a type fits everything.
func (k typeKinds) check(file policyFile) []typeWarning {
	var compilers []typeCompiler
	for _, kind := range k.matched(file.Spec.MatchConstraints) {
		if compiler, known := k.compiler(kind, file); known {
			compilers = append(compilers, compiler)
		}
	}
	var warnings []typeWarning
	ask := func(field, text string) {
		warning := typeWarning{field: field}
		var paragraphs []string
		for _, compiler := range compilers {
			if paragraph := compiler.issues(text, &warning); paragraph != "" {
				paragraphs = append(paragraphs, paragraph)
			}
		}
		if len(paragraphs) > 0 {
			warning.text = strings.Join(paragraphs, "\n\n")
			warnings = append(warnings, warning)
		}
	}
	for i, validation := range file.Spec.Validations {
		ask(fmt.Sprintf("spec.validations[%d].expression", i), validation.Expression)
		if validation.MessageExpression != "" {
			ask(fmt.Sprintf("spec.validations[%d].messageExpression", i), validation.MessageExpression)
		}
	}
	return warnings
}

// typeCompiler compiles expressions in which object, oldObject and params have
// the types of one kind. It makes no program.
type typeCompiler struct {
	kind schema.GroupVersionKind
	env  *cel.Env
}

// compiler declares what the API server declares for one kind; known is false
// for a kind without a schema. The base environment is that of compiling, so it
// is there already.
func (k typeKinds) compiler(kind schema.GroupVersionKind, file policyFile) (compiler typeCompiler, known bool) {
	object := k.declared(kind, kind.Kind)
	if object == nil {
		return typeCompiler{}, false
	}
	request, namespace := plugincel.BuildRequestType(), plugincel.BuildNamespaceType()
	types := []*apiservercel.DeclType{namespace, request, object}
	variables := []cel.EnvOption{
		cel.Variable(plugincel.NamespaceVarName, namespace.CelType()), cel.Variable(plugincel.RequestVarName, request.CelType()),
		cel.Variable(plugincel.ObjectVarName, object.CelType()), cel.Variable(plugincel.OldObjectVarName, object.CelType()),
		cel.Variable(plugincel.AuthorizerVarName, library.AuthorizerType),
	}
	if file.Spec.ParamKind != nil {
		of := schema.FromAPIVersionAndKind(file.Spec.ParamKind.APIVersion, file.Spec.ParamKind.Kind)
		params := cel.DynType
		if declared := k.declared(of, of.Kind+"_params"); declared != nil { // no kind has an underscore
			types, params = append(types, declared), declared.CelType()
		}
		variables = append(variables, cel.Variable(plugincel.ParamsVarName, params))
	}
	set, err := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0), EnvOptions: variables, DeclTypes: types,
	})
	if err != nil {
		return typeCompiler{}, false // a test declares every kind
	}
	composed, err := plugincel.NewCompositedCompilerForTypeChecking(set)
	if err != nil {
		return typeCompiler{}, false
	}
	env, err := composed.Env(environment.StoredExpressions)
	if err != nil {
		return typeCompiler{}, false
	}
	compiler = typeCompiler{kind: kind, env: env}
	composed.Compiler = compiler
	for _, variable := range file.Spec.Variables {
		each := apiserver.NewExpression(variable.Name, variable.Expression)
		composed.CompileAndStoreVariable(each, plugincel.OptionalVariableDeclarations{}, environment.StoredExpressions)
	}
	return compiler, true
}

// CompileCELExpression implements plugincel.Compiler, for variables: one that
// does not fit has no type.
func (c typeCompiler) CompileCELExpression(each plugincel.ExpressionAccessor, _ plugincel.OptionalVariableDeclarations, _ environment.Type) plugincel.CompilationResult {
	ast, issues := c.env.Compile(each.GetExpression())
	if issues.Err() != nil {
		return plugincel.CompilationResult{ExpressionAccessor: each}
	}
	return plugincel.CompilationResult{ExpressionAccessor: each, OutputType: ast.OutputType()}
}

// issues compiles an expression, adds what is wrong to the warning and returns
// the API server's text of it; empty when it fits.
func (c typeCompiler) issues(text string, into *typeWarning) string {
	_, issues := c.env.Compile(text)
	if issues.Err() == nil {
		return ""
	}
	kind := c.kind.GroupVersion().String() + " " + c.kind.Kind
	for _, each := range issues.Errors() {
		at := slices.IndexFunc(into.issues, func(known typeIssue) bool { return known.words == each.Message })
		if at < 0 {
			at = len(into.issues)
			into.issues = append(into.issues, typeIssue{words: each.Message})
		}
		if !slices.Contains(into.issues[at].kinds, kind) {
			into.issues[at].kinds = append(into.issues[at].kinds, kind)
		}
	}
	return fmt.Sprintf("%v: %s", c.kind, issues.String())
}
