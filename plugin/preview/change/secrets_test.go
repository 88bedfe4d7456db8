package change_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/change"
)

const secret = `
apiVersion: v1
kind: Secret
metadata:
  name: login
  namespace: shop
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"clear":"correct-horse"}}'}
data: {token: aHVudGVyMi1vbGQ=, keep: c2FtZQ==}
stringData: {clear: correct-horse}
`

// shown is everything that a report holds, as JSON.
func shown(t testing.TB, app change.Application) string {
	t.Helper()
	data, err := json.Marshal(change.Summarise(change.Header{}, []change.Application{app}))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSecrets_AChangeShowsAsChangedAndNoValueDoes(t *testing.T) {
	head := replaced(t, secret, "aHVudGVyMi1vbGQ=", "aHVudGVyMi1uZXcx", "correct-horse", "battery-staple-longer")
	app := compare(t, world{manifests: deployment + "\n---\n" + secret}, world{manifests: deployment + "\n---\n" + head})
	object := objectOf(t, app, "Secret", "login")
	for _, path := range []string{"data.token", "stringData.clear"} {
		if field := fieldOf(t, object, path); field.Status != change.Changed || field.Was != "***" || field.Now != "***" || len(field.Lines) > 0 {
			t.Errorf("got %+v", field)
		}
	}
	if len(object.Fields) != 3 || object.Folded != 1 {
		t.Errorf("got %+v", object.Fields)
	}
	nothingOf(t, app, "hunter2", "aHVudGVyMi", "horse", "staple")
}

func TestSecrets_AddedRemovedAndMisshapenHideTheirValues(t *testing.T) {
	misshapen := "apiVersion: v1\nkind: Secret\nmetadata: {name: odd, namespace: shop}\ndata: [deep-inside]\nstringData: {a: {b: deeper-inside}}\n"
	with, without := world{manifests: deployment + "\n---\n" + secret + "\n---\n" + misshapen}, world{manifests: deployment}
	for _, app := range []change.Application{compare(t, without, with), compare(t, with, without)} {
		if len(app.Objects) != 2 {
			t.Errorf("got %+v", app.Objects)
		}
		nothingOf(t, app, "hunter2", "aHVudGVyMi", "horse", "inside", "c2FtZQ")
	}
}

func TestSecrets_WithinOtherObjectsAreHidden(t *testing.T) {
	const nested = `
apiVersion: example.com/v1
kind: Bundle
metadata: {name: bundle, namespace: shop}
spec:
  objects:
  - {apiVersion: v1, kind: Secret, metadata: {name: inner}, data: {token: bmVzdGVkLXZhbHVl}}
  template: {stringData: {clear: templated-value}}
`
	app := compare(t, world{manifests: deployment}, world{manifests: deployment + "\n---\n" + nested})
	nothingOf(t, app, "bmVzdGVkLXZhbHVl", "templated-value")
	whole := strings.Replace(nested, "objects:\n  - {apiVersion", "objects: text\n  was:\n  - {apiVersion", 1)
	nothingOf(t, compare(t, world{manifests: whole}, world{manifests: nested}), "bmVzdGVkLXZhbHVl", "templated-value")
	mapped := strings.Replace(nested, "template: {stringData: {clear: templated-value}}", "template: text", 1)
	nothingOf(t, compare(t, world{manifests: mapped}, world{manifests: nested}), "templated-value")
}

func TestSecrets_MisshapenStringDataOfOtherObjectsIsHidden(t *testing.T) {
	for _, value := range []string{"[one-value]", "one-value", "{a: {b: one-value}}", "{a: [one-value]}"} {
		head := "apiVersion: example.com/v1\nkind: Template\nmetadata: {name: a}\nstringData: " + value + "\n"
		app := compare(t, world{manifests: deployment}, world{manifests: deployment + "\n---\n" + head})
		if objectOf(t, app, "Template", "a").Fields[0].Now != "***" {
			t.Errorf("got %+v", app.Objects)
		}
		nothingOf(t, app, "one-value")
	}
}

func TestSecrets_ATagThatCameFromOneIsHidden(t *testing.T) {
	head := world{manifests: replaced(t, deployment, "web:1.0", "web:secret-tag"), hidden: []string{"secret-tag"}}
	app := compare(t, world{manifests: deployment}, head)
	nothingOf(t, app, "secret-tag")
	if len(app.Images) != 1 || app.Images[0].Now.Tag != "***" {
		t.Errorf("got %+v", app.Images[0].Now)
	}
	head.digests = map[string]string{webRepository + ":secret-tag": digestOf("moved")}
	nothingOf(t, compare(t, world{manifests: head.manifests, hidden: head.hidden}, head), "secret-tag")
}

func TestSecrets_NamesSteerNoTerminal(t *testing.T) {
	odd := "apiVersion: v1\nkind: \"Config\\e[31mMap\"\nmetadata: {name: \"a\\u202eb\"}\ndata: {\"k\\e[0m\": x}\n"
	app := compare(t, world{manifests: deployment}, world{manifests: deployment + "\n---\n" + odd})
	if object := app.Objects[0]; object.ID.Kind != `Config\x1b[31mMap` || object.ID.Name != `a\u202eb` || strings.ContainsAny(object.Fields[0].Path, "\x1b\u202e") {
		t.Errorf("got %+v", object)
	}
}

// nothingOf fails the test when the report holds one of the words.
func nothingOf(t *testing.T, app change.Application, words ...string) {
	t.Helper()
	text := shown(t, app)
	for _, word := range words {
		if at := strings.Index(text, word); at >= 0 {
			t.Errorf("the report shows %q: %s", word, text[max(0, at-80):min(len(text), at+80)])
		}
	}
}

const settings = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data:
  url: %s
  file: |
    first
    %s
    last
`

func TestSecrets_AreHiddenWhereverElseTheyStand(t *testing.T) {
	const clear = `correct-horse <&"x`
	for name, form := range map[string]string{
		"Clear": clear, "Encoded": base64.StdEncoding.EncodeToString([]byte(clear)), "Within": "user=admin;pass=" + clear + ";",
	} {
		t.Run(name, func(t *testing.T) {
			quoted, err := json.Marshal(form)
			if err != nil {
				t.Fatal(err)
			}
			login := strings.ReplaceAll(secret, "clear: correct-horse", "clear: '"+clear+"'")
			before := strings.Replace(strings.Replace(settings, "%s", "nothing", 1), "%s", "nothing", 1)
			after := strings.Replace(strings.Replace(settings, "%s", string(quoted), 1), "%s", form, 1)
			app := compare(t, world{manifests: login + "\n---\n" + before}, world{manifests: login + "\n---\n" + after})
			field := fieldOf(t, objectOf(t, app, "ConfigMap", "settings"), "data.file")
			if !strings.Contains(strings.Join(field.Lines, "\n"), "***") {
				t.Errorf("got %+v", field)
			}
			nothingOf(t, app, "correct-horse", base64.StdEncoding.EncodeToString([]byte(clear)))
		})
	}
}

func TestSecrets_AValueOfSeveralLinesIsHiddenInATextOfLines(t *testing.T) {
	login := "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\nstringData: {key: \"BEGIN KEY\\nsecond-line\\nEND KEY\\n\"}\n"
	before := strings.Replace(strings.Replace(settings, "%s", "a", 1), "%s", "BEGIN KEY\n    another\n    END KEY", 1)
	after := strings.Replace(strings.Replace(settings, "%s", "a", 1), "%s", "BEGIN KEY\n    second-line\n    END KEY", 1)
	app := compare(t, world{manifests: login + "\n---\n" + before}, world{manifests: login + "\n---\n" + after})
	nothingOf(t, app, "second-line")
}

func TestSecrets_WhatDiffersOnlyInHiddenValuesShowsAsChanged(t *testing.T) {
	before := strings.Replace(strings.Replace(settings, "%s", "old-password", 1), "%s", "old-password", 1)
	after := strings.ReplaceAll(before, "old-password", "new-password-x")
	base, head := world{manifests: before, hidden: []string{"old-password"}}, world{manifests: after, hidden: []string{"new-password-x"}}
	app := compare(t, base, head)
	object := objectOf(t, app, "ConfigMap", "settings")
	if field := fieldOf(t, object, "data.file"); field.Was != "***" || field.Now != "***" || field.Status != change.Changed {
		t.Errorf("got %+v", field)
	}
	if field := fieldOf(t, object, "data.url"); field.Was != `"***"` || field.Now != `"***"` {
		t.Errorf("got %+v", field)
	}
	nothingOf(t, app, "old-password", "new-password")
}

func TestSecrets_ANameThatIsAlsoAValueStaysReadable(t *testing.T) {
	named := "apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: shop}\nstringData: {user: web, port: \"8080\", on: \"true\"}\n"
	head := replaced(t, deployment, "web:1.0", "web:1.1", "value: blue", "value: \"8080\"", "replicas: 2", "replicas: 3")
	app := compare(t, world{manifests: named + "\n---\n" + deployment}, world{manifests: named + "\n---\n" + head})
	object := objectOf(t, app, "Deployment", "web")
	if field := fieldOf(t, object, "spec.template.spec.containers[name=web].image"); !strings.Contains(field.Now, "shop/web:1.1@") {
		t.Errorf("got %+v", field)
	}
	if field := fieldOf(t, object, "spec.template.spec.containers[name=web].env[name=MODE].value"); field.Now != `"8080"` {
		t.Errorf("got %+v", field)
	}
}

func TestSecrets_CredentialsInURLsAndControlCharactersAreNotShown(t *testing.T) {
	before := strings.Replace(strings.Replace(settings, "%s", "a", 1), "%s", "a", 1)
	after := strings.Replace(strings.Replace(settings, "%s", `"https://user:pass-word@example.com/x \e[31m\u202e"`, 1), "%s", "https://user:pass-word@example.com/y", 1)
	app := compare(t, world{manifests: before}, world{manifests: after})
	nothingOf(t, app, "pass-word", "\x1b", "\u202e")
	if field := fieldOf(t, objectOf(t, app, "ConfigMap", "settings"), "data.url"); field.Now != `"https://example.com/x \u001b[31m\u202e"` {
		t.Errorf("got %+v", field)
	}
}

func TestSecrets_AWordIsNotCutSoThatHalfOfItShows(t *testing.T) {
	login := "apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: shop}\nstringData: {token: correct-horse-battery-staple}\n"
	in := input()
	before := strings.Replace(strings.Replace(settings, "%s", "a", 1), "%s", "a", 1)
	for _, hiding := range []string{"correct-horse-battery-staple", "https://user:correct-pass@example.com/"} {
		for length := 90; length < 130; length++ {
			after := strings.Replace(strings.Replace(settings, "%s", strings.Repeat("x ", length/2)+hiding, 1), "%s", "a", 1)
			in.Base, in.Head = world{manifests: login + "\n---\n" + before}.judged(t), world{manifests: login + "\n---\n" + after}.judged(t)
			in.Options.Limits = limits(t, map[string]int64{"diffFieldBytes": 120})
			app := change.Compare(in)
			if length == 129 && !fieldOf(t, objectOf(t, app, "ConfigMap", "settings"), "data.url").Cut {
				t.Error("nothing is cut")
			}
			nothingOf(t, app, "correct")
		}
	}
}

func TestSecrets_AHashOverThemIsNotShown(t *testing.T) {
	for name, test := range map[string]struct {
		side world
		seal bool
	}{"Secret": {world{manifests: deployment + "\n---\n" + secret}, false}, "Hidden": {world{manifests: deployment, hidden: []string{"x"}}, false}, "None": {world{manifests: deployment}, true}} {
		if app := compare(t, test.side, test.side); (app.After.Seal != "") != test.seal {
			t.Errorf("%s: the seal is %q", name, app.After.Seal)
		}
	}
}
