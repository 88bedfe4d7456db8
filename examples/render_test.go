package examples_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

const host = "registry.example.com/"

// renderExample renders as the command line would, confined to this folder.
func renderExample(t *testing.T, path string, parameters plugin.Parameters) (plugin.Rendering, error) {
	t.Helper()
	root, err := os.OpenRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), plugin.Source{
		Root: root, Path: path, Parameters: parameters, Application: plugin.Application{Name: "demo", Namespace: "shop"},
	})
}

func imagesOf(objects []plugin.Object) []string {
	images, _ := plugin.ImageFinder{}.Find(objects)
	var written []string
	for _, image := range images {
		written = append(written, image.Written)
	}
	return written
}

func values(file string) plugin.Parameters {
	return plugin.Parameters{Helm: plugin.HelmParameters{ValueFiles: []string{file}}}
}

func TestExamples_RenderToTheImagesThatTheREADMESays(t *testing.T) {
	const api, cache, migrate, web, worker = host + "shop/api:2.1.0", host + "shop/cache:7.2.0", host + "shop/migrate:2.1.0",
		host + "shop/web:1.4.2", host + "shop/worker:2.1.0"
	recurse := plugin.Parameters{Directory: plugin.DirectoryParameters{Recurse: true}}
	for name, want := range map[string]struct {
		path       string
		parameters plugin.Parameters
		objects    int
		images     []string
	}{
		"kustomize dev":       {"shop-kustomize/overlays/dev", plugin.Parameters{}, 10, []string{api, cache, migrate, web, worker}},
		"kustomize prod":      {"shop-kustomize/overlays/prod", plugin.Parameters{}, 11, []string{api, cache, migrate, web, worker}},
		"chart":               {"shop-chart", plugin.Parameters{}, 6, []string{api, migrate, web}},
		"chart prod":          {"shop-chart", values("values-prod.yaml"), 7, []string{api, migrate, web}},
		"plain":               {"shop-plain", recurse, 7, []string{api, cache, web, worker}},
		"plain, not below":    {"shop-plain", plugin.Parameters{}, 3, []string{api, cache, web}},
		"umbrella":            {"platform-umbrella", plugin.Parameters{}, 5, []string{api, web, worker}},
		"umbrella with cache": {"platform-umbrella", values("values-cache.yaml"), 6, []string{api, cache, web, worker}},
	} {
		t.Run(name, func(t *testing.T) {
			rendering, err := renderExample(t, want.path, want.parameters)
			if err != nil {
				t.Fatal(err)
			}
			for _, finding := range rendering.Findings {
				t.Errorf("%s: %s", finding.Rule, finding.Message)
			}
			if len(rendering.Objects) != want.objects {
				t.Errorf("%d objects, want %d", len(rendering.Objects), want.objects)
			}
			if images := imagesOf(rendering.Objects); !slices.Equal(images, want.images) {
				t.Errorf("images %v, want %v", images, want.images)
			}
		})
	}
}

func TestExamples_HostileFilesAreRefusedWithTheRuleOfTheTable(t *testing.T) {
	for folder, rule := range map[string]string{
		"remote-base": "render/remote", "reads-passwd": "render/escape", "symlink": "render/escape", "yaml-bomb": "render/limit",
	} {
		rendering, err := renderExample(t, "hostile/"+folder, plugin.Parameters{})
		var refusal *plugin.Refusal
		if !errors.As(err, &refusal) || refusal.Rule != rule || refusal.Origin.File == "" || refusal.Hint == "" {
			t.Errorf("%s: %d objects, err %v, refusal %+v; want %s with the line that asked", folder, len(rendering.Objects), err, refusal, rule)
		}
	}
}

// The other attacks are in what is rendered, so they must render.
func TestExamples_HostileObjectsReachTheJudges(t *testing.T) {
	for folder, objects := range map[string]int{
		"privileged": 1, "unsigned-image": 1, "plaintext-secret": 2, "renders-application": 1, "renders-gate": 4,
		"own-waiver": 1, "undeclared-image": 1, "five-reasons": 5,
	} {
		rendering, err := renderExample(t, "hostile/"+folder, plugin.Parameters{})
		if err != nil || len(rendering.Objects) != objects {
			t.Errorf("%s: %d objects, want %d: %v", folder, len(rendering.Objects), objects, err)
		}
	}
}

func TestExamples_TheUndeclaredImageIsNoticed(t *testing.T) {
	rendering, err := renderExample(t, "hostile/undeclared-image", plugin.Parameters{})
	if err != nil {
		t.Fatal(err)
	}
	_, findings := plugin.ImageFinder{}.Find(rendering.Objects)
	if len(findings) != 1 || findings[0].Rule != "image/undeclared" || !findings[0].Level.Blocks() {
		t.Errorf("findings %+v", findings)
	}
}
