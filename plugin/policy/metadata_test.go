package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// configMap is a ConfigMap with metadata, in the syntax of YAML.
func configMap(metadata string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: " + metadata + "\ndata: {a: b}\n"
}

// TestMetadata_WhatTheAPIServerRefusesIsDenied: each twin differs in one value.
func TestMetadata_WhatTheAPIServerRefusesIsDenied(t *testing.T) {
	role := func(name string) string {
		return "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {namespace: team-a, name: " + name + "}\nrules: []\n"
	}
	for name, test := range map[string]struct{ bad, good, field, message string }{
		"a name with an escape":     {configMap(`{name: "web\e[31m", namespace: team-a}`), configMap(`{name: web, namespace: team-a}`), "metadata.name", `Invalid value: "web\x1b[31m"`},
		"a name of two lines":       {configMap(`{name: "web\nok", namespace: team-a}`), configMap(`{name: web-ok, namespace: team-a}`), "metadata.name", `"web\nok"`},
		"a name to be made":         {configMap(`{generateName: "Web-", namespace: team-a}`), configMap(`{generateName: web-, namespace: team-a}`), "metadata.generateName", "lower case"},
		"a namespace":               {configMap(`{name: web, namespace: "team a"}`), configMap(`{name: web, namespace: team-a}`), "metadata.namespace", `"team a"`},
		"a label's key":             {configMap(`{name: web, labels: {"a\a": b}}`), configMap(`{name: web, labels: {a: b}}`), "metadata.labels", `"a\a"`},
		"a label's value":           {configMap(`{name: web, labels: {a: "b\0"}}`), configMap(`{name: web, labels: {a: b}}`), "metadata.labels", `"b\x00"`},
		"a long value":              {configMap(`{name: web, labels: {a: ` + strings.Repeat("b", 64) + `}}`), configMap(`{name: web, labels: {a: ` + strings.Repeat("b", 63) + `}}`), "metadata.labels", "63"},
		"an annotation's key":       {configMap(`{name: web, annotations: {"a b": c}}`), configMap(`{name: web, annotations: {a-b: "c\e"}}`), "metadata.annotations", `"a b"`},
		"too many annotations":      {configMap(`{name: web, annotations: {a: ` + strings.Repeat("b", 256<<10) + `}}`), configMap(`{name: web, annotations: {a: ` + strings.Repeat("b", 255<<10) + `}}`), "metadata.annotations", "262144"},
		"a finalizer":               {configMap(`{name: web, finalizers: ["a b"]}`), configMap(`{name: web, finalizers: [example.com/a]}`), "metadata.finalizers", `"a b"`},
		"a role's name":             {role(`"a/b"`), role(`"system:a"`), "metadata.name", "may not contain '/'"},
		"a role's with an escape":   {role(`"a\eb"`), role(`"a b"`), "metadata.name", "control characters"},
		"a custom resource's label": {"apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web, labels: {a: 1}}", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web, labels: {a: '1'}}", "metadata.labels", "quote it"},
	} {
		t.Run(name, func(t *testing.T) {
			finding := one(t, withRule(newView(sealed(t, test.bad), nil).findings, ruleMetadata))
			if finding.Level != plugin.Deny || finding.Field != test.field || !strings.Contains(finding.Message, test.message) || finding.Hint == "" {
				t.Errorf("%+v", finding)
			}
			if strings.ContainsAny(finding.Message, "\x1b\x00\a\n") {
				t.Errorf("the message holds the character itself: %q", finding.Message)
			}
			if found := withRule(newView(sealed(t, test.good), nil).findings, ruleMetadata); len(found) != 0 {
				t.Errorf("twin: %+v", found)
			}
		})
	}
}

func TestMetadata_TheLabelsOfAPodTemplateAreChecked(t *testing.T) {
	const good = "template: {metadata: {labels: {app: web}}"
	text := podOf("Deployment", wellPod)
	found := withRule(newView(sealed(t, strings.Replace(text, good, `template: {metadata: {labels: {app: "w\eb"}}`, 1)), nil).findings, ruleMetadata)
	if finding := one(t, found); finding.Field != "spec.template.metadata.labels" {
		t.Errorf("%+v", finding)
	}
	if found := newView(sealed(t, text), nil).findings; len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestMetadata_TheOrderOfProblemsIsTheSameEachTime(t *testing.T) {
	input := sealed(t, configMap(`{name: web, labels: {"a b": "c d", "e f": "g h", "i j": "k l"}, annotations: {"m n": o, "p q": r}}`))
	first := fmt.Sprint(newView(input, nil).findings)
	for range 20 {
		if again := fmt.Sprint(newView(input, nil).findings); again != first {
			t.Fatalf("%s\n%s", first, again)
		}
	}
}

// TestBadInput_AnObjectOf5MBIsDeniedInOneLine: no API server takes it; one
// within the bound is judged as any other.
func TestBadInput_AnObjectOf5MBIsDeniedInOneLine(t *testing.T) {
	large := func(bytes int) plugin.Sealed {
		input := sealed(t, unlabelled)
		input.Objects[0].Fields["data"] = map[string]any{"key": strings.Repeat("x", bytes)}
		return input
	}
	config := Config{Gate: defaultGate()}
	finding := one(t, judgeWith(t, config, large(5<<20)))
	if finding.Rule != ruleTooLarge || finding.Level != plugin.Deny || !strings.Contains(finding.Message, "larger than 3 MiB") || len(finding.Message) > 200 {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, config, large(1<<20)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

// TestBadInput_AHundredThousandObjectsAreJudged: a rendering holds no more than
// the limit renderedObjects (plugin/render refuses it by the name of the limit), so this is beyond what a
// judge meets; it answers for each all the same.
func TestBadInput_AHundredThousandObjectsAreJudged(t *testing.T) {
	const count = 100_000
	var input plugin.Sealed
	for i := range count {
		input.Objects = append(input.Objects, plugin.Object{Fields: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": fmt.Sprintf("web-%d", i), "namespace": "team-a"}, "data": map[string]any{"key": "value"},
		}})
	}
	input.Objects[count-1].Fields["metadata"].(map[string]any)["name"] = "Web"
	finding := one(t, judgeWith(t, restrictedGate(), input))
	if finding.Rule != ruleMetadata || finding.Object.Name != "Web" {
		t.Errorf("%+v", finding)
	}
}

func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{`{"name":"a","labels":{"a":"b"}}`, `{"name":"\u001b","labels":{"\u0000":1},"finalizers":[1,"a"]}`, `null`, `[]`, `{"labels":[]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var metadata any
		if json.Unmarshal([]byte(text), &metadata) != nil {
			return
		}
		input := plugin.Sealed{Objects: []plugin.Object{{Fields: map[string]any{"apiVersion": "v1", "kind": "Widget", "metadata": metadata}}}}
		newView(input, nil)
	})
}
