package flux

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// unpublishable is a scene in which something was published, and a way to have
// what passes next not be published.
type unpublishable struct {
	name string
	spec func(*v1alpha1.GatedSourceSpec)
	// spoil makes it impossible.
	spoil func(*scene)
	says  string
}

// storeOf replaces the scene's store by one in dir.
func (s *scene) storeOf(dir string, bytes int64) {
	s.t.Helper()
	store, err := publish.New(publish.Options{Dir: dir, Address: "assay-source.assay-system", Retention: time.Minute, Bytes: bytes, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Store = store
}

func asChart(spec *v1alpha1.GatedSourceSpec) { spec.Helm = &v1alpha1.HelmRendering{} }

func twoPaths(spec *v1alpha1.GatedSourceSpec) { spec.Paths = []string{"a", "b"} }

// largest is the bound of an artifact in these tests, in bytes.
const largest = 20_000

func forGood() []unpublishable {
	return []unpublishable{
		{"a chart that cannot be frozen", asChart, func(s *scene) { s.judge.chart.Version = "one" }, "is not a semantic one"},
		{"a chart that cannot be described", asChart, func(s *scene) {
			s.judge.noChart = &plugin.Refusal{Rule: "render/invalid", Message: "the chart has no Chart.yaml", Hint: "write one"}
		}, "the chart has no Chart.yaml"},
		{"an object of two paths", twoPaths, func(s *scene) { s.judge.say = passing("two") }, "ConfigMap team-a/web is rendered by a and by b"},
		{"more than an artifact may have", nil, func(s *scene) { s.judge.say = passing(strings.Repeat("x", largest)) }, "there are more than 20000 bytes"},
	}
}

// begin publishes a first revision, and offers a second one.
func (u unpublishable) begin(t *testing.T, onDenied v1alpha1.OnDenied) *scene {
	t.Helper()
	s := newScene(t)
	s.storeOf(t.TempDir(), largest)
	s.judge.say = eachItsOwn
	s.source("main@sha1:aaa", map[string]string{"a/web.yaml": "x", "b/web.yaml": "x"})
	s.gated(func(spec *v1alpha1.GatedSourceSpec) {
		if spec.OnDenied = onDenied; u.spec != nil {
			u.spec(spec)
		}
	})
	s.settle()
	s.says(metav1.ConditionTrue, meta.SucceededReason)
	<-s.events.Events
	s.source("main@sha1:bbb", map[string]string{"a/web.yaml": "y", "b/web.yaml": "y"})
	return s
}

// TestReconcile_WhatCannotBePublishedIsDenied like what a rule denies: it is
// looked at again after the interval and not at once, as nothing changes, and
// the last good artifact stays or goes.
func TestReconcile_WhatCannotBePublishedIsDenied(t *testing.T) {
	for _, test := range forGood() {
		for onDenied, stays := range map[v1alpha1.OnDenied]string{v1alpha1.Keep: "main@sha1:aaa", v1alpha1.Withdraw: ""} {
			t.Run(test.name+" "+string(onDenied), func(t *testing.T) {
				s := test.begin(t, onDenied)
				test.spoil(s)
				result := s.settle()
				s.says(metav1.ConditionFalse, "VerificationFailed", "assay denied app", test.says)
				if result.RequeueAfter < 8*time.Minute || s.published() != stays || !conditions.IsFalse(s.external(), sourcev1.SourceVerifiedCondition) {
					t.Errorf("again after %s, published %q: %+v", result.RequeueAfter, s.published(), s.external().Status.Conditions)
				}
				if event := <-s.events.Events; !strings.Contains(event, "Warning VerificationFailed") || !strings.Contains(event, test.says) {
					t.Error(event)
				}
				status := s.object().Status
				if conditions.IsStalled(s.object()) || status.Verdict.Outcome != "denied" || status.Verdict.Denied != 1 || status.Verdict.Report == "" {
					t.Errorf("%+v", status)
				}
			})
		}
	}
}

// TestReconcile_WhatCanBePublishedIsNotDenied is the same with nothing in the
// way.
func TestReconcile_WhatCanBePublishedIsNotDenied(t *testing.T) {
	for _, test := range forGood() {
		s := test.begin(t, v1alpha1.Withdraw)
		s.settle()
		if s.says(metav1.ConditionTrue, meta.SucceededReason); s.published() != "main@sha1:bbb" {
			t.Errorf("%s: published %q", test.name, s.published())
		}
	}
}

// TestReconcile_WhatCouldNotBeDoneIsNoDenial: it is tried again soon, and
// nothing is withdrawn.
func TestReconcile_WhatCouldNotBeDoneIsNoDenial(t *testing.T) {
	for _, test := range []struct {
		unpublishable

		reason string
	}{
		{unpublishable{"a disk", nil, func(s *scene) {
			dir := s.t.TempDir() + "/store"
			if err := os.Mkdir(dir, 0o700); err != nil {
				s.t.Fatal(err)
			}
			s.storeOf(dir, largest)
			if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
				s.t.Fatal(err)
			}
		}, "tried again"}, "StorageOperationFailed"},
		{unpublishable{"a registry", asChart, func(s *scene) {
			s.judge.noChart = &plugin.StageError{Stage: "render", Subject: "the chart", Cause: errors.New("no answer")}
		}, "no answer"}, "FetchFailed"},
		{unpublishable{"an error that says nothing", asChart, func(s *scene) { s.judge.noChart = errors.New("broken") }, "broken"}, "FetchFailed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := test.begin(t, v1alpha1.Withdraw)
			test.spoil(s)
			result := s.settle()
			s.says(metav1.ConditionFalse, test.reason, test.says)
			if s.object().Status.Artifact == nil || result.RequeueAfter > time.Minute {
				t.Errorf("%+v, again after %s", s.object().Status.Artifact, result.RequeueAfter)
			}
		})
	}
}

// TestReconcile_WhatCannotBePublishedShowsNoSecret: the reason may quote what
// was rendered.
func TestReconcile_WhatCannotBePublishedShowsNoSecret(t *testing.T) {
	s := newScene(t)
	made := s.refused(t.Context(), &v1alpha1.GatedSource{}, outcome{read: inputs{hidden: []string{"hunter2"}}}, &plugin.Refusal{Rule: "x", Message: "the text hunter2", Cause: errors.New("at hunter2")})
	if finding := made.verdicts[0].Findings[0]; finding.Message != "the text ***: at ***" {
		t.Error(finding.Message)
	}
}
