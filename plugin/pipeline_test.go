package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRun_PassingPipelineAllows(t *testing.T) {
	verdict := passing().Run(t.Context(), Source{})
	expect(t, verdict, Allowed)
	manifests, _ := verdict.Manifests()
	for _, pinned := range []string{
		"nginx:1.27@" + digestOf("index.docker.io/library/nginx"),
		"registry.example.com/team-a/app:1.0@" + digestOf("registry.example.com/team-a/app"),
	} {
		if !strings.Contains(string(manifests), `"image":"`+pinned+`"`) {
			t.Errorf("%s is not in %s", pinned, manifests)
		}
	}
}

// A chart that the rendering was made with is vouched for as an image is.
func TestRun_ChartsNeedEvidence(t *testing.T) {
	chart := Image{Written: "registry.example.com/charts/x:1.0.0", Chart: true, Digest: digestOf("chart")}
	with := func(verify verifyFunc) *Pipeline {
		p := passing()
		rendered := p.Renderer
		p.Renderer = renderFunc(func(ctx context.Context, source Source) (Rendering, error) {
			rendering, err := rendered.Render(ctx, source)
			rendering.Charts = []Image{chart}
			return rendering, err
		})
		p.Gates[0].Verifiers = []Verifier{verify}
		return p
	}
	verdict := with(vouches).Run(t.Context(), Source{})
	expect(t, verdict, Allowed)
	seen := 0
	for _, image := range verdict.Images {
		if image.Chart && len(image.Evidence) == 1 {
			seen++
		}
	}
	if seen != 1 || len(verdict.Images) != 3 {
		t.Errorf("images %+v", verdict.Images)
	}
	silent := func(ctx context.Context, images []Image) []Review {
		reviews := vouches(ctx, images)
		for i := range images {
			if images[i].Chart {
				reviews[i] = Review{}
			}
		}
		return reviews
	}
	expect(t, with(silent).Run(t.Context(), Source{}), Denied, "image/unaccounted")
	forgets := func(ctx context.Context, images []Image) []Review { return vouches(ctx, images[:len(images)-1]) }
	expect(t, with(forgets).Run(t.Context(), Source{}), Denied, "image/unaccounted")
}

func TestRun_Denies(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Pipeline)
		rule   string
	}{
		"EmptyRendering":       {func(p *Pipeline) { p.Renderer = renders() }, "render/empty"},
		"NoGate":               {func(p *Pipeline) { p.Gates = nil }, "gate/none"},
		"NoVerifier":           {func(p *Pipeline) { p.Gates[0].Verifiers = nil }, "verify/no-verifier"},
		"NoRenderer":           {func(p *Pipeline) { p.Renderer = nil }, "setup/failed"},
		"NoResolver":           {func(p *Pipeline) { p.Resolver = nil }, "setup/failed"},
		"NoEncoding":           {func(p *Pipeline) { p.Encoding = nil }, "setup/failed"},
		"GateWithoutName":      {func(p *Pipeline) { p.Gates[0].Name = "" }, "gate/name"},
		"TwoGatesOfOneName":    {func(p *Pipeline) { p.Gates = append(p.Gates, p.Gates[0]) }, "gate/name"},
		"NilVerifier":          {func(p *Pipeline) { p.Gates[0].Verifiers = append(p.Gates[0].Verifiers, nil) }, "verify/panic"},
		"NilJudge":             {func(p *Pipeline) { p.Gates[0].Judges = append(p.Gates[0].Judges, nil) }, "judge/panic"},
		"NilAlways":            {func(p *Pipeline) { p.Always = append(p.Always, nil) }, "judge/panic"},
		"RendererFails":        {func(p *Pipeline) { p.Renderer = renderFunc(broken) }, "render/failed"},
		"VerifierSaysNothing":  {func(p *Pipeline) { p.Gates[0].Verifiers[0] = reviews(0) }, "image/unaccounted"},
		"VerifierSaysTooFew":   {func(p *Pipeline) { p.Gates[0].Verifiers[0] = reviews(1) }, "image/unaccounted"},
		"VerifierSaysTooMany":  {func(p *Pipeline) { p.Gates[0].Verifiers[0] = reviews(3) }, "image/unaccounted"},
		"VerifierIsEmpty":      {func(p *Pipeline) { p.Gates[0].Verifiers[0] = reviews(2) }, "image/unaccounted"},
		"SecondVerifierEmpty":  {func(p *Pipeline) { p.Gates[0].Verifiers = append(p.Gates[0].Verifiers, reviews(2)) }, "image/unaccounted"},
		"ZeroEvidence":         {func(p *Pipeline) { p.Gates[0].Verifiers[0] = zeroEvidence() }, "image/unaccounted"},
		"OnlyFacts":            {func(p *Pipeline) { p.Gates[0].Verifiers[0] = onlyFacts() }, "image/unaccounted"},
		"JudgeDenies":          {func(p *Pipeline) { p.Gates[0].Judges[0] = says(Finding{Rule: "x/y"}) }, "x/y"},
		"SelfDenies":           {func(p *Pipeline) { p.Always[0] = says(Finding{Rule: "self/x"}) }, "self/x"},
		"SealCannotWrite":      {func(p *Pipeline) { p.Hardener = hardenFunc(writeNaN) }, "seal/failed"},
		"SealCannotBeRead":     {func(p *Pipeline) { p.Encoding = unreadable{} }, "seal/failed"},
		"SealLosesAnObject":    {func(p *Pipeline) { p.Encoding = lossy{} }, "seal/failed"},
		"SealChangesAnImage":   {func(p *Pipeline) { p.Encoding = swapping{} }, "image/unaccounted"},
		"HardenerAddsAnImage":  {func(p *Pipeline) { p.Hardener = hardenFunc(addContainer) }, "image/unaccounted"},
		"HardenerAddsAnObject": {func(p *Pipeline) { p.Hardener = appending(deployment("second", "evil.example.com/x@"+digestOf("x"))) }, "image/unaccounted"},
		"HardenerChangesImage": {func(p *Pipeline) { p.Hardener = hardenFunc(changeImage) }, "image/unaccounted"},
		"HardenerDropsAnImage": {func(p *Pipeline) { p.Hardener = hardenFunc(dropContainers) }, "image/unaccounted"},
		"HardenerUnpins":       {func(p *Pipeline) { p.Hardener = hardenFunc(unpin) }, "image/unaccounted"},
	} {
		t.Run(name, func(t *testing.T) {
			p := passing()
			test.change(p)
			expect(t, p.Run(t.Context(), Source{}), Denied, test.rule)
		})
	}
}

func TestRun_PanicInAnyStageDenies(t *testing.T) {
	for stage, change := range map[string]func(*Pipeline){
		"render": func(p *Pipeline) {
			p.Renderer = renderFunc(func(context.Context, Source) (Rendering, error) { panic("x") })
		},
		"resolve": func(p *Pipeline) {
			p.Resolver = resolveFunc(func(context.Context, []Reference) []Resolution { panic("x") })
		},
		"verify": func(p *Pipeline) {
			p.Gates[0].Verifiers[0] = verifyFunc(func(context.Context, []Image) []Review { panic("x") })
		},
		"inspect": func(p *Pipeline) { p.Inspector = inspectFunc(func(context.Context, []Image) []Finding { panic("x") }) },
		"harden": func(p *Pipeline) {
			p.Hardener = hardenFunc(func(context.Context, []Object, ImageIndex) []Finding { panic("x") })
		},
		"seal": func(p *Pipeline) { p.Encoding = panicking{} },
		"judge": func(p *Pipeline) {
			p.Gates[0].Judges[0] = judgeFunc(func(context.Context, Sealed) []Finding { panic("x") })
		},
		"setup": func(p *Pipeline) { p.Progress = func(string) { panic("x") } },
		"clock": func(p *Pipeline) { p.Clock = func() time.Time { panic("x") } },
		"decide": func(p *Pipeline) {
			p.Gates[0].Decider = decider{notes: func([]Finding) ([]Finding, string) { panic("x") }}
		},
	} {
		t.Run(stage, func(t *testing.T) {
			p := passing()
			change(p)
			waiveAll(p)
			stage = strings.Replace(stage, "clock", "setup", 1)
			expect(t, p.Run(t.Context(), Source{}), Denied, stage+"/panic")
			p.Gates[0].Deny = false
			expect(t, p.Run(t.Context(), Source{}), Denied, stage+"/panic")
		})
	}
}

// waiveAll adds a decider that waives everything, unless there is one.
func waiveAll(p *Pipeline) {
	if p.Gates[0].Decider == nil {
		p.Gates[0].Decider = decider{waive: func(Finding) *Waived { return &Waived{Kind: "waiver"} }}
	}
}

func TestRun_PanickingVerifierOfOneImageDenies(t *testing.T) {
	p := passing()
	p.Renderer = renders(deployment("app", "nginx:1.27")) // its one panic review has the right length
	p.Gates[0].Verifiers[0] = verifyFunc(func(context.Context, []Image) []Review { panic("x") })
	expect(t, p.Run(t.Context(), Source{}), Denied, "verify/panic")
}

func TestRun_PanickingDeciderWaivesNothing(t *testing.T) {
	p := passing()
	p.Gates[0].Judges[0] = says(Finding{Rule: "x/y"})
	p.Gates[0].Decider = decider{waive: func(Finding) *Waived { panic("x") }}
	expect(t, p.Run(t.Context(), Source{}), Denied, "x/y", "decide/panic")
}

func TestRun_CancelledBeforeEachStageIsUndetermined(t *testing.T) {
	for _, stage := range []string{"setup", "render", "images", "resolve", "verify", "harden", "seal", "judge", "account"} {
		for _, audit := range []bool{false, true} {
			p := passing()
			p.Gates[0].Deny = !audit
			ctx, cancel := context.WithCancel(t.Context())
			p.Progress = func(name string) {
				if name == stage {
					cancel()
				}
			}
			expect(t, p.Run(ctx, Source{}), Unanswered, stage+"/no-answer")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	expect(t, passing().Run(ctx, Source{}), Unanswered, "setup/no-answer")
}

func TestRun_DeadlineIsUndetermined(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p := passing()
	p.Gates[0].Verifiers[0] = verifyFunc(func(context.Context, []Image) []Review {
		cancel(context.DeadlineExceeded)
		return nil
	})
	expect(t, p.Run(ctx, Source{}), Unanswered, "verify/no-answer")
}

func TestRun_NoAnswerOfTheRegistryIsUndetermined(t *testing.T) {
	p := passing()
	p.Resolver = answering(Resolution{Err: &StageError{Stage: "resolve", Cause: errors.New("throttled")}})
	verdict := p.Run(t.Context(), Source{})
	expect(t, verdict, Unanswered, "resolve/no-answer", "image/not-pinned")
	p.Gates[0].Deny = false
	expect(t, p.Run(t.Context(), Source{}), Allowed, "resolve/no-answer", "image/not-pinned")
}

func TestRun_DenyWinsOverUndetermined(t *testing.T) {
	p := passing()
	p.Gates[0].Judges[0] = says(Finding{Rule: "a/b", Level: Undetermined}, Finding{Rule: "x/y"})
	expect(t, p.Run(t.Context(), Source{}), Denied, "a/b", "x/y")
	p.Gates[0].Judges[0] = says(Finding{Rule: "a/b", Level: Undetermined})
	expect(t, p.Run(t.Context(), Source{}), Unanswered, "a/b")
}

func TestRun_IsDeterministic(t *testing.T) {
	var first string
	for range 20 {
		p := passing()
		p.Gates[0].Judges[0] = says(Finding{Rule: "b/b", Level: Warn}, Finding{Rule: "a/a", Level: Warn, Object: ObjectID{Kind: "Pod", Name: "x"}})
		verdict := p.Run(t.Context(), Source{})
		manifests, err := verdict.Manifests()
		if err != nil {
			t.Fatal(err)
		}
		report, err := json.Marshal(verdict.Findings)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(manifests) + string(report); first == "" {
			first = text
		} else if text != first {
			t.Fatalf("two runs differ:\n%s\n%s", first, text)
		}
	}
}

func TestRun_OverItsOwnOutputChangesNothing(t *testing.T) {
	first, err := passing().Run(t.Context(), Source{}).Manifests()
	if err != nil {
		t.Fatal(err)
	}
	p := passing()
	p.Renderer = renderFunc(func(context.Context, Source) (Rendering, error) {
		objects, err := JSONEncoding{}.Decode(first)
		return Rendering{Objects: objects}, err
	})
	p.Resolver = resolveFunc(func(context.Context, []Reference) []Resolution { panic("nothing is left to ask") })
	second, err := p.Run(t.Context(), Source{}).Manifests()
	if err != nil || string(first) != string(second) {
		t.Errorf("%v\n%s\n%s", err, first, second)
	}
}
