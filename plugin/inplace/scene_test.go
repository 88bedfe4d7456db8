package inplace_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/harden"
	"github.com/assay-gitops/assay/plugin/inplace"
	"github.com/assay-gitops/assay/plugin/render"
)

// registry answers for every image: one that runs as a user by number, unless
// its name says "root" or "silent" (no answer).
type registry struct{}

func (registry) Resolve(_ context.Context, references []plugin.Reference) []plugin.Resolution {
	answers := make([]plugin.Resolution, len(references))
	for i, reference := range references {
		if strings.Contains(reference.Repository, "silent") {
			answers[i].Err = &plugin.StageError{Stage: "resolve", Subject: reference.String(), Cause: errors.New("the registry does not answer")}
			continue
		}
		answers[i].Digest = "sha256:" + strings.Repeat("a", 64)
	}
	return answers
}

func (registry) Inspect(_ context.Context, images []plugin.Image) []plugin.Finding {
	for i := range images {
		if images[i].Digest == "" {
			continue
		}
		images[i].Config = &plugin.ImageConfig{User: "65532", OS: "linux", Volumes: []string{"/data"}}
		if strings.Contains(images[i].Written, "root") {
			images[i].Config.User = ""
		}
	}
	return nil
}

func (registry) Verify(context.Context, []plugin.Image) []plugin.Review {
	panic("nothing is verified here")
}

// pipeline is the one that inplace is given.
type pipeline struct{ *plugin.Pipeline }

func (p pipeline) Fill(ctx context.Context, source plugin.Source) (plugin.Filled, error) {
	return p.Pipeline.Fill(ctx, source), nil
}

func (p pipeline) Render(ctx context.Context, source plugin.Source) (plugin.Rendering, error) {
	return p.Renderer.Render(ctx, source)
}

// everything is what a gate can ask for.
func everything() gate.Harden {
	return gate.Harden{
		ReadOnlyRootFilesystem: true, EmptyDirSize: "1Gi", ServiceAccountTokens: true, PodSecurityLabels: "restricted", NetworkPolicies: gate.NetworkBoth,
		Resources: gate.Resources{Requests: gate.Amounts{CPU: "50m", Memory: "64Mi"}, Limits: gate.Amounts{Memory: "256Mi"}}, UserNamespaces: true, AppArmor: true,
	}
}

func newPipeline(t testing.TB, more gate.Harden) pipeline {
	t.Helper()
	hardener, err := harden.New(harden.Config{Profile: "profile/restricted@1", More: more})
	if err != nil {
		t.Fatal(err)
	}
	return pipeline{&plugin.Pipeline{
		Renderer: render.New(render.Options{Limits: plugin.DefaultLimits()}), Resolver: registry{}, Inspector: registry{}, Hardener: hardener,
		Encoding: plugin.YAMLEncoding{}, Gates: []plugin.GateStages{{Name: "test", Verifiers: []plugin.Verifier{registry{}}}},
	}}
}

// scene is a source tree and what hardens it.
type scene struct {
	pipeline

	dir    string
	source plugin.Source
}

// newScene writes files; the application is the folder app.
func newScene(t testing.TB, more gate.Harden, files map[string]string) *scene {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return openScene(t, newPipeline(t, more), dir, "app")
}

func openScene(t testing.TB, p pipeline, dir, path string) *scene {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return &scene{pipeline: p, dir: dir, source: plugin.Source{Root: root, Path: path, Application: plugin.Application{Name: "app", Namespace: "shop"}}}
}

func (s *scene) make(t testing.TB) *inplace.Plan {
	t.Helper()
	plan, err := inplace.Make(t.Context(), s, s.source)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// write makes a plan and writes it.
func (s *scene) write(t testing.TB) *inplace.Plan {
	t.Helper()
	plan := s.make(t)
	if err := plan.Write(s.source.Root); err != nil {
		t.Fatal(err)
	}
	return plan
}

// files are all files of the tree.
func (s *scene) files(t testing.TB) map[string]string { return s.filesBelow(t, ".") }

// filesBelow are the files of one folder of the tree.
func (s *scene) filesBelow(t testing.TB, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(s.dir), folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(s.dir, name))
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// hardened are the objects that the gate hands on.
func (s *scene) hardened(t testing.TB) (objects []plugin.Object, changes int) {
	t.Helper()
	filled, _ := s.Fill(t.Context(), s.source)
	if !filled.Done {
		t.Fatalf("hardening did not come to its end: %+v", filled.Findings)
	}
	for _, change := range filled.Changes {
		if change.Now != "" {
			changes++
		}
	}
	return filled.After, changes
}
