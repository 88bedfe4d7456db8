package change_test

import (
	"os"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/change"
)

func TestIgnore_MeansWhatItSays(t *testing.T) {
	head := replaced(t, deployment, "replicas: 2", "replicas: 3", "blue", "green", "web:1.0", "web:1.1", "namespace: shop}", "namespace: shop, annotations: {example.com/a.b: x}}")
	const (
		replicas   = "spec.replicas"
		value      = "spec.template.spec.containers[name=web].env[name=MODE].value"
		image      = "spec.template.spec.containers[name=web].image"
		annotation = `metadata.annotations["example.com/a.b"]`
	)
	every := []string{annotation, replicas, value, image}
	for pattern, ignored := range map[string][]string{
		"Deployment/web:spec.replicas":              {replicas},
		"Deployment:spec.replicas":                  {replicas},
		"*:spec.replicas":                           {replicas},
		"*/*:spec.replicas":                         {replicas},
		"Deploy*/w?b:spec.replicas":                 nil,
		"Deploy*/w*:spec.rep*":                      {replicas},
		"StatefulSet/web:spec.replicas":             nil,
		"Deployment/api:spec.replicas":              nil,
		"Deployment/web:replicas":                   nil,
		"*:**.replicas":                             {replicas},
		"*:spec.*":                                  {replicas, value, image},
		"*:spec.template":                           {value, image},
		"*:spec.*.spec.containers[*].image":         {image},
		"*:**.containers[name=web].image":           {image},
		"*:**.containers[name=api].image":           nil,
		"*:**.containers[name=w*].**.value":         {value},
		"*:**.containers.**.value":                  {value},
		`*:metadata.annotations["example.com/*"]`:   {annotation},
		`*:metadata.annotations["example.com/a.b"]`: {annotation},
		`*:metadata.annotations["example.com/c"]`:   nil,
		"*:**":                 every,
		"*:spec.replicas.more": nil,
		"*:**.spec.template.**.**.env[name=MODE].**.value": {value},
	} {
		object := objectOf(t, compare(t, world{manifests: deployment}, world{manifests: head}, pattern), "Deployment", "web")
		for _, path := range every {
			noise := ""
			for _, each := range ignored {
				if each == path {
					noise = "ignored"
				}
			}
			if field := fieldOf(t, object, path); field.Noise != noise {
				t.Errorf("%s: %s is %q, want %q", pattern, path, field.Noise, noise)
			}
		}
	}
}

func TestParseIgnore_RefusesWhatItCannotRead(t *testing.T) {
	for pattern, why := range map[string]string{
		"": "Kind/name:path", "spec.replicas": "Kind/name:path", ":spec.replicas": "Kind/name:path", "Deployment:": "Kind/name:path",
		"/web:spec": "stands a kind", "Deployment/:spec": "stands a kind", "apps/Deployment/web:spec": "stands a kind",
		"Deployment:spec..x": "empty key", "Deployment:spec[name=web": "does not end", `Deployment:metadata["x`: "does not end", "Deployment:spec[x]": "is none of",
	} {
		if _, err := change.ParseIgnore(pattern); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: got %v, want %q", pattern, err, why)
		}
	}
}

func TestIgnore_APatternOfManyStarsIsBounded(t *testing.T) {
	pattern := "*:" + strings.Repeat("**.", 200) + strings.Repeat("*a", 200)
	key := strings.Repeat("a", 900) + "b"
	base := world{manifests: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {" + key + ": x}\n"}
	head := world{manifests: strings.Replace(base.manifests, ": x}", ": y}", 1)}
	if object := objectOf(t, compare(t, base, head, pattern), "ConfigMap", "a"); object.Folded != 0 {
		t.Errorf("got %+v", object)
	}
}

func TestParseIgnore_ReadsWhatTheDocumentationShows(t *testing.T) {
	page, err := os.ReadFile("../../../docs/diff-report.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```text\n")
	examples, _, _ := strings.Cut(rest, "```")
	patterns := strings.Fields(examples)
	for _, pattern := range patterns {
		if _, err := change.ParseIgnore(pattern); err != nil {
			t.Error(err)
		}
	}
	if len(patterns) < 3 {
		t.Errorf("the page shows %q", patterns)
	}
}
