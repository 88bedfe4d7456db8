package harden

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/corpus"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// The stages around hardening, which find nothing wrong.

type rendered []plugin.Object

func (r rendered) Render(context.Context, plugin.Source) (plugin.Rendering, error) {
	objects, err := corpus.Clone(r)
	return plugin.Rendering{Objects: objects}, err
}

type resolver struct{}

func (resolver) Resolve(_ context.Context, references []plugin.Reference) []plugin.Resolution {
	answers := make([]plugin.Resolution, len(references))
	for i := range answers {
		answers[i].Digest = "sha256:" + strings.Repeat("a", 64)
	}
	return answers
}

type inspector struct{ world }

func (in inspector) Inspect(_ context.Context, images []plugin.Image) []plugin.Finding {
	for i := range images {
		written, _, _ := strings.Cut(images[i].Written, "@") // pinned, it is the same image
		images[i].Config = in.world(written)
	}
	return nil
}

type verifier struct{}

func (verifier) Verify(_ context.Context, images []plugin.Image) []plugin.Review {
	reviews := make([]plugin.Review, len(images))
	for i := range reviews {
		reviews[i].Findings = []plugin.Finding{{Rule: "image/no-trust-rule", Level: plugin.Warn}}
	}
	return reviews
}

// TestCorpus_AccountHasNothingToSayOfHardening: pinned, hardened and sealed,
// every source has the images that were found, where they were found; and what
// comes out comes out again when it is put in.
func TestCorpus_AccountHasNothingToSayOfHardening(t *testing.T) {
	everything := newHardener(t, Config{Profile: restricted, More: everything(), Namespaces: []gate.Namespace{{Name: "team-a", Owned: true}}})
	allowed := 0
	for _, app := range applications(t) {
		pipeline := plugin.Pipeline{
			Renderer: rendered(app.Objects), Finder: plugin.ImageFinder{Undeclared: plugin.Warn}, Resolver: resolver{}, Inspector: inspector{worlds()["mixed"]},
			Encoding: plugin.JSONEncoding{}, Pin: true, Hardener: everything,
			Gates: []plugin.GateStages{{Name: "base", Deny: true, Verifiers: []plugin.Verifier{verifier{}}}},
		}
		source := plugin.Source{Application: plugin.Application{Name: "app", Namespace: "team-a"}}
		verdict := pipeline.Run(t.Context(), source)
		for _, finding := range verdict.Findings {
			if finding.Rule == "image/unaccounted" {
				t.Errorf("%s: %+v", app.Name, finding)
			}
		}
		if !verdict.Allowed() { // test data holds images that nobody can pull
			continue
		}
		allowed++
		first, err := verdict.Manifests()
		if err != nil {
			t.Fatal(err)
		}
		objects, err := plugin.JSONEncoding{}.Decode(first)
		if err != nil {
			t.Fatal(err)
		}
		pipeline.Renderer = rendered(objects)
		again, err := pipeline.Run(t.Context(), source).Manifests()
		if err != nil || !bytes.Equal(first, again) {
			t.Errorf("%s: the output comes out otherwise when it is put in: %v\n%s\n%s", app.Name, err, first, again)
		}
	}
	t.Logf("%d were allowed", allowed)
	if allowed < 100 {
		t.Error("the corpus has shrunk")
	}
}
