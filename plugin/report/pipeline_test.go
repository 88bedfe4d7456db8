package report_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// answers is a resolver that knows some tags and has no answer for the others.
type answers map[string]string

func (a answers) Resolve(_ context.Context, references []plugin.Reference) []plugin.Resolution {
	var out []plugin.Resolution
	for _, reference := range references {
		resolution := plugin.Resolution{Digest: a[reference.String()]}
		if resolution.Digest == "" {
			resolution.Err = &plugin.StageError{
				Stage: "resolve", Subject: reference.String(), Hint: "try again later", Cause: errors.New("429 Too Many Requests"),
			}
		}
		out = append(out, resolution)
	}
	return out
}

// signers is a verifier that accepts what a key signed and says why not for
// the rest.
type signers struct {
	t      *testing.T
	signed map[string]bool
}

func (s signers) Verify(_ context.Context, images []plugin.Image) []plugin.Review {
	var reviews []plugin.Review
	for _, image := range images {
		review := plugin.Review{}
		switch {
		case image.Digest == "":
		case s.signed[image.Digest]:
			claims := byKey()
			claims.Digest = image.Digest
			evidence, err := plugin.NewEvidence(claims, nil)
			if err != nil {
				s.t.Error(err)
			}
			review.Evidence = []plugin.Evidence{evidence}
		default:
			finding := unsigned()
			finding.Image, finding.Digest = image.Written, image.Digest
			review.Findings = []plugin.Finding{finding}
		}
		reviews = append(reviews, review)
	}
	return reviews
}

func deployment(name, image string) plugin.Object {
	return plugin.Object{
		Origin: plugin.Origin{File: name + ".yaml", Line: 1},
		Fields: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name, "namespace": "shop"},
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
				"containers": []any{map[string]any{"name": name, "image": image}},
			}}},
		},
	}
}

func judge(t *testing.T, deny bool, resolver plugin.Resolver, signed ...string) *plugin.Verdict {
	t.Helper()
	verifier := signers{t, map[string]bool{}}
	for _, digest := range signed {
		verifier.signed[digest] = true
	}
	pipeline := plugin.Pipeline{
		Renderer: fakeRenderer{[]plugin.Object{deployment("web", webImage), deployment("worker", workerImage)}},
		Resolver: resolver, Encoding: plugin.JSONEncoding{}, Pin: true, Clock: func() time.Time { return judged },
		Gates: []plugin.GateStages{{Name: "starter", Deny: deny, Verifiers: []plugin.Verifier{verifier}}},
	}
	return pipeline.Run(t.Context(), plugin.Source{Path: "overlays/prod", Application: plugin.Application{Name: "shop"}})
}

// What a whole run says, without a hand on the verdict.
func TestReport_GoldenFileOfWholeRuns(t *testing.T) {
	both := answers{webImage: digest("1a"), workerImage: digest("2b")}
	for name, each := range map[string]struct {
		v    *plugin.Verdict
		code int
	}{
		"allowed":      {judge(t, true, both, digest("1a"), digest("2b")), report.ExitAllowed},
		"denied":       {judge(t, true, both, digest("1a")), report.ExitDenied},
		"undetermined": {judge(t, true, answers{webImage: digest("1a")}, digest("1a")), report.ExitUndetermined},
		"outage":       {judge(t, true, answers{}), report.ExitUndetermined},
		"audit":        {judge(t, false, both, digest("1a")), report.ExitAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			if code := report.ExitCode(each.v); code != each.code {
				t.Errorf("exit code %d, want %d", code, each.code)
			}
			golden(t, filepath.Join("testdata", "run", name+".txt"), write(t, "text", report.Options{}, each.v))
		})
	}
}
