package render

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

const secretToken = "hunter2-hunter2"

func secretPostBuild(secret ...string) *plugin.FluxPostBuild {
	return &plugin.FluxPostBuild{Substitute: map[string]string{"TOKEN": secretToken, "REGION": "eu-1"}, Secret: secret}
}

// TestFlux_WhatExpressionsMakeOfSecretValuesIsKnown, and nothing that would be
// the same without them.
func TestFlux_WhatExpressionsMakeOfSecretValuesIsKnown(t *testing.T) {
	for expression, want := range map[string][]string{
		"${TOKEN}":                    {secretToken},
		"${TOKEN:0:8}":                {"hunter2-"},
		"${TOKEN:8}":                  {"hunter2"},
		"${TOKEN^^}":                  {"HUNTER2-HUNTER2"},
		"${TOKEN%-*}":                 {"hunter2"},
		"${TOKEN##*-}":                {"hunter2"},
		"${TOKEN//hunter/x}":          {"x2-x2"},
		"a-${TOKEN:0:3}-${TOKEN:4:3}": {"er2", "hun"},
		"${MISSING:=x${TOKEN:0:4}}":   {"hunt", "xhunt"},
		"${REGION:=${TOKEN}}":         {secretToken},
		"${REGION:0:2}":               nil,
		"${#TOKEN}":                   nil,
		"plain":                       nil,
	} {
		files := map[string]string{"a.yaml": goodConfigMap + "data: {a: \"" + expression + "\"}\n"}
		source := plugin.Source{Root: writeTree(t, files), Path: ".", Parameters: plugin.Parameters{Kind: KindFlux, Flux: plugin.FluxParameters{PostBuild: secretPostBuild("TOKEN")}}}
		if got := mustRender(t, source).Hidden; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
		source.Parameters.Flux.PostBuild = secretPostBuild()
		if got := mustRender(t, source).Hidden; len(got) > 0 {
			t.Errorf("%s: of no Secret: %q", expression, got)
		}
	}
}

// TestFlux_PiecesAreKeptWithTheRendering: by a cache, and by a worker.
func TestFlux_PiecesAreKeptWithTheRendering(t *testing.T) {
	source := plugin.Source{
		Root: writeTree(t, map[string]string{"a.yaml": goodConfigMap + "data: {a: \"${TOKEN:0:4}\"}\n"}), Path: ".",
		Parameters: plugin.Parameters{Kind: KindFlux, Flux: plugin.FluxParameters{PostBuild: secretPostBuild("TOKEN")}},
	}
	cache := NewCache(1 << 20)
	renderer := New(Options{Limits: plugin.DefaultLimits(), Cache: cache})
	for range 2 {
		rendering, err := renderer.Render(t.Context(), source)
		if err != nil || !slices.Equal(rendering.Hidden, []string{"hunt"}) {
			t.Errorf("%q %v", rendering.Hidden, err)
		}
	}
	if hits, _ := cache.Stats(); hits != 1 {
		t.Errorf("%d hits", hits)
	}
	rendering, err := newWorkers(t, nil).Render(t.Context(), source)
	if err != nil || !slices.Equal(rendering.Hidden, []string{"hunt"}) {
		t.Errorf("of a worker: %q %v", rendering.Hidden, err)
	}
	data, err := json.Marshal(rendering.Facts)
	if err != nil || strings.Contains(string(data), "hunt") {
		t.Errorf("the facts hold it: %s %v", data, err)
	}
}

// TestFlux_PiecesWithoutEndAreRefused in time.
func TestFlux_PiecesWithoutEndAreRefused(t *testing.T) {
	values := map[string]string{"TOKEN": strings.Repeat("x", 1<<16)}
	p := newPieces([]string{"TOKEN"})
	if p.find(strings.Repeat("${TOKEN^^}", 40_000), values) {
		t.Error("it came to an end")
	}
	p = newPieces([]string{"TOKEN"})
	if !p.find(strings.Repeat("${TOKEN", 40_000)+strings.Repeat("}", 20), values) {
		t.Error("what is no expression is too much")
	}
	if p = newPieces([]string{"TOKEN"}); !p.find(strings.Repeat("${TOKEN^^}", 100), values) || len(p.sorted()) != 1 {
		t.Error("a hundred are too many")
	}
	var refusal *plugin.Refusal
	if err := tooManyPieces(plugin.Object{}); !errors.As(err, &refusal) || refusal.Rule != ruleLimit {
		t.Error(err)
	}
}

// TestHelm_WhatATemplateSaysOfSecretValuesIsNotShown: fail repeats what it is
// given, in any form. Its line is told.
func TestHelm_WhatATemplateSaysOfSecretValuesIsNotShown(t *testing.T) {
	for _, template := range []string{
		`{{ fail (trunc 4 .Values.token) }}`, `{{ fail (b64enc .Values.token) }}`, `{{ required (sha256sum .Values.token) .Values.none }}`, `{{ index .Values.token (int 99) }}{{ fail "hunt" }}`,
	} {
		source := plugin.Source{
			Root: writeTree(t, map[string]string{"Chart.yaml": goodChart, "values.yaml": "token: " + secretToken + "\n", "templates/a.yaml": goodConfigMap + template}), Path: ".",
			Parameters: plugin.Parameters{Helm: plugin.HelmParameters{SecretValues: true}},
		}
		renderer := New(Options{Limits: plugin.DefaultLimits()})
		_, err := renderer.Render(t.Context(), source)
		var refusal *plugin.Refusal
		if !errors.As(err, &refusal) || !errors.Is(refusal.Cause, errSecretValues) || refusal.Origin.File != "templates/a.yaml" || refusal.Origin.Line != 5 {
			t.Errorf("%s: %v %+v", template, err, refusal)
		}
		source.Parameters.Helm.SecretValues = false
		if _, err := renderer.Render(t.Context(), source); !errors.As(err, &refusal) || errors.Is(refusal.Cause, errSecretValues) {
			t.Errorf("%s: the twin: %v", template, err)
		}
	}
}
