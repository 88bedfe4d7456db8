package appset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

// goTemplates fills Go templates with the functions that Argo CD gives them.
//
// text/template cannot be stopped from outside. So each template, once it is
// parsed, gets calls of our own into its loops and its named templates, where
// it is stopped when the time is over; no function is called with what would
// make it answer beyond all bounds; and what is printed is measured before.
type goTemplates struct {
	ctx      context.Context
	options  []string
	limit    int64 // bytes of one text or value
	deepest  int64 // templates that call each other
	depth    int64
	guarded  template.FuncMap
	own      template.FuncMap
	inserted inserted
	parsed   map[string]*template.Template
	random   map[string]bool
}

func newGoTemplates(ctx context.Context, options []string, input Input) *goTemplates {
	g := &goTemplates{
		ctx: ctx, options: options, limit: input.Limits.TemplateBytes, deepest: input.Limits.YAMLDepth,
		guarded: template.FuncMap{}, parsed: map[string]*template.Template{}, random: map[string]bool{},
	}
	functions := availableFunctions()
	if input.Replaced != nil {
		maps.Copy(functions, input.Replaced(func(name string) { g.random[name] = true }))
	}
	for name, function := range functions {
		g.guarded[name] = g.guard(name, function)
	}
	g.own = template.FuncMap{nameEnter: g.enter, nameLeave: g.leave, nameContinue: g.proceed, nameShow: g.show}
	g.inserted = newInserted(g.own)
	return g
}

// availableFunctions are sprig's without those that look at the machine or ask
// the network, Argo CD's own, and those of text/template that make text.
func availableFunctions() map[string]any {
	functions := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	maps.Copy(functions, map[string]any{
		"normalize": sanitize, "slugify": slugify, "toYaml": toYAML, "fromYaml": fromYAML, "fromYamlArray": fromYAMLArray,
		"print": fmt.Sprint, "printf": fmt.Sprintf, "println": fmt.Sprintln,
		"html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
	})
	return functions
}

func toYAML(value any) (string, error) {
	text, err := yaml.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("writing YAML: %w", err)
	}
	return strings.TrimSuffix(string(text), "\n"), nil
}

func fromYAML(text string) (map[string]any, error) {
	value := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, fmt.Errorf("reading YAML: %w", err)
	}
	return value, nil
}

func fromYAMLArray(text string) ([]any, error) {
	value := []any{}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, fmt.Errorf("reading YAML: %w", err)
	}
	return value, nil
}

// checkOptions refuses what text/template panics about.
func checkOptions(read definition) error {
	known := []string{"missingkey=default", "missingkey=invalid", "missingkey=zero", "missingkey=error"}
	for i, option := range read.GoTemplateOptions {
		if read.GoTemplate && !slices.Contains(known, option) {
			return fmt.Errorf("spec.goTemplateOptions[%d]: %q is no option of Go templates; there are %s", i, option, strings.Join(known, ", "))
		}
	}
	return nil
}

// fill fills one text.
func (g *goTemplates) fill(written string, params map[string]any, options []string) (string, error) {
	parsed, err := g.parse(written)
	if err != nil {
		return "", err
	}
	out := &boundedText{limit: g.limit}
	g.depth = 0
	if err := parsed.Option(append([]string{"missingkey=default"}, options...)...).Execute(out, params); err != nil {
		return "", g.explain("filling the template", err)
	}
	return out.String(), nil
}

// parse parses a text once.
func (g *goTemplates) parse(written string) (*template.Template, error) {
	if parsed, known := g.parsed[written]; known {
		return parsed, nil
	}
	if int64(len(written)) > g.limit {
		return nil, tooLarge("the template", g.limit)
	}
	parsed, err := template.New("text").Funcs(g.guarded).Parse(written)
	if err != nil {
		return nil, &hintedError{err: g.explain("parsing the template", err), hint: "correct the template; Argo CD refuses the whole ApplicationSet with it"}
	}
	for _, named := range parsed.Templates() {
		g.inserted.into(named)
	}
	parsed.Funcs(g.own)
	g.parsed[written] = parsed
	return parsed, nil
}

// placeInText is how text/template begins: "template: text:LINE:COLUMN:".
var placeInText = regexp.MustCompile(`^template: text:(\d+)(:\d+)?: (executing "[^"]*" )?`)

// explain is what text/template says, with the line of the text in the place of
// the template's name. Our own limits speak for themselves.
func (g *goTemplates) explain(doing string, err error) error {
	var hinted *hintedError
	switch {
	case errors.As(err, &hinted):
		return hinted
	case g.ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, g.ctx.Err())
	}
	said := placeInText.ReplaceAllString(err.Error(), "line $1: ")
	if len(said) > longestMessage {
		said = said[:longestMessage] + "..."
	}
	return fmt.Errorf("%s: %s", doing, said)
}

// longestMessage bounds what of a template can get into a report.
const longestMessage = 600

// guard is a function that does not begin when the time is over, or when it
// would write too much.
func (g *goTemplates) guard(name string, function any) any {
	inner := reflect.ValueOf(function)
	return reflect.MakeFunc(inner.Type(), func(arguments []reflect.Value) []reflect.Value {
		if g.ctx.Err() != nil {
			panic(g.ctx.Err()) // text/template makes an error of it
		}
		if growth(name, arguments, g.limit) > g.limit {
			panic(tooLarge("what the function "+name+" works on or answers", g.limit))
		}
		if inner.Type().IsVariadic() {
			return inner.CallSlice(arguments)
		}
		return inner.Call(arguments)
	}).Interface()
}

// boundedText ends what prints without end.
type boundedText struct {
	strings.Builder
	limit int64
}

func (b *boundedText) Write(text []byte) (int, error) {
	if int64(b.Len()+len(text)) > b.limit {
		return 0, tooLarge("the text", b.limit)
	}
	return b.Builder.Write(text) //nolint:wrapcheck // it never fails
}

func (b *boundedText) WriteString(text string) (int, error) { return b.Write([]byte(text)) }

func tooLarge(what string, limit int64) error {
	return &hintedError{
		err:  fmt.Errorf("%s has more than %d bytes (limit templateBytes)", what, limit),
		hint: "look for a loop that grows its text, or raise the limit in the gate",
	}
}
