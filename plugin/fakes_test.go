package plugin

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The fakes are functions, so that each test says in one line what its stage
// does.

type renderFunc func(context.Context, Source) (Rendering, error)

func (f renderFunc) Render(ctx context.Context, source Source) (Rendering, error) {
	return f(ctx, source)
}

type resolveFunc func(context.Context, []Reference) []Resolution

func (f resolveFunc) Resolve(ctx context.Context, references []Reference) []Resolution {
	return f(ctx, references)
}

type verifyFunc func(context.Context, []Image) []Review

func (f verifyFunc) Verify(ctx context.Context, images []Image) []Review { return f(ctx, images) }

type inspectFunc func(context.Context, []Image) []Finding

func (f inspectFunc) Inspect(ctx context.Context, images []Image) []Finding { return f(ctx, images) }

type hardenFunc func(context.Context, []Object, ImageIndex) []Finding

func (f hardenFunc) Harden(ctx context.Context, rendering Unhardened) ([]Object, []Finding) {
	return rendering.Objects, f(ctx, rendering.Objects, rendering.Images)
}

// appending is a hardener that adds an object.
type appending Object

func (a appending) Harden(_ context.Context, rendering Unhardened) ([]Object, []Finding) {
	return append(rendering.Objects, Object(a)), nil
}

type judgeFunc func(context.Context, Sealed) []Finding

func (f judgeFunc) Judge(ctx context.Context, sealed Sealed) []Finding { return f(ctx, sealed) }

// decider waives what waive says.
type decider struct {
	waive func(Finding) *Waived
	notes func([]Finding) ([]Finding, string)
}

func (d decider) Waive(_ Source, _ time.Time, finding Finding) *Waived {
	if d.waive == nil {
		return nil
	}
	return d.waive(finding)
}

func (d decider) Notes(_ Source, _ time.Time, findings []Finding) ([]Finding, string) {
	if d.notes == nil {
		return nil, ""
	}
	return d.notes(findings)
}

// digestOf is a digest that differs by name.
func digestOf(name string) string {
	return "sha256:" + strings.Repeat(fmt.Sprintf("%02x", byte(len(name))^name[0]), 32)
}

func renders(objects ...Object) renderFunc {
	return func(context.Context, Source) (Rendering, error) {
		var copies []Object
		for _, object := range objects {
			copies = append(copies, object.DeepCopy())
		}
		return Rendering{Objects: copies}, nil
	}
}

func resolves(_ context.Context, references []Reference) []Resolution {
	var out []Resolution
	for _, reference := range references {
		out = append(out, Resolution{Digest: digestOf(reference.Repository)})
	}
	return out
}

func vouches(_ context.Context, images []Image) []Review {
	reviews := make([]Review, len(images))
	for i, image := range images {
		if image.Digest == "" {
			continue
		}
		evidence, err := NewEvidence(Claims{Kind: EvidenceSignature, Policy: "p", Digest: image.Digest}, nil)
		if err != nil {
			panic(err)
		}
		reviews[i].Evidence = []Evidence{evidence}
	}
	return reviews
}

func agrees(context.Context, Sealed) []Finding { return nil }

// passing is a pipeline that allows two images of one Deployment.
func passing() *Pipeline {
	return &Pipeline{
		Renderer: renders(deployment("app", "nginx:1.27", "registry.example.com/team-a/app:1.0")),
		Resolver: resolveFunc(resolves), Encoding: JSONEncoding{}, Pin: true,
		Gates:  []GateStages{{Name: "base", Deny: true, Verifiers: []Verifier{verifyFunc(vouches)}, Judges: []Judge{judgeFunc(agrees)}}},
		Always: []Judge{judgeFunc(agrees)},
		Clock:  func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
}

func expect(t *testing.T, verdict *Verdict, outcome Outcome, rules ...string) {
	t.Helper()
	if verdict.Outcome() != outcome {
		t.Errorf("the verdict is %s, want %s; findings: %+v", verdict.Outcome(), outcome, verdict.Findings)
	}
	for _, rule := range rules {
		if len(withRule(verdict.Findings, rule)) == 0 {
			t.Errorf("no finding %s in %+v", rule, verdict.Findings)
		}
	}
	manifests, err := verdict.Manifests()
	if (err == nil) != (outcome == Allowed) {
		t.Errorf("manifests: %v under %s", err, verdict.Outcome())
	}
	if outcome == Allowed && len(manifests) == 0 {
		t.Error("an allowed verdict without manifests")
	}
}

func withRule(findings []Finding, rule string) []Finding {
	var out []Finding
	for _, finding := range findings {
		if finding.Rule == rule {
			out = append(out, finding)
		}
	}
	return out
}
