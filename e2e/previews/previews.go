// Package previews has what assay diff makes of a repository, for the end-to-end
// tests that compare it with what Argo CD and Flux make of the same commit.
package previews

import (
	"context"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/preview"
	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/preview/revision"
	"github.com/assay-gitops/assay/plugin/setup"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Example are the files of one of the examples, with those of a folder beside
// them, which call their repository by the given URL.
func Example(t *testing.T, name, beside, url string) map[string]string {
	t.Helper()
	own := "https://git.example.com/platform/" + name
	urls := strings.NewReplacer(own+".git", url, own, url)
	files := map[string]string{}
	for _, folder := range []string{"../../examples/" + name, beside} {
		tree := os.DirFS(folder)
		must(t, fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := fs.ReadFile(tree, path)
			files[path] = urls.Replace(string(text))
			return err
		}))
	}
	return files
}

// Application is one that the preview found, and what its parts render to,
// before anything is pinned or hardened.
type Application struct {
	discover.Application
	Objects []plugin.Object
}

// Repository is one that is previewed.
type Repository struct {
	// Dir is where it lies, and URL what its definitions call it.
	Dir, URL string
	// Helm are the versions that charts are told.
	Helm plugin.HelmParameters
}

// All judges every application of the last commit, as assay diff --all does,
// under the gate that applies where nobody configured one. What was not seen, and
// what does not render, fails the test.
func (r Repository) All(t *testing.T) []Application {
	t.Helper()
	sides, err := revision.Open(t.Context(), revision.Options{Dir: r.Dir, Base: "HEAD", Head: "HEAD"})
	must(t, err)
	defer func() { _ = sides.Close() }()
	judge, err := setup.New(setup.Options{Config: gate.Default(), Lenient: true, KeepObjects: true, ReleasesApart: true})
	must(t, err)
	defer judge.Close()
	side := func(name string, of *revision.Side) preview.Side {
		return preview.Side{
			Name: name, Commit: of.Commit, Root: of.Root,
			Own:    func(url string) bool { return revision.NormalizeURL(url) == revision.NormalizeURL(r.URL) },
			Tracks: func(branch string) bool { return branch == "main" },
			At:     func(context.Context, string) (*os.Root, error) { return nil, nil },
		}
	}
	var mu sync.Mutex
	var all []Application
	report, err := preview.Run(t.Context(), preview.Options{
		Setup: judge, Base: side("base", sides.Base), Head: side("head", sides.Head), All: true, At: time.Now(), Parameters: r.Helm,
		Judged: func(side preview.Side, application discover.Application, verdicts []*plugin.Verdict) {
			if side.Name != "head" {
				return
			}
			found := Application{Application: application}
			for _, verdict := range verdicts {
				if len(verdict.Rendered()) == 0 {
					t.Errorf("%s does not render: %v", application.AsParent(), verdict.Findings)
				}
				found.Objects = append(found.Objects, verdict.Rendered()...)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, found)
		},
	})
	must(t, err)
	for _, unseen := range report.Unseen {
		t.Errorf("the preview has not seen %s: %s", unseen.What, unseen.Reason)
	}
	slices.SortFunc(all, func(a, b Application) int { return strings.Compare(a.AsParent(), b.AsParent()) })
	return all
}
