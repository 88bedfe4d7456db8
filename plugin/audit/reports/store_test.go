package reports_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
)

func TestStore_KeepsTheLastVerdictAndWhatChangedBefore(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1), record("shop", 2), record("shop", 3, deniedRecord))
	again := record("shop", 4, deniedRecord)
	again.Revision = "revision-3"
	add(t, store, again)
	last, damaged, err := store.Last("shop")
	if err != nil || damaged != 0 || len(last) != 1 || !last[0].Time.Equal(again.Time) {
		t.Errorf("last is %+v, %d damaged, %v", last, damaged, err)
	}
	history, _, err := store.History("shop")
	if err != nil || revisions(history) != "3 2 1" || !history[0].Time.Equal(again.Time) {
		t.Errorf("history is %s, %v", revisions(history), err)
	}
	if unknown, _, err := store.Last("other"); err != nil || len(unknown) != 0 {
		t.Errorf("of another application it has %v, %v", unknown, err)
	}
	add(t, store, record("", 5))
	if applications, _ := store.Held(); applications != 1 {
		t.Errorf("%d applications", applications)
	}
}

func TestStore_SurvivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	at := func(o *reports.Options) { o.Dir = dir }
	add(t, open(t, at), record("shop", 1))
	store := open(t, at)
	add(t, store, record("shop", 2))
	if history, _, err := store.History("shop"); err != nil || revisions(history) != "2 1" {
		t.Errorf("history is %s, %v", revisions(history), err)
	}
}

func TestStore_DenialsDoNotPushOutWhatPassed(t *testing.T) {
	store := open(t)
	var digests []string
	for minute := range 7 {
		entry := sealing(record("shop", minute), configMap(fmt.Sprintf("shop-%d", minute)))
		digests = append(digests, entry.Record.Sealed)
		check(t, store.Add(t.Context(), entry))
	}
	for minute := range 40 {
		add(t, store, record("shop", 10+minute, deniedRecord))
	}
	history, _, err := store.History("shop")
	check(t, err)
	if len(history) != 25 || revisions(history[20:]) != "6 5 4 3 2" {
		t.Errorf("%d records, the last %s", len(history), revisions(history[20:]))
	}
	for i, digest := range digests {
		manifests, err := store.Sealed("shop", digest)
		if kept := i >= 2; kept != (err == nil) || !kept && !errors.Is(err, reports.ErrNotKept) {
			t.Errorf("revision %d: %s, %v", i, manifests, err)
		}
	}
	for _, digest := range []string{"", "sha256:..", "../../../etc/passwd", strings.Repeat("a", 71)} {
		if _, err := store.Sealed("shop", digest); !errors.Is(err, reports.ErrNotKept) {
			t.Errorf("%q: %v", digest, err)
		}
	}
}

func TestStore_ManifestsOfADenialAreNotKept(t *testing.T) {
	store := open(t)
	entry := sealing(record("shop", 1, deniedRecord), configMap("shop"))
	check(t, store.Add(t.Context(), entry))
	if _, err := store.Sealed("shop", entry.Record.Sealed); !errors.Is(err, reports.ErrNotKept) {
		t.Errorf("got %v", err)
	}
}

func TestStore_NoSecretIsWritten(t *testing.T) {
	const secret, hidden = "hunter2-hunter2", "from-elsewhere"
	inBase64 := base64.StdEncoding.EncodeToString([]byte(secret))
	manifests := `{"apiVersion":"v1","data":{"password":"` + inBase64 + `"},"kind":"Secret","metadata":{"name":"shop","namespace":"shop"}}` + "\n" +
		`{"apiVersion":"v1","data":{"url":"postgres://shop:` + secret + `@db/` + hidden + `"},"kind":"ConfigMap","metadata":{"name":"shop","namespace":"shop"}}` + "\n"
	dir := t.TempDir()
	store := open(t, func(o *reports.Options) { o.Dir = dir })
	entry := sealing(record("shop", 1), manifests, hidden)
	check(t, store.Add(t.Context(), entry))
	kept, err := store.Sealed("shop", entry.Record.Sealed)
	check(t, err)
	for _, text := range []string{secret, inBase64, hidden} {
		if strings.Contains(string(kept), text) {
			t.Errorf("%s is kept: %s", text, kept)
		}
	}
	objects, err := plugin.JSONEncoding{}.Decode(kept)
	if err != nil || len(objects) != 2 || objects[1].ID().Name != "shop" {
		t.Fatalf("what is kept cannot be read again: %v\n%s", err, kept)
	}
	value, _ := objects[0].Fields["data"].(map[string]any)["password"].(string)
	if clear, err := base64.StdEncoding.DecodeString(value); err != nil || string(clear) != plugin.Masked {
		t.Errorf("the Secret's value is %q, which is no base64", value)
	}
}

func TestStore_WhatCannotBeMaskedIsNotKeptAndTheRecordIs(t *testing.T) {
	store := open(t)
	entry := sealing(record("shop", 1), "no json\n")
	if err := store.Add(t.Context(), entry); err == nil {
		t.Error("nobody is told")
	}
	if _, err := store.Sealed("shop", entry.Record.Sealed); !errors.Is(err, reports.ErrNotKept) {
		t.Errorf("got %v", err)
	}
	if last, _, err := store.Last("shop"); err != nil || len(last) != 1 {
		t.Errorf("last is %v, %v", last, err)
	}
}

func TestStore_OneDeniedSourceCountsForTheApplication(t *testing.T) {
	store := open(t)
	charts := func(r *audit.Record) { r.Repository = "https://git.example.com/charts" }
	add(t, store, record("shop", 1, charts, deniedRecord), record("shop", 2))
	last, _, err := store.Last("shop")
	if err != nil || revisions(last) != "1 2" || last[0].Outcome != plugin.Denied {
		t.Errorf("last is %s, %v", revisions(last), err)
	}
	add(t, store, record("shop", 3, charts))
	if last, _, _ = store.Last("shop"); revisions(last) != "3 2" || last[0].Outcome != plugin.Allowed {
		t.Errorf("last is %s", revisions(last))
	}
}

func TestStore_SourceThatWasNotAskedForIsPast(t *testing.T) {
	const days = 24 * 60
	for minutes, want := range map[int]string{1 * days: "0 1440", 3 * days: "4320"} {
		store := open(t)
		add(t, store, record("shop", 0, deniedRecord, func(r *audit.Record) { r.Path = "old" }), record("shop", minutes))
		if last, _, err := store.Last("shop"); err != nil || revisions(last) != want {
			t.Errorf("after %d minutes it is %s, %v", minutes, revisions(last), err)
		}
	}
}

func TestStore_ApplicationOfAnotherProjectBeginsAnew(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1, deniedRecord), record("shop", 2, func(r *audit.Record) { r.Project, r.Path = "team-b", "elsewhere" }))
	if last, _, err := store.Last("shop"); err != nil || len(last) != 1 || last[0].Project != "team-b" {
		t.Errorf("last is %+v, %v", last, err)
	}
}

func TestStore_DamagedFileCostsWhatIsDamagedAndIsMadeGood(t *testing.T) {
	line := func(r audit.Record) string {
		data, err := json.Marshal(r)
		check(t, err)
		return string(data) + "\n"
	}
	good := line(record("shop", 1))
	for name, test := range map[string]struct {
		text          string
		last, damaged int
	}{
		"whole":               {good, 1, 0},
		"empty":               {"", 0, 0},
		"cut short":           {good + good[:len(good)/2], 1, 1},
		"garbage":             {"\x00\xff\n{}\nnull\n[1]\n", 0, 4},
		"another version":     {strings.Replace(good, "audit/v1", "audit/v9", 1), 0, 1},
		"unknown outcome":     {strings.Replace(good, `"allowed"`, `"fine"`, 1), 0, 1},
		"another application": {line(record("other", 1)), 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, func(o *reports.Options) { o.Dir = dir })
			add(t, store, record("shop", 0))
			overwrite(t, dir, "shop", "last.jsonl", test.text)
			overwrite(t, dir, "shop", "history.jsonl", test.text)
			for _, ask := range []func(string) ([]audit.Record, int, error){store.Last, store.History} {
				if records, damaged, err := ask("shop"); err != nil || len(records) != test.last || damaged != test.damaged {
					t.Errorf("%d records, %d damaged, %v", len(records), damaged, err)
				}
			}
			add(t, store, record("shop", 9))
			if last, damaged, err := store.Last("shop"); err != nil || damaged != 0 || revisions(last) != "9" {
				t.Errorf("then last is %s, %d damaged, %v", revisions(last), damaged, err)
			}
		})
	}
}

func TestStore_WhatAnEndedProcessLeftIsClearedAway(t *testing.T) {
	dir := t.TempDir()
	at := func(o *reports.Options) { o.Dir = dir }
	add(t, open(t, at), record("shop", 1))
	overwrite(t, dir, "shop", ".new-123", strings.Repeat("x", 1000))
	add(t, open(t, at), record("other", 2))
	if left := files(t, dir, "shop"); len(left) != 2 {
		t.Errorf("there are %v", left)
	}
}

func TestStore_IsForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	store := open(t, func(o *reports.Options) { o.Dir = dir })
	check(t, store.Add(t.Context(), sealing(record("shop", 1), configMap("shop"))))
	check(t, filepath.WalkDir(filepath.Join(dir, "assay-reports"), func(name string, entry fs.DirEntry, err error) error {
		check(t, err)
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", name, info.Mode())
		}
		return err
	}))
	check(t, os.Chmod(filepath.Join(dir, "assay-reports"), 0o755))
	if _, err := reports.Open(reports.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "others may read") {
		t.Errorf("got %v", err)
	}
}

func TestStore_FolderThatCannotBeWrittenIsAnError(t *testing.T) {
	dir := t.TempDir()
	store := open(t, func(o *reports.Options) { o.Dir = dir })
	check(t, os.WriteFile(filepath.Join(dir, "assay-reports", reports.ID("shop")), nil, 0o600))
	if err := store.Add(t.Context(), audit.Entry{Record: record("shop", 1)}); err == nil || !strings.Contains(err.Error(), "shop") {
		t.Errorf("got %v", err)
	}
	add(t, store, record("other", 2))
}

func TestStore_ForgetsWhoseLastVerdictIsTheOldest(t *testing.T) {
	for name, bound := range map[string]func(*reports.Options){
		"applications": func(o *reports.Options) { o.Applications = 2 },
		"bytes":        func(o *reports.Options) { o.Bytes = 4 * 4096 },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, bound, func(o *reports.Options) { o.Dir = dir })
			for i, application := range []string{"a", "b", "c", "d"} {
				add(t, store, record(application, i))
				at := judged.Add(time.Duration(i) * time.Minute)
				check(t, os.Chtimes(files(t, dir, application)[1], at, at))
				store = open(t, bound, func(o *reports.Options) { o.Dir = dir }) // which looks at the times anew
			}
			add(t, store, record("d", 9))
			for application, want := range map[string]int{"a": 0, "b": 0, "c": 1, "d": 1} {
				if last, _, err := store.Last(application); err != nil || len(last) != want {
					t.Errorf("of %s there are %d, %v", application, len(last), err)
				}
			}
		})
	}
}

// TestStore_TenThousandApplications: all of them are found, page by page, and
// one more pushes one out.
// A tenant with many applications, or with large ones, does not take away what is
// kept about others.
func TestStore_OneProjectDoesNotPushOutAnothers(t *testing.T) {
	ofB := func(r *audit.Record) { r.Project = "team-b" }
	many := func(store *reports.Store, from, to int) {
		for i := from; i < to; i++ {
			check(t, store.Add(t.Context(), sealing(record(fmt.Sprintf("b%d", i), i, ofB), configMap(fmt.Sprintf("b%d", i)))))
		}
	}
	for name, limit := range map[string]func(*reports.Options){
		"applications": func(o *reports.Options) { o.Applications = 5 },
		"bytes":        func(o *reports.Options) { o.Bytes = 5 * 3 * 4096 },
	} {
		dir := t.TempDir()
		store := open(t, limit, func(o *reports.Options) { o.Dir = dir })
		add(t, store, record("a1", 0), record("a2", 0))
		many(store, 1, 10)
		many(open(t, limit, func(o *reports.Options) { o.Dir = dir }), 10, 20) // another process does not know whose they are
		for _, application := range []string{"a1", "a2", "b19"} {
			if records, _, err := store.Last(application); err != nil || len(records) != 1 {
				t.Errorf("%s: %s has %d records: %v", name, application, len(records), err)
			}
		}
		if records, _, err := store.Last("b1"); err != nil || len(records) != 0 {
			t.Errorf("%s: twin: the oldest of those that take the most is there: %v", name, err)
		}
	}
}

func TestStore_TenThousandApplications(t *testing.T) {
	const many = 10_000
	store := open(t, func(o *reports.Options) { o.Applications = many })
	for i := range many {
		add(t, store, record(fmt.Sprintf("team-%d_shop", i), i))
	}
	client := clientOf(t, serve(t, store))
	seen := func() map[string]bool {
		found, after := map[string]bool{}, ""
		for {
			page, err := client.Page(t.Context(), 500, after, after == "")
			check(t, err)
			for _, each := range page.Applications {
				if found[each.Application] || each.Outcome != "allowed" || (len(each.Records) == 1) != (after == "") {
					t.Fatalf("%+v", each)
				}
				found[each.Application] = true
			}
			if after = page.Next; after == "" {
				return found
			}
		}
	}
	if found := seen(); len(found) != many {
		t.Errorf("%d applications are listed", len(found))
	}
	add(t, store, record("one-more", many))
	if found := seen(); len(found) != many || !found["one-more"] {
		t.Errorf("then %d are listed", len(found))
	}
	if applications, bytes := store.Held(); applications != many || bytes < many*4096 {
		t.Errorf("%d applications, %d bytes", applications, bytes)
	}
}
