package render

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/artifact/storage"
	"github.com/fluxcd/pkg/sourceignore"

	"github.com/assay-gitops/assay/plugin"
)

// source-controller's own filter is the measure.
func TestSourceIgnore_LeavesOutWhatSourceControllerDoes(t *testing.T) {
	files := []string{
		"a.yaml", "apps/a.yaml", "apps/b/a.yaml", "drafts/a.yaml", "apps/drafts/a.yaml", ".github/workflows/ci.yaml", "apps/.github/ci.yaml", ".gitlab-ci.yml", ".git/config",
		"apps/.sops.yaml", "cloudbuild.yaml", "logo.png", ".gitignore", "apps/.gitignore", "values file.yaml", "drafts", "a/deep/drafts/x.yml",
	}
	for name, ignore := range map[string][]plugin.FluxIgnore{
		"nothing":         nil,
		"a comment":       {{Folder: ".", Patterns: "# drafts\n\n"}},
		"a folder":        {{Folder: ".", Patterns: "drafts/\n"}},
		"a rooted folder": {{Folder: ".", Patterns: "/drafts\r\n"}},
		"below":           {{Folder: "apps", Patterns: "/drafts\n*.sops.yaml"}},
		"all but one":     {{Folder: ".", Patterns: "/*\n!/apps"}},
		"later wins":      {{Folder: ".", Patterns: "*.yaml"}, {Folder: "apps", Patterns: "!a.yaml"}, {Folder: ".", Patterns: "/apps/b/"}},
		"any depth":       {{Folder: ".", Patterns: "**/drafts/**\n!**/x.yml"}},
		"no pattern":      {{Folder: ".", Patterns: "[\n\\\n"}},
	} {
		dir := t.TempDir()
		for _, file := range files[:2] {
			check(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o755))
			check(t, os.WriteFile(filepath.Join(dir, file), nil, 0o600))
		}
		info, err := os.Stat(filepath.Join(dir, "a.yaml"))
		check(t, err)
		domain := strings.Split(dir, "/")
		patterns := sourceignore.ReadPatterns(strings.NewReader(""), domain)
		for _, each := range ignore {
			within := domain
			if each.Folder != "." {
				within = append(append([]string{}, domain...), strings.Split(each.Folder, "/")...)
			}
			patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(each.Patterns), within)...)
		}
		theirs, ours := storage.SourceIgnoreFilter(patterns, domain), newSourceIgnore(&plugin.FluxCheckout{Ignore: ignore})
		for _, file := range files {
			if got, want := ours.leavesOut(file), theirs(filepath.Join(dir, file), info); got != want {
				t.Errorf("%s: %s left out: %v, source-controller: %v", name, file, got, want)
			}
		}
	}
	if (*sourceIgnore)(nil).leavesOut(".git/config") {
		t.Error("something of an artifact is left out")
	}
}
