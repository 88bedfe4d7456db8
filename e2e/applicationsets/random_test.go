package applicationsets

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// TestRandom asks both about sets that nobody thought of: generators in
// generators with selectors, values and templates by chance, the same each run.
func TestRandom(t *testing.T) {
	tree := t.TempDir()
	if err := os.CopyFS(tree, os.DirFS(testdata+"/tree")); err != nil {
		t.Fatal(err)
	}
	compare := newComparison(t, tree, testdata+"/clusters.yaml")
	for seed := range uint64(1000) {
		made := &chance{Rand: rand.New(rand.NewPCG(seed, 7)), goTemplate: seed%2 == 0}
		text, err := json.Marshal(made.set(fmt.Sprintf("random-%d", seed)))
		if err != nil {
			t.Fatal(err)
		}
		compare.one(t, string(text), text)
		if t.Failed() {
			break
		}
	}
	compare.report(t, 1000)
}

// chance makes ApplicationSets.
type chance struct {
	*rand.Rand
	goTemplate bool
	names      []string // what a name can be made of
	lists      int
}

type spec = map[string]any

func (c *chance) oneOf(of ...string) string { return of[c.IntN(len(of))] }

// param is a reference to a parameter in the set's kind of template.
func (c *chance) param(path string) string {
	if c.goTemplate {
		return "{{." + path + "}}"
	}
	return "{{" + path + "}}"
}

func (c *chance) set(name string) spec {
	generators := make([]any, 1+c.IntN(2))
	for i := range generators {
		generators[i] = c.generator(0)
	}
	whole := spec{"generators": generators, "template": c.template(), "goTemplate": c.goTemplate}
	if c.goTemplate && c.IntN(3) == 0 {
		whole["goTemplateOptions"] = []string{c.oneOf("missingkey=error", "missingkey=zero", "missingkey=default")}
	}
	if c.IntN(4) == 0 {
		whole["templatePatch"] = "spec:\n  source:\n    path: patched/" + c.text() + "\nmetadata: {labels: {patched: \"yes\"}}\n"
	}
	return spec{"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": spec{"name": name, "namespace": "argocd"}, "spec": whole}
}

func (c *chance) template() spec {
	name := "x"
	for _, part := range c.names {
		name += "-" + c.param(part)
	}
	if c.goTemplate {
		name = `x-{{toJson . | sha256sum | trunc 12}}`
	}
	return spec{
		"metadata": spec{"name": name, "labels": spec{"a": c.text(), "k": c.text()}},
		"spec": spec{
			"project": "default", "destination": spec{"server": c.text(), "namespace": "x"},
			"source": spec{
				"repoURL": "https://git.example.com/team-a/deploy.git", "path": c.text(), "targetRevision": c.oneOf("HEAD", "", c.text()),
				"helm": spec{"valuesObject": spec{"a": c.text(), "n": c.IntN(100000000), "l": []any{c.text(), true}}, "values": c.text()},
			},
		},
	}
}

// text is a template by chance.
func (c *chance) text() string {
	plain := c.param(c.oneOf("a", "b", "k", "name", "server", "path.basename", "values.v", "values.w", "cluster.name", "cluster.port", "gone", "my.path.basename"))
	if !c.goTemplate && c.IntN(60) == 0 {
		return "{{a}}{{" // which is an error
	}
	if !c.goTemplate {
		return c.oneOf(plain, plain+"-"+c.param("a"), "{{ "+c.oneOf("a", "path", "path[0]", "tags.0", "metadata.labels.env")+" }}", "plain", "{{", "}}")
	}
	return c.oneOf(plain, "x-"+plain, "plain", `{{default "d" .a}}`, `{{.values | toJson}}`, `{{if .cluster}}{{.cluster | toYaml}}{{end}}`,
		`{{range $k, $v := .metadata}}{{$k}}={{$v}};{{end}}`, `{{with .path}}{{.segments | join "_"}}{{end}}`, `{{len .}}`, `{{.a | default "x" | normalize | slugify}}`)
}

func (c *chance) generator(depth int) spec {
	var made spec
	switch kind := c.IntN(10); {
	case kind < 2 && depth < 3:
		made = spec{"matrix": spec{"generators": []any{c.generator(depth + 1), c.generator(depth + 1)}}}
	case kind < 4 && depth < 3:
		made = spec{"merge": spec{"mergeKeys": c.mergeKeys(), "generators": []any{c.generator(depth + 1), c.generator(depth + 1)}}}
	case kind < 6:
		made = spec{"git": c.git()}
	case kind < 7:
		made = spec{"clusters": c.clusters()}
	default:
		made = spec{"list": c.list()}
	}
	if c.IntN(4) == 0 {
		made["selector"] = c.selector()
	}
	return made
}

func (c *chance) mergeKeys() []string {
	keys := []string{c.oneOf("k", "k", "k", "k", "a", "name", "server", "values.v")}
	if c.IntN(4) == 0 {
		keys = append(keys, "b")
	}
	return keys
}

func (c *chance) selector() spec {
	key := c.oneOf("a", "k", "name", "path.basename", "metadata.labels.env", "values.v")
	if c.IntN(2) == 0 {
		return spec{"matchLabels": spec{key: c.oneOf("one", "two", "prod", "alpha", "1")}}
	}
	operator := c.oneOf("In", "NotIn", "Exists", "DoesNotExist")
	made := spec{"key": key, "operator": operator}
	if strings.HasSuffix(operator, "In") {
		made["values"] = []string{"one", "dev", "beta"}
	}
	return spec{"matchExpressions": []any{made}}
}

func (c *chance) list() spec {
	c.lists++
	elements := []any{}
	for i := range c.IntN(4) {
		element := spec{"k": fmt.Sprint(i)}
		for range c.IntN(4) {
			element[c.oneOf("a", "b", "name", "server", "extra")] = c.value()
		}
		if c.IntN(3) == 0 {
			element["values"] = spec{"v": c.oneOf("one", "two", c.text()), "w": c.text()}
		}
		elements = append(elements, element)
	}
	c.names = append(c.names, "k")
	made := spec{"elements": elements}
	if c.IntN(4) == 0 {
		made["elementsYaml"] = c.oneOf("[{k: y, a: one}]", "- k: z\n  b: '"+c.oneOf("two", c.param("a"))+"'\n  n: 5", "[]")
	}
	return made
}

func (c *chance) value() any {
	if !c.goTemplate {
		return c.oneOf("one", "two", "", c.text())
	}
	switch c.IntN(8) {
	case 0:
		return c.IntN(3)
	case 1:
		return c.IntN(2) == 0
	case 2:
		return spec{"x": c.oneOf("one", "two"), c.oneOf("y", "z"): c.IntN(3)}
	case 3:
		return []any{"one", c.IntN(3)}
	}
	return c.oneOf("one", "two", "", c.text())
}

func (c *chance) git() spec {
	made := spec{"repoURL": "https://git.example.com/team-a/deploy.git", "revision": "HEAD"}
	prefix := ""
	if c.IntN(3) == 0 {
		made["pathParamPrefix"], prefix = "my", "my."
	}
	c.names = append(c.names, prefix+"path.basenameNormalized")
	kind, items := "directories", []any{spec{"path": c.oneOf("apps/*", "*", "apps/alpha", "*/*", "config/*", "apps/"+c.param("a"), "{{a}}")}}
	if c.IntN(2) == 0 {
		kind, items = "files", []any{spec{"path": c.oneOf("config/*/config.json", "config/**", "config/list.yaml", "components/*", "config/[dp]*/config.json", "config/"+c.param("a")+"/config.json")}}
	}
	if c.IntN(3) == 0 {
		items = append(items, spec{"path": c.oneOf("apps/b*", "config/prod/**", "*", "nothing"), "exclude": true})
	}
	made[kind] = items
	c.values(made)
	return made
}

func (c *chance) values(of spec) {
	if c.IntN(3) == 0 {
		of["values"] = spec{"v": c.text(), "w": c.oneOf("plain", c.param("a"), c.param("values.v"))}
	}
}

func (c *chance) clusters() spec {
	made := spec{}
	if c.IntN(2) == 0 {
		made["selector"] = spec{"matchLabels": spec{"env": c.oneOf("dev", "prod", c.param("a"))}}
	}
	c.values(made)
	c.names = append(c.names, "nameNormalized")
	return made
}
