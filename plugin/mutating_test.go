package plugin

import (
	"context"
	"fmt"
	"testing"
)

type mutateFunc func(ctx context.Context, rendering Unmutated) ([]Object, []Finding)

func (f mutateFunc) Mutate(ctx context.Context, rendering Unmutated) ([]Object, []Finding) {
	return f(ctx, rendering)
}

// adding mutates by one more container with an image.
func adding(image string) mutateFunc {
	return func(_ context.Context, rendering Unmutated) ([]Object, []Finding) {
		podOf(rendering.Objects[0])["initContainers"] = []any{map[string]any{"name": "mesh", "image": image}}
		return rendering.Objects, nil
	}
}

func TestMutate_WhatItAddsIsFoundAndPinned(t *testing.T) {
	pipeline := passing()
	pipeline.Mutator = adding("registry.example.com/mesh:1")
	verdict := pipeline.Run(context.Background(), Source{})
	expect(t, verdict, Allowed)
	if len(verdict.Images) != 3 {
		t.Errorf("%d images, want the mesh's beside the two of the author", len(verdict.Images))
	}
}

func TestMutate_AnImageThatNobodyTrustsIsDenied(t *testing.T) {
	for image, outcome := range map[string]Outcome{"evil.example.com/mesh:1": Denied, "registry.example.com/mesh:1": Allowed} {
		pipeline := passing()
		pipeline.Mutator = adding(image)
		pipeline.Gates[0].Verifiers = []Verifier{verifyFunc(func(ctx context.Context, images []Image) []Review {
			reviews := vouches(ctx, images)
			for i := range images {
				if images[i].Written == "evil.example.com/mesh:1" {
					reviews[i] = Review{Findings: []Finding{{Rule: "image/not-signed", Image: images[i].Written}}}
				}
			}
			return reviews
		})}
		expect(t, pipeline.Run(context.Background(), Source{}), outcome)
	}
}

func TestMutate_WrongAnswersDeny(t *testing.T) {
	for name, test := range map[string]struct {
		mutator mutateFunc
		outcome Outcome
		rule    string
	}{
		"nothing comes back": {func(context.Context, Unmutated) ([]Object, []Finding) { return nil, nil }, Denied, "mutate/failed"},
		"one too many": {func(_ context.Context, r Unmutated) ([]Object, []Finding) {
			return append(r.Objects, deployment("more", "nginx")), nil
		}, Denied, "mutate/failed"},
		"a finding without a level": {func(_ context.Context, r Unmutated) ([]Object, []Finding) {
			return r.Objects, []Finding{{Rule: "mutate/x"}}
		}, Denied, "mutate/x"},
		"no answer": {func(_ context.Context, r Unmutated) ([]Object, []Finding) {
			return r.Objects, FindingsFromError("mutate", context.DeadlineExceeded)
		}, Unanswered, "mutate/no-answer"},
		"a panic": {func(context.Context, Unmutated) ([]Object, []Finding) { panic("x") }, Denied, "mutate/panic"},
		"a twin": {func(_ context.Context, r Unmutated) ([]Object, []Finding) {
			return r.Objects, []Finding{{Rule: "mutate/x", Level: Info}}
		}, Allowed, "mutate/x"},
	} {
		t.Run(name, func(t *testing.T) {
			pipeline := passing()
			pipeline.Mutator = test.mutator
			expect(t, pipeline.Run(context.Background(), Source{}), test.outcome, test.rule)
		})
	}
}

// A gate's name in a finding of the stage would let that gate alone lower it.
func TestMutate_ItsFindingsAreOfNoGate(t *testing.T) {
	pipeline := passing()
	pipeline.Mutator = mutateFunc(func(_ context.Context, r Unmutated) ([]Object, []Finding) {
		return r.Objects, []Finding{{Rule: "mutate/x", Gate: "base"}}
	})
	verdict := pipeline.Run(context.Background(), Source{})
	expect(t, verdict, Denied, "mutate/x")
	if finding := withRule(verdict.Findings, "mutate/x")[0]; finding.Gate != "" {
		t.Errorf("%+v", finding)
	}
}

func TestMutate_ChangesOfASecretAreMasked(t *testing.T) {
	secret := Object{Fields: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "web"}, "stringData": map[string]any{"password": "hunter2"}}}
	pipeline := passing()
	pipeline.Renderer = renders(deployment("app", "nginx:1.27"), secret)
	pipeline.Mutator = mutateFunc(func(_ context.Context, r Unmutated) ([]Object, []Finding) {
		return r.Objects, []Finding{{Rule: "mutate/x", Level: Info, Object: secret.ID(), Field: "data.password", Message: "was hunter2", Was: `"hunter2"`, Now: `"hunter3"`}}
	})
	finding := withRule(pipeline.Run(context.Background(), Source{}).Findings, "mutate/x")[0]
	if text := fmt.Sprint(finding); finding.Was != `"***"` || finding.Now != `"***"` || finding.Message != "was ***" {
		t.Errorf("%s", text)
	}
}
