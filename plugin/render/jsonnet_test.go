package render

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

const goodSonnet = `{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }`

func sonnet(files map[string]string, t *testing.T, parameters plugin.JsonnetParameters) (plugin.Rendering, error) {
	t.Helper()
	return newRenderer().Render(t.Context(), plugin.Source{
		Root: writeTree(t, files), Path: "app", Parameters: plugin.Parameters{Directory: plugin.DirectoryParameters{Jsonnet: parameters}},
	})
}

func TestJsonnet_ObjectsNameTheirFile(t *testing.T) {
	rendering, err := sonnet(map[string]string{"app/a.jsonnet": "[" + goodSonnet + ", null]", "app/b.libsonnet": "broken ("}, t, plugin.JsonnetParameters{})
	if err != nil || len(rendering.Objects) != 1 || rendering.Objects[0].Origin.String() != "app/a.jsonnet" {
		t.Errorf("%+v, %v", rendering, err)
	}
}

func TestJsonnet_WhatIsReadIsAFact(t *testing.T) {
	files := map[string]string{"app/a.jsonnet": "import 'x.libsonnet'", "lib/x.libsonnet": goodSonnet, "lib/unused.libsonnet": "{}"}
	parameters := plugin.JsonnetParameters{Libraries: []string{"lib"}}
	rendering, err := sonnet(files, t, parameters)
	if err != nil {
		t.Fatal(err)
	}
	for name, holds := range map[string]bool{"lib/unused.libsonnet": true, "lib/x.libsonnet": false, "app/x.libsonnet": false} {
		changed := map[string]string{name: goodSonnet + " // changed"}
		for known, text := range files {
			if known != name {
				changed[known] = text
			}
		}
		if got := rendering.Facts.Hold(plugin.Source{Root: writeTree(t, changed), Path: "app"}, plugin.DefaultLimits()); got != holds {
			t.Errorf("with another %s the facts hold: %t", name, got)
		}
	}
}

func TestJsonnet_WhatIsRefusedNamesItsPlace(t *testing.T) {
	deep := "local a = " + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "; " + goodSonnet
	for name, test := range map[string]struct{ text, rule, at, part string }{
		"an absolute import":      {"import '/etc/passwd'", ruleEscape, "app/a.jsonnet", "absolute path"},
		"an import from outside":  {"import '../../x.libsonnet'", ruleEscape, "app/a.jsonnet", "leads out of the source tree"},
		"a link to the outside":   {"importstr 'link'", ruleEscape, "app/a.jsonnet", "leads out of the source tree"},
		"a folder":                {"import '../folder'", ruleEscape, "app/a.jsonnet", "is not a regular file"},
		"no such file":            {"import 'none.libsonnet'", ruleMissing, "app/a.jsonnet", `importing "none.libsonnet"`},
		"a name with a zero":      {"import 'a\\u0000b'", ruleMissing, "app/a.jsonnet", "importing"},
		"no name":                 {"import ''", ruleEscape, "app/a.jsonnet", "is not a regular file"},
		"a name that is too long": {"import '" + strings.Repeat("x", 5000) + "'", ruleMissing, "app/a.jsonnet", "importing"},
		"itself by its folder":    {"import '.'", ruleEscape, "app/a.jsonnet", "is not a regular file"},
		"a native function":       {"std.native('exec')('id')", ruleInvalid, "app/a.jsonnet:1", ""},
		"a mistake":               {"\n{ a: ", ruleInvalid, "app/a.jsonnet:2", "Unexpected end of file"},
		"an error":                {"\nerror 'not so'", ruleInvalid, "app/a.jsonnet:2", "not so"},
		"a missing variable":      {"std.extVar('x')", ruleInvalid, "app/a.jsonnet:1", "x"},
		"endless calls":           {"local f(x) = 1 + f(x); f(1)", ruleInvalid, "app/a.jsonnet:1", "max stack frames exceeded"},
		"a circle of imports":     {"import 'a.jsonnet'", ruleInvalid, "app/a.jsonnet:1", "max stack frames exceeded"},
		"brackets without end":    {deep, ruleLimit, "app/a.jsonnet", "nests deeper"},
		"such text by any name":   {"import 'deep.txt'", ruleLimit, "app/deep.txt", "nests deeper"},
		"signs without end":       {strings.Repeat("!", 20_000) + "true", ruleLimit, "app/a.jsonnet", "nests deeper"},
		"too large":               {goodSonnet + strings.Repeat(" ", maxJsonnetBytes), ruleLimit, "app/a.jsonnet", "is larger than"},
		"no object":               {"5", ruleNotAnObject, "app/a.jsonnet", "not a Kubernetes object"},
		"no kind":                 {"{ apiVersion: 'v1' }", ruleNotAnObject, "app/a.jsonnet", "has no kind"},
		"nothing":                 {"null", ruleEmpty, "app", "no objects"},
	} {
		t.Run(name, func(t *testing.T) {
			root := writeTree(t, map[string]string{"app/a.jsonnet": test.text, "folder/x": "", "app/deep.txt": deep})
			if err := root.Symlink("../../outside", "app/link"); err != nil {
				t.Fatal(err)
			}
			_, err := newRenderer().Render(t.Context(), plugin.Source{Root: root, Path: "app"})
			var refusal *plugin.Refusal
			if !errors.As(err, &refusal) || refusal.Rule != test.rule || refusal.Origin.String() != test.at || !strings.Contains(err.Error(), test.part) {
				t.Errorf("%v (%+v), want %s at %s with %q", err, refusal, test.rule, test.at, test.part)
			}
		})
	}
	if _, err := sonnet(map[string]string{"app/a.jsonnet": goodSonnet}, t, plugin.JsonnetParameters{}); err != nil {
		t.Errorf("their twin: %v", err)
	}
}

func TestJsonnet_CodeThatNestsWithoutEndIsRefused(t *testing.T) {
	for code, want := range map[string]string{strings.Repeat("(", 20_000): ruleLimit, "(": ruleInvalid, "(1)": ""} {
		_, err := sonnet(map[string]string{"app/a.jsonnet": "assert std.isNumber(std.extVar('a')); " + goodSonnet}, t, plugin.JsonnetParameters{ExternalVariables: []plugin.JsonnetVariable{{Name: "a", Value: code, Code: true}}})
		var refusal *plugin.Refusal
		if errors.As(err, &refusal) != (want != "") || refusal != nil && refusal.Rule != want {
			t.Errorf("%.10s: %v", code, err)
		}
	}
}

func TestJsonnet_ALimitOfTheRenderingHolds(t *testing.T) {
	limits := plugin.DefaultLimits()
	limits.RenderedBytes = 100
	source := plugin.Source{Root: writeTree(t, map[string]string{"app/a.jsonnet": "{ a: std.repeat('x', 200) }"}), Path: "app"}
	var refusal *plugin.Refusal
	if _, err := New(Options{Limits: limits}).Render(t.Context(), source); !errors.As(err, &refusal) || refusal.Rule != ruleLimit {
		t.Errorf("%v", err)
	}
}
