//go:build e2e

package inplace_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/e2e/corpus"
)

// release is a published module, its checksum, and the folders of it that hold
// sources.
type release struct {
	module, sum string
	folders     []string
}

func releases() map[string]release {
	return map[string]release{
		"argo-cd": {"github.com/argoproj/argo-cd/v3@v3.5.7", "h1:Xm1BF+I5OgDKUG3SDK49vn2/Y5AMyaNVko+/JT08gj0=", []string{"manifests", "applicationset/examples", "test/e2e/testdata", "reposerver/repository/testdata", "examples"}},
		"gatekeeper": {
			"github.com/open-policy-agent/gatekeeper/v3@v3.23.1", "h1:njHTm0SJ6ZEhhEgmQTpJKTGQbc99fSs4hGiEp1OIKck=",
			[]string{"config", "charts", "manifest_staging/charts", "demo", "deploy", "example", "test"},
		},
		"kyverno": {"github.com/kyverno/kyverno@v1.19.1", "h1:/MkgFii3/VlQfKR1JpC9tVwNNVNQTt2S4U6qCsafsTU=", []string{"charts", "config", "test"}},
	}
}

// What a run may take: of each folder of a module that many applications, and of
// each no more bytes of files.
const (
	mostApplications = 300
	mostBytes        = 4 << 20
)

// TestCorpus_WrittenSourcesRenderToTheSame is TestProperty_WrittenSourcesRenderToTheSame
// over what three projects publish. What is left out for its number or its size is
// counted, and printed.
func TestCorpus_WrittenSourcesRenderToTheSame(t *testing.T) {
	var total tally
	left := map[string]int{}
	for name, each := range releases() {
		module, err := corpus.Module(t.Context(), each.module, each.sum)
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range each.folders {
			t.Run(name+"/"+folder, func(t *testing.T) {
				dir := copyTree(t, filepath.Join(module, folder))
				chosen := chosen(t, dir, left)
				for _, application := range chosen {
					total.add(newTally(t, dir, application))
				}
				t.Logf("%d applications were looked at", len(chosen))
			})
		}
	}
	t.Logf("%+v; left out: %v", total, left)
	if total.manifests < leastManifests || total.kustomizations < leastKustomizations || total.charts < leastCharts {
		t.Errorf("too few were written: %+v", total)
	}
}

// Fewer than these were written means that the corpus, or what reads it, has lost
// something.
const leastManifests, leastKustomizations, leastCharts = 200, 25, 18

// chosen are applications from all over the tree, no more than may be.
func chosen(t *testing.T, dir string, left map[string]int) []string {
	t.Helper()
	var small []string
	for _, folder := range applications(t, dir) {
		if sizeOf(t, filepath.Join(dir, folder)) > mostBytes {
			left["larger than 4 MiB"]++
			continue
		}
		small = append(small, folder)
	}
	if len(small) <= mostApplications {
		return small
	}
	left["beyond 300 of a folder"] += len(small) - mostApplications
	var spread []string
	for i := range mostApplications {
		spread = append(spread, small[i*len(small)/mostApplications])
	}
	return spread
}

func sizeOf(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
