package policy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/confined"
	"github.com/assay-gitops/assay/plugin/gate"
)

// plainName is the name of a rule that is asked, in conftest's conventions.
var plainName = regexp.MustCompile(`^(deny|violation|warn)((?:_[a-zA-Z0-9]+)*)$`)

// plainRule is one rule of plain Rego, ready to be asked.
type plainRule struct {
	page  Rule
	level plugin.Level
	query rego.PreparedEvalQuery
	// exception asks whether the namespace excepts the rule; nil without such a
	// rule.
	exception *rego.PreparedEvalQuery
	at        plugin.Origin
}

/*
plainRego judges by Rego in conftest's conventions: rules deny, violation and
warn (also deny_name) of the gate's namespaces, whose members are messages or
objects with msg, and exception, which names rules that do not count.

input is a rendered object as it is written, without the API's defaults and
without the Pods that a workload makes: such rules are written for manifests.
Errors of built-in functions deny; the clock is the run's.
*/
type plainRego struct {
	rules   []plainRule
	combine bool
	// deadline bounds one question; zero is confined.Deadline.
	deadline time.Duration
}

// plainRego compiles the gate's plain Rego, or takes that of an earlier gate
// with the same files.
func (c *Compiler) plainRego(g gate.Gate) (ownPolicies, error) {
	written := g.Spec.Judge.Rego
	if written == nil {
		return ownPolicies{}, nil
	}
	files, err := readRego(g)
	if err != nil {
		return ownPolicies{}, err
	}
	text, err := json.Marshal([]any{fmt.Sprintf("%+v", files.sources), files.data, written})
	if err != nil {
		return ownPolicies{}, apiserver.Refuse(g.At, "reading judge.rego: %v", err)
	}
	if known, found := c.plain[string(text)]; found {
		return known, nil
	}
	engine, err := c.compilePlain(g, files)
	if err != nil {
		return ownPolicies{}, err
	}
	own := ownPolicies{engine: engine}
	for _, rule := range engine.rules {
		own.rules = append(own.rules, rule.page)
	}
	c.plain[string(text)] = own
	return own, nil
}

func (c *Compiler) compilePlain(g gate.Gate, files regoFiles) (*plainRego, error) {
	modules, err := parseRego(files.sources)
	if err != nil {
		return nil, err
	}
	version := files.sources[0].version
	compiler, err := confined.Compile(modules, version, c.regoCapabilities())
	if err != nil {
		return nil, apiserver.Refuse(g.At, "judge.rego does not compile: %v", err)
	}
	written := g.Spec.Judge.Rego
	engine := &plainRego{combine: written.Combine}
	store := inmem.NewFromObject(files.data)
	prepare := func(query string) (rego.PreparedEvalQuery, error) {
		return rego.New(rego.Compiler(compiler), rego.Store(store), rego.Capabilities(c.regoCapabilities()), rego.SetRegoVersion(version),
			rego.StrictBuiltinErrors(true), rego.Query(query)).PrepareForEval(context.Background())
	}
	var problems []error
	for _, namespace := range written.Packages() {
		rules, err := plainRules(namespace, files.sources, modules, prepare)
		switch {
		case err != nil:
			problems = append(problems, apiserver.Refuse(g.At, "judge.rego: %s", confined.Messages(err)))
		case len(rules) == 0:
			problems = append(problems, apiserver.Refuse(g.At, "judge.rego: package %s has no rule deny, violation or warn, so it would let everything through", namespace))
		}
		engine.rules = append(engine.rules, rules...)
	}
	return engine, errors.Join(problems...)
}

// plainRules are the rules of one namespace, sorted by name.
func plainRules(namespace string, sources []regoSource, modules []*ast.Module, prepare func(string) (rego.PreparedEvalQuery, error)) ([]plainRule, error) {
	found := map[string]plugin.Origin{}
	excepts := false
	for i, module := range modules {
		if module.Package.Path.String() != "data."+namespace {
			continue
		}
		for _, rule := range module.Rules {
			name := rule.Head.Ref()[0].Value.String()
			excepts = excepts || name == "exception"
			if _, known := found[name]; !known && plainName.MatchString(name) {
				found[name] = plugin.Origin{File: sources[i].at.File, Line: rule.Location.Row}
			}
		}
	}
	var rules []plainRule
	for _, name := range sortedKeys(found) {
		query, err := prepare("data." + namespace + "." + name)
		if err != nil {
			return nil, err
		}
		rule := plainRule{query: query, at: found[name], page: Rule{
			ID: policyRule + namespace + "/" + name, Title: namespace + "." + name, Adjustable: true, Fix: "change the object as the message says",
		}}
		parts := plainName.FindStringSubmatch(name)
		if parts[1] == "warn" {
			rule.level = plugin.Warn
		}
		if excepts {
			exception, err := prepare(fmt.Sprintf("data.%s.exception[_][_] == %q", namespace, strings.TrimPrefix(parts[2], "_")))
			if err != nil {
				return nil, err
			}
			rule.exception = &exception
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func (p *plainRego) judge(ctx context.Context, v *view) []plugin.Finding {
	slow := make([]atomic.Bool, len(p.rules))
	if p.combine {
		return p.combined(ctx, v, slow)
	}
	findings := make([][]plugin.Finding, len(v.sealed.Objects))
	sideBySide(len(v.sealed.Objects), func(i int) {
		object := v.sealed.Objects[i]
		about := plugin.Finding{Object: object.ID(), Origin: object.Origin}
		findings[i] = p.ask(ctx, plainQuestion{about: about, input: object.Fields, at: v.sealed.At, secret: isSecretObject(object), slow: slow})
	})
	return slices.Concat(findings...)
}

// combined asks once, about a list of the objects and the files that they came
// from. The data of Secrets is masked, as a message may quote it.
func (p *plainRego) combined(ctx context.Context, v *view, slow []atomic.Bool) []plugin.Finding {
	list := make([]any, 0, len(v.sealed.Objects))
	for _, object := range v.sealed.Objects {
		list = append(list, map[string]any{"path": object.Origin.File, "contents": plugin.MaskObject(object).Fields})
	}
	return p.ask(ctx, plainQuestion{input: list, at: v.sealed.At, slow: slow})
}

func isSecretObject(object plugin.Object) bool {
	return object.ID().Group() == "" && strings.EqualFold(object.ID().Kind, "Secret")
}

// plainQuestion is one input to all rules.
type plainQuestion struct {
	about  plugin.Finding
	input  any
	at     time.Time
	secret bool
	slow   []atomic.Bool
}

func (p *plainRego) ask(ctx context.Context, q plainQuestion) []plugin.Finding {
	input, err := ast.InterfaceToValue(q.input)
	if err != nil {
		q.about.Rule, q.about.Message = policyRule+"*", "the object cannot be read as Rego: "+err.Error()
		return []plugin.Finding{q.about}
	}
	var findings []plugin.Finding
	for i := range p.rules {
		rule := &p.rules[i]
		if ctx.Err() != nil || q.slow[i].Load() {
			continue
		}
		asked := regoQuestion{queries: regoQueries{known: rule.query}, input: input, at: q.at, deadline: p.deadline, strict: true}
		answer, err := asked.ask(ctx)
		base := q.about
		base.Rule, base.Level, base.Hint, base.Details = rule.page.ID, rule.level, rule.page.Fix, []string{fmt.Sprintf("rule %s (%s)", rule.page.Title, rule.at)}
		if err == nil && answer.value != nil && rule.exception != nil {
			asked.queries.known = *rule.exception
			var excepted regoAnswer
			if excepted, err = asked.ask(ctx); err == nil && excepted.value == true {
				continue
			}
		}
		switch {
		case errors.Is(err, confined.ErrCost) && q.slow[i].Swap(true):
			continue
		case errors.Is(err, confined.ErrCost):
			base.Message = fmt.Sprintf("the rule costs too much: it did not answer within %s, and is not asked about the other objects", cmp.Or(p.deadline, confined.Deadline))
			findings = append(findings, base)
		case err != nil:
			base.Message = "the rule could not be evaluated: " + err.Error()
			findings = append(findings, base)
		default:
			findings = append(findings, q.members(base, answer.value)...)
		}
	}
	return findings
}

// members turns a rule's value into findings: a set of texts, or of objects
// with msg. Any other value denies, as it says something that nobody reads.
func (q plainQuestion) members(base plugin.Finding, value any) []plugin.Finding {
	if value == nil || value == false {
		return nil
	}
	list, isSet := value.([]any)
	if !isSet {
		base.Message = "the rule is no set of messages: " + messageText(value)
		return []plugin.Finding{base}
	}
	var findings []plugin.Finding
	for _, member := range list {
		finding := base
		finding.Details = slices.Clone(base.Details)
		fields, isObject := member.(map[string]any)
		switch {
		case q.secret:
			finding.Message = "the Secret breaks the rule (the message is not shown, as it could quote the Secret)"
		case isObject:
			finding.Message = messageText(fields["msg"])
			rest := map[string]any{}
			for key, field := range fields {
				if key != "msg" {
					rest[key] = field
				}
			}
			addMetadata(&finding, rest)
		default:
			finding.Message = messageText(member)
		}
		findings = appendNew(findings, finding)
	}
	return findings
}
