package main

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
)

// history is a store, and a gate that judges for it.
type history struct {
	*world

	store *reports.Store
	// sidecar judges by the gate that lies in the folder when it is asked.
	sidecar *reports.Server
	url     string
	token   string
}

func newHistory(t *testing.T, change ...func(*reports.Server)) *history {
	t.Helper()
	w := newWorld(t)
	w.sign(trusted())
	store, err := reports.Open(reports.Options{Dir: t.TempDir()})
	must(t, err)
	h := &history{world: w, store: store, token: filepath.Join(t.TempDir(), "token")}
	must(t, os.WriteFile(h.token, []byte("0123456789abcdef-token"), 0o600))
	server := &reports.Server{Store: store, Token: reports.TokenFile(h.token)}
	for _, each := range change {
		each(server)
	}
	started := httptest.NewServer(server.Handler())
	t.Cleanup(started.Close)
	h.url, h.sidecar = started.URL, server
	w.settle()
	return h
}

// judge judges a revision by the gate, as the sidecar does, and keeps it.
func (h *history) judge(revision string) {
	h.t.Helper()
	config, err := gate.Load(filepath.Join(h.dir, "gate"))
	must(h.t, err)
	judge, err := setup.New(setup.Options{Config: config})
	must(h.t, err)
	defer judge.Close()
	root, err := os.OpenRoot(filepath.Join(h.dir, "app"))
	must(h.t, err)
	defer root.Close()
	v := judge.Judge(h.t.Context(), plugin.Source{
		Root: root, Path: ".", Revision: revision, Application: plugin.Application{Name: "team-a_shop", Project: "team-a", Namespace: "shop", Repository: "https://git.example.com/shop"},
	})
	entry := audit.Entry{Record: audit.From(v, audit.About{})}
	if manifests, err := v.Manifests(); err == nil {
		entry.Manifests = manifests
	}
	must(h.t, h.store.Add(h.t.Context(), entry))
}

// deploys makes the application name that image.
func (h *history) deploys(image string) {
	h.t.Helper()
	must(h.t, os.WriteFile(filepath.Join(h.dir, "app", "web.yaml"), []byte(deploymentOf(image)), 0o644))
}

func (h *history) ask(app string) ended {
	h.t.Helper()
	config, err := gate.Load(filepath.Join(h.dir, "gate"))
	must(h.t, err)
	h.sidecar.Gate, err = config.Digest()
	must(h.t, err)
	return h.askBy(filepath.Join(h.dir, "gate"), app)
}

// askBy asks with that gate, whatever the sidecar has.
func (h *history) askBy(gate, app string) ended {
	h.t.Helper()
	return in(h.t, "", "last-good", app, "--reports", h.url, "--reports-token", h.token, "-g", gate)
}

func TestLastGood_AfterADigestIsWithdrawnTheRevisionBeforeIsNamed(t *testing.T) {
	h := newHistory(t)
	h.judge("first")
	second := h.push("team-a/app:2", "second")
	must(t, h.sigstore.SignBundle(t.Context(), second, trusted()))
	h.deploys(second.Context().Tag("2").Name())
	h.judge("second")
	got := h.ask("team-a/shop")
	if got.code != exitAllowed || !strings.HasPrefix(got.out, "second  passes, as at ") || strings.Contains(got.out, "first") {
		t.Fatalf("ends with %d: %s%s", got.code, got.out, got.err)
	}
	// The incident: one edit of the gate.
	policy := filepath.Join(h.dir, "gate", "withdrawn.yaml")
	must(t, os.WriteFile(policy, []byte(`apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: withdrawn}
spec:
  images: [{glob: "`+h.server.Host()+`/team-a/app@`+second.DigestStr()+`"}]
  authorities: [{static: {action: fail, message: withdrawn}}]
`), 0o600))
	got = h.ask("team-a/shop")
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	if got.code != exitAllowed || len(lines) != 2 || !strings.HasPrefix(lines[0], "second  passed at ") || !strings.Contains(lines[0], "and no longer: assay denied team-a_shop") || !strings.HasPrefix(lines[1], "first  passes") {
		t.Fatalf("ends with %d: %s%s", got.code, got.out, got.err)
	}
	// Nobody is trusted any more.
	must(t, os.Remove(policy))
	text, err := os.ReadFile(filepath.Join(h.dir, "gate", "images.yaml"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(h.dir, "gate", "images.yaml"), []byte(strings.ReplaceAll(string(text), trustedSubject, "https://ci.example.com/other")), 0o600))
	got = h.ask("team-a/shop")
	if got.code != exitDenied || !strings.Contains(got.out, "none of the 2 revisions that are kept passes") {
		t.Errorf("ends with %d: %s%s", got.code, got.out, got.err)
	}
}

func TestLastGood_WhatIsNotKnownIsNoDenial(t *testing.T) {
	h := newHistory(t, func(s *reports.Server) {
		s.Peers = func(context.Context) ([]string, error) { return []string{"127.0.0.1:1"}, nil }
	})
	must(t, h.store.Add(t.Context(), audit.Entry{Record: audit.Record{
		Schema: audit.Schema, Application: "team-a_shop", Project: "team-a", Revision: "first", Outcome: plugin.Denied, FirstLine: "assay denied team-a_shop",
	}}))
	got := h.ask("team-a/shop")
	if got.code != exitUndetermined || !strings.Contains(got.out, "first  did not pass") || !strings.Contains(got.err, "127.0.0.1:1 did not answer, and may know more") {
		t.Errorf("a silent sidecar: ends with %d: %s%s", got.code, got.out, got.err)
	}
	for name, app := range map[string]string{"another application": "other", "without its namespace": "shop"} {
		if got := h.ask(app); got.code != exitUndetermined || !strings.Contains(got.err, "knows no Application") {
			t.Errorf("%s: ends with %d: %s%s", name, got.code, got.out, got.err)
		}
	}
	must(t, os.WriteFile(h.token, []byte("another-token-0123456789"), 0o600))
	h.url = "http://127.0.0.1:1"
	if got := h.ask("team-a/shop"); got.code != exitUndetermined || !strings.Contains(got.err, "asking the report store") {
		t.Errorf("a dead store: ends with %d: %s%s", got.code, got.out, got.err)
	}
}

// TestLastGood_AnotherGateThanTheSidecarsGivesNoAnswer: "passes" by a gate that
// nobody judges by is worth nothing in an incident. The twin has theirs.
func TestLastGood_AnotherGateThanTheSidecarsGivesNoAnswer(t *testing.T) {
	h := newHistory(t)
	h.judge("first")
	if got := h.ask("team-a/shop"); got.code != exitAllowed {
		t.Fatalf("the same gate ends with %d: %s%s", got.code, got.out, got.err)
	}
	other := filepath.Join(t.TempDir(), "gate")
	must(t, os.CopyFS(other, os.DirFS(filepath.Join(h.dir, "gate"))))
	must(t, os.WriteFile(filepath.Join(other, "more.yaml"), []byte(`apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: more}
spec:
  images: [{glob: "elsewhere.example.com/**"}]
  authorities: [{static: {action: fail}}]
`), 0o600))
	got := h.askBy(other, "team-a/shop")
	if got.code != exitUndetermined || !strings.Contains(got.out, "first  passes") || !strings.Contains(got.err, "the sidecars judge by the gate \"sha256:") {
		t.Errorf("ends with %d: %s%s", got.code, got.out, got.err)
	}
}

func TestLastGood_WrongUse(t *testing.T) {
	h := newHistory(t)
	for _, args := range [][]string{
		{"last-good", "shop"}, {"last-good", "shop", "--reports", h.url}, {"last-good", "--reports", h.url, "--reports-token", h.token},
		{"last-good", "shop", "--reports", "localhost:8087", "--reports-token", h.token}, {"last-good", "shop", "--reports", h.url, "--reports-token", h.token, "--at", "x"},
	} {
		if got := in(t, "", args...); got.code != exitUsage {
			t.Errorf("%v ends with %d: %s%s", args, got.code, got.out, got.err)
		}
	}
}
