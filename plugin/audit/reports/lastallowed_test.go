package reports_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
)

// asking is the denial at a revision that asks what passed before it.
func asking(revision string, change ...func(*plugin.Verdict)) *plugin.Verdict {
	v := &plugin.Verdict{
		Application: plugin.Application{Name: "shop", Project: "team-a", Repository: "https://git.example.com/shop"}, Revision: revision, Path: "prod",
	}
	for _, each := range change {
		each(v)
	}
	return v
}

func TestLastAllowed_IsTheNewestOtherRevisionThatPassed(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1), record("shop", 2), record("shop", 3, deniedRecord), record("other", 4))
	for revision, want := range map[string]string{"revision-3": "revision-2", "revision-9": "revision-2", "revision-2": "revision-1"} {
		if got, err := store.LastAllowed(t.Context(), asking(revision)); err != nil || got.Revision != want || got.Time != record("shop", int(want[len(want)-1]-'0')).Time {
			t.Errorf("before %s passed %+v, %v", revision, got, err)
		}
	}
	add(t, store, record("shop", 5, func(r *audit.Record) { r.Revision = "revision-1" })) // rolled back
	if got, err := store.LastAllowed(t.Context(), asking("revision-3")); err != nil || got.Revision != "revision-1" || got.Time != record("shop", 5).Time {
		t.Errorf("after revision 1 passed again: %+v, %v", got, err)
	}
}

func TestLastAllowed_IsNoneWhereNoneIsKnown(t *testing.T) {
	unanswered := func(r *audit.Record) { r.Outcome = plugin.Unanswered }
	for name, test := range map[string]struct {
		kept audit.Record
		v    *plugin.Verdict
	}{
		"it was denied":               {record("shop", 1, deniedRecord), asking("revision-9")},
		"it had no answer":            {record("shop", 1, unanswered), asking("revision-9")},
		"the same revision":           {record("shop", 1), asking("revision-1")},
		"another application":         {record("other", 1), asking("revision-9")},
		"another project":             {record("shop", 1), asking("revision-9", func(v *plugin.Verdict) { v.Application.Project = "team-b" })},
		"another repository":          {record("shop", 1), asking("revision-9", func(v *plugin.Verdict) { v.Application.Repository = "https://git.example.com/web" })},
		"another path":                {record("shop", 1), asking("revision-9", func(v *plugin.Verdict) { v.RepositoryPath = "apps/prod" })},
		"no revision was kept":        {record("shop", 1, func(r *audit.Record) { r.Revision = "" }), asking("revision-9")},
		"the denial has no revision":  {record("shop", 1), asking("")},
		"the denial names nobody":     {record("shop", 1), asking("revision-9", func(v *plugin.Verdict) { v.Application.Name = "" })},
		"there is no denial":          {record("shop", 1), nil},
		"the twin that one is known":  {record("shop", 1), asking("revision-9")},
		"the project was not told it": {record("shop", 1, func(r *audit.Record) { r.Project = "" }), asking("revision-9")},
	} {
		store := open(t)
		add(t, store, test.kept)
		known := name == "the twin that one is known" || name == "the project was not told it"
		if got, err := store.LastAllowed(t.Context(), test.v); err != nil || (got != plugin.Passed{}) != known {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestLastAllowed_DamagedStoreCostsWhatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	store := open(t, func(o *reports.Options) { o.Dir = dir })
	add(t, store, record("shop", 1))
	overwrite(t, dir, "shop", "history.jsonl", "\x00{}\n")
	if got, err := store.LastAllowed(t.Context(), asking("revision-9")); err != nil || got != (plugin.Passed{}) {
		t.Errorf("%+v, %v", got, err)
	}
	file := filepath.Join(dir, "assay-reports", reports.ID("shop"), "history.jsonl")
	check(t, os.Remove(file))
	check(t, os.Mkdir(file, 0o700))
	if got, err := store.LastAllowed(t.Context(), asking("revision-9")); err == nil || got != (plugin.Passed{}) {
		t.Errorf("a file that cannot be read: %+v, %v", got, err)
	}
}
