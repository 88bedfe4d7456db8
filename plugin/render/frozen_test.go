package render

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	release "helm.sh/helm/v4/pkg/release/v1"

	"github.com/assay-gitops/assay/plugin"
)

// hostileTexts are what a chart must not touch.
func hostileTexts() []string {
	return []string{
		"{{ .Values.x }}", "{{", "}}", "{{- fail \"evaluated\" -}}", "{{/*", "*/}}", "`{{ `{{` }}`", "<no value>", "a<no value>b<no value>", `\<no value>`, `\\`, `\u003c`,
		"\x00", "\x01\x1b[31m", "line\n---\nkind: Pod\n", "---", "--- a", "# Source: web/templates/x.yaml", "\r\n", "a\r\nb\r", "tab\there", " leading", "trailing ", "\n", "",
		"ä€😀\u00a0", "\u0085\u2028\u2029", "\ufeff", "\uffff", "yes", "null", "~", "1e3", "0x10", "012", "1_000", "=", "<<", "*a", "&a", "!!binary aGk=", "%YAML 1.1", "@", "2020-01-01",
		"HELM_ERR_START x HELM_ERR_END", `{{ include "web" . }}`, `{{ tpl "x" . }}`, `{{ define "web.name" }}x{{ end }}`, `{{ .Files.Get "objects/00000-configmap.json" }}`, strings.Repeat("long ", 500),
	}
}

func TestFrozenChart_NoTextOfAnObjectIsATemplate(t *testing.T) {
	data := map[string]any{}
	for i, text := range hostileTexts() {
		data[fmt.Sprintf("k%03d", i)] = text
	}
	labelled := map[string]any{"name": "{{ .Release.Name }}", "namespace": "prod", "annotations": map[string]any{"note": "{{ now }}", "x": "<no value>"}}
	sealed := []plugin.Object{
		object("ConfigMap", "templates", map[string]any{"data": data}),
		object("ConfigMap", "", map[string]any{"metadata": labelled}),
		object("Deployment", "web", map[string]any{"spec": map[string]any{"replicas": int64(2), "big": int64(1000000), "share": 0.5, "whole": 1.0, "tiny": 1e-9, "none": nil, "list": []any{}, "map": map[string]any{}, "on": true}}),
	}
	loaded := helmChart(t, mustFreeze(t, frozenOptions(seal(t, sealed...))))
	for i, each := range hostileCircumstances()[:3] {
		got, err := each.releaseOf(t, loaded)
		check(t, err)
		same(t, fmt.Sprintf("release %d", i), got.manifests, sealed)
	}
}

// TestFrozenChart_TextSurvivesHelmControllersPostRenderer: every release goes
// through kustomize, which must find the same texts in the chart's JSON.
func TestFrozenChart_TextSurvivesHelmControllersPostRenderer(t *testing.T) {
	for _, text := range hostileTexts() {
		sealed := object("ConfigMap", "c", map[string]any{"data": map[string]any{"k": text}})
		if text == "\uffff" || text == "\u0085\u2028\u2029" {
			continue // kustomize refuses the first and folds the others, in any chart
		}
		last := hostileCircumstances()[3]
		got, err := last.releaseOf(t, helmChart(t, mustFreeze(t, frozenOptions(seal(t, sealed)))))
		check(t, err)
		same(t, fmt.Sprintf("%q", text), got.manifests, []plugin.Object{sealed})
	}
}

func TestFrozenChart_HooksStayHooksInTheirOrder(t *testing.T) {
	config := object("ConfigMap", "c", nil)
	hooks := []plugin.Object{hook("migrate", "pre-install,pre-upgrade", "5"), hook("clean", "post-delete", "-1"), hook("probe", "test", "0"), hook("early", "pre-install", "-5")}
	loaded := helmChart(t, mustFreeze(t, frozenOptions(seal(t, append([]plugin.Object{config}, hooks...)...))))
	for i, each := range hostileCircumstances() {
		got, err := each.releaseOf(t, loaded)
		check(t, err)
		same(t, fmt.Sprintf("manifests of release %d", i), got.manifests, []plugin.Object{config})
		same(t, fmt.Sprintf("hooks of release %d", i), got.hooks, hooks)
	}
}

func TestFrozenChart_CRDsAreWhereTheyWere(t *testing.T) {
	definition := object("CustomResourceDefinition", "widgets.example.com", map[string]any{"spec": map[string]any{"description": "{{ .Values.x }} <no value>"}})
	managed := object("CustomResourceDefinition", "gadgets.example.com", nil)
	options := frozenOptions(seal(t, definition, managed, object("ConfigMap", "c", nil)))
	options.Chart.CRDs = []plugin.ObjectID{definition.ID()}
	for _, each := range hostileCircumstances() {
		got, err := each.releaseOf(t, helmChart(t, mustFreeze(t, options)))
		check(t, err)
		same(t, "crds", got.crds, []plugin.Object{definition})
		same(t, "templates", got.manifests, []plugin.Object{object("ConfigMap", "c", nil), managed})
	}
	options.Chart.CRDs = []plugin.ObjectID{managed.ID()}
	_, err := FreezeChart(options)
	refused(t, err, ruleNotSupported, "another chart")
}

// TestFrozenChart_CRDsFoldersHoldDefinitionsAlone: Helm creates what lies there
// before any template, wherever the release is. The twin has the same object in a
// template.
func TestFrozenChart_CRDsFoldersHoldDefinitionsAlone(t *testing.T) {
	definition := object("CustomResourceDefinition", "widgets.example.com", nil)
	for name, other := range map[string]plugin.Object{
		"ConfigMap":          object("ConfigMap", "c", nil),
		"ClusterRole":        object("ClusterRole", "c", nil),
		"CustomResource":     object("Widget", "c", nil),
		"KindOfAnotherGroup": {Fields: map[string]any{"apiVersion": "example.com/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "c"}}},
		"KindWithoutAGroup":  {Fields: map[string]any{"apiVersion": "v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "c"}}},
		"OtherKindOfTheGroup": {Fields: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "metadata": map[string]any{"name": "c"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			options := frozenOptions(seal(t, definition, other))
			options.Chart.CRDs = []plugin.ObjectID{definition.ID(), other.ID()}
			_, err := FreezeChart(options)
			refused(t, err, ruleNotSupported, "the chart's crds folder holds a "+other.ID().Kind+" (c): Helm would create it in whatever namespace the release has, before any template; move it to templates")
			options.Chart.CRDs = options.Chart.CRDs[:1]
			mustFreeze(t, options)
		})
	}
}

// TestFrozenChart_OtherKindsInACRDsFolderAreRefused as a chart has them; the twin
// has them in templates.
func TestFrozenChart_OtherKindsInACRDsFolderAreRefused(t *testing.T) {
	for folder, denied := range map[string]bool{"web/crds/": true, "web/charts/sub/crds/": true, "web/templates/": false} {
		source := plugin.Source{Path: "web", Application: plugin.Application{Name: "web", Namespace: "prod"}, Root: writeTree(t, map[string]string{
			"web/Chart.yaml":            "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 1.0.0}\n",
			"web/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
			"web/crds/a.yaml":           "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n",
			folder + "b.yaml":           goodConfigMap,
		})}
		facts, err := DescribeChart(t.Context(), source, Options{Limits: plugin.DefaultLimits()})
		check(t, err)
		options := frozenOptions(seal(t, mustRender(t, source).Objects...))
		options.Chart = facts
		if _, err = FreezeChart(options); !denied {
			check(t, err)
			continue
		}
		refused(t, err, ruleNotSupported, "the chart's crds folder holds a ConfigMap")
	}
}

func TestFrozenChart_ObjectsLandInTheJudgedNamespace(t *testing.T) {
	role, config, widget := object("ClusterRole", "r", nil), object("ConfigMap", "c", nil), object("Widget", "w", nil)
	elsewhere := hostileCircumstances()[2]
	options := frozenOptions(seal(t, config, role))
	options.Namespace = "prod"
	pinned := object("ConfigMap", "c", map[string]any{"metadata": map[string]any{"name": "c", "namespace": "prod"}})
	got, err := elsewhere.releaseOf(t, helmChart(t, mustFreeze(t, options)))
	check(t, err)
	same(t, "known scopes", got.manifests, []plugin.Object{pinned, role})

	options.Sealed = seal(t, widget)
	loaded := helmChart(t, mustFreeze(t, options))
	if _, err := elsewhere.releaseOf(t, loaded); err == nil || !strings.Contains(err.Error(), "judged for the namespace prod") {
		t.Errorf("a kind of unknown scope lands in another namespace: %v", err)
	}
	got, err = hostileCircumstances()[1].releaseOf(t, loaded)
	check(t, err)
	same(t, "unknown scope", got.manifests, []plugin.Object{widget})
}

func TestFrozenChart_SameSealSameBytesAndVersionsTellContentsApart(t *testing.T) {
	options := frozenOptions(seal(t, object("ConfigMap", "c", nil)))
	first, again := mustFreeze(t, options), mustFreeze(t, options)
	if !reflect.DeepEqual(first, again) {
		t.Error("two charts of one seal differ")
	}
	metadata := helmChart(t, first).Metadata
	if metadata.AppVersion != "1.10" || !strings.HasPrefix(metadata.Version, "1.2.3+") || len(metadata.Version) != len("1.2.3+")+12 || len(metadata.Dependencies) > 0 || metadata.KubeVersion != "" {
		t.Errorf("got %+v", metadata)
	}
	options.Sealed = seal(t, object("ConfigMap", "d", nil))
	if other := helmChart(t, mustFreeze(t, options)).Metadata.Version; other == metadata.Version {
		t.Errorf("another content has the same version %s", other)
	}
	for name := range first {
		if path.Dir(name) != "web" && !strings.HasPrefix(name, "web/templates/") && !strings.HasPrefix(name, "web/objects/") {
			t.Errorf("unexpected file %s", name)
		}
	}
}

// noise is text that does not get smaller.
func noise(bytes int) string {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, bytes)
	for i := range out {
		out[i] = byte('a' + random.IntN(26))
	}
	return string(out)
}

func TestFrozenChart_WhatCannotBeAReleaseIsRefused(t *testing.T) {
	config := func(text string) []byte {
		return seal(t, object("ConfigMap", "c", map[string]any{"data": map[string]any{"k": text}}))
	}
	good := frozenOptions(config(noise(200 << 10)))
	mustFreeze(t, good)
	large := good
	large.Sealed = config(noise(900 << 10))
	_, err := FreezeChart(large)
	refused(t, err, ruleLimit, "the Secret in which Helm keeps it")
	large.Sealed = config(strings.Repeat("a", 3<<20)) // gets small
	mustFreeze(t, large)
	large.Sealed = config(strings.Repeat("a", 6<<20))
	_, err = FreezeChart(large)
	refused(t, err, ruleLimit, "a file of a chart")

	for _, name := range []string{"", "..", "a/b", "a b", "-x"} {
		bad := good
		bad.Chart.Name = name
		_, err := FreezeChart(bad)
		refused(t, err, ruleInvalid, "name")
	}
	bad := good
	bad.Chart.Version = "latest"
	_, err = FreezeChart(bad)
	refused(t, err, ruleInvalid, "semantic")
	bad = good
	bad.Sealed = append([]byte(" "), good.Sealed...)
	if _, err := FreezeChart(bad); err == nil {
		t.Error("bytes that are no seal make a chart")
	}
	bad.Sealed = nil
	if _, err := FreezeChart(bad); err == nil {
		t.Error("an empty seal makes a chart")
	}
	bad.Sealed = seal(t, object("ConfigMap", "c", map[string]any{"metadata": map[string]any{"name": "c", "annotations": map[string]any{release.HookAnnotation: "pre-lunch"}}}))
	_, err = FreezeChart(bad)
	refused(t, err, ruleNotSupported, "0 objects of 1")
}

// FuzzFrozenChart: whatever an object holds, the frozen chart gives that
// object, or there is no frozen chart.
func FuzzFrozenChart(f *testing.F) {
	for _, text := range hostileTexts() {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, key, text string) {
		sealed := object("ConfigMap", "c", map[string]any{"data": map[string]any{"k" + key: text}})
		encoded, err := plugin.JSONEncoding{}.Encode([]plugin.Object{sealed})
		if err != nil {
			return
		}
		files, err := FreezeChart(frozenOptions(encoded))
		if err != nil {
			if len(key) < 1000 && len(text) < 1<<20 {
				t.Fatalf("a small object cannot be frozen: %v", err)
			}
			return
		}
		for _, data := range files {
			if bytes.Contains(data, []byte("<no value>")) {
				t.Fatal("a file holds what helm removes")
			}
		}
		got, err := hostileCircumstances()[2].releaseOf(t, helmChart(t, files))
		check(t, err)
		same(t, "the release", got.manifests, []plugin.Object{sealed})
	})
}

func TestDescribeChart_SaysWhatAFrozenChartKeeps(t *testing.T) {
	definition := func(name string) string {
		return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + name + ".example.com}\n"
	}
	files := map[string]string{
		"web/Chart.yaml":             "apiVersion: v2\nname: web\nversion: v1.2\nappVersion: \"3\"\ndependencies:\n- {name: sub, version: 1.0.0, condition: sub.enabled}\n",
		"web/crds/a.yaml":            definition("as") + "---\n" + definition("bs"),
		"web/charts/sub/Chart.yaml":  "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"web/charts/sub/crds/c.yaml": definition("cs"),
		"web/templates/a.yaml":       goodConfigMap,
		"web/templates/tests/t.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: probe\n  annotations: {helm.sh/hook: test}\n",
		"web/templates/NOTES.txt":    "hello {{ .Release.Name }}",
	}
	source := plugin.Source{Root: writeTree(t, files), Path: "web", Application: plugin.Application{Name: "web", Namespace: "prod"}}
	source.Parameters.Helm.KeepTests = true
	for _, test := range []struct {
		values, crds string
	}{{"", "as bs cs"}, {"sub: {enabled: false}", "as bs"}} {
		source.Parameters.Helm.Values = test.values
		facts, err := DescribeChart(t.Context(), source, Options{Limits: plugin.DefaultLimits()})
		check(t, err)
		var crds []string
		for _, id := range facts.CRDs {
			crds = append(crds, strings.TrimSuffix(id.Name, ".example.com"))
		}
		if got := strings.Join(crds, " "); got != test.crds || facts.Name != "web" || facts.Version != "v1.2" || facts.AppVersion != "3" {
			t.Errorf("got %+v, want the crds %s", facts, test.crds)
		}
		rendering := mustRender(t, source)
		options := frozenOptions(seal(t, rendering.Objects...))
		options.Chart = facts
		loaded := helmChart(t, mustFreeze(t, options))
		if !strings.HasPrefix(loaded.Metadata.Version, "1.2.0+") {
			t.Errorf("got version %s", loaded.Metadata.Version)
		}
		got, err := hostileCircumstances()[1].releaseOf(t, loaded)
		check(t, err)
		same(t, "everything", slices.Concat(got.crds, got.manifests, got.hooks), rendering.Objects)
		if len(got.hooks) != 1 {
			t.Errorf("the test hook is not there")
		}
	}
	source.Parameters.Helm = plugin.HelmParameters{SkipCRDs: true}
	if facts, err := DescribeChart(t.Context(), source, Options{Limits: plugin.DefaultLimits()}); err != nil || len(facts.CRDs) > 0 {
		t.Errorf("got %+v, %v", facts, err)
	}
}
