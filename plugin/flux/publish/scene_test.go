package publish

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/assay-gitops/assay/plugin"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func options(t testing.TB) Options {
	return Options{Dir: t.TempDir(), Address: "assay-source.flux-system.svc.cluster.local.:80", Retention: DefaultRetention, Bytes: DefaultBytes}
}

func newStore(t testing.TB) *Store {
	t.Helper()
	store, err := New(options(t))
	check(t, err)
	return store
}

const commit = "main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738"

var key = Key{Namespace: "team-a", Name: "assay-web"}

func files(content string) map[string][]byte {
	return map[string][]byte{"manifests.yaml": []byte(content), "kustomization.yaml": []byte("resources: [manifests.yaml]\n")}
}

func put(t testing.TB, store *Store, content string) meta.Artifact {
	t.Helper()
	artifact, err := store.Put(t.Context(), key, commit, files(content))
	check(t, err)
	return artifact
}

// onDisk lists the files of the storage, without locks.
func onDisk(t testing.TB, store *Store) []string {
	t.Helper()
	var names []string
	check(t, filepath.WalkDir(store.options.Dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(name) != ".lock" {
			relative, relErr := filepath.Rel(store.options.Dir, name)
			check(t, relErr)
			names = append(names, filepath.ToSlash(relative))
		}
		return err
	}))
	return names
}

func local(store *Store, artifact meta.Artifact) string {
	return filepath.Join(store.options.Dir, filepath.FromSlash(artifact.Path))
}

func age(t testing.TB, name string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	check(t, os.Chtimes(name, then, then))
}

// unpacked reads a published archive.
func unpacked(t testing.TB, packed []byte) (map[string]string, []tar.Header) {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(packed))
	check(t, err)
	reader := tar.NewReader(zipped)
	contents, headers := map[string]string{}, []tar.Header(nil)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return contents, headers
		}
		check(t, err)
		content, err := io.ReadAll(reader)
		check(t, err)
		contents[header.Name] = string(content)
		headers = append(headers, *header)
	}
}

func refused(t testing.TB, err error, rule, says string) {
	t.Helper()
	var refusal *plugin.Refusal
	if !errors.As(err, &refusal) || refusal.Rule != rule || refusal.Hint == "" || !strings.Contains(err.Error(), says) {
		t.Errorf("want a refusal by %s that says %q and what to do, got %v", rule, says, err)
	}
}

func unanswered(t testing.TB, err error, says string) {
	t.Helper()
	var none *plugin.StageError
	if !errors.As(err, &none) || none.Hint == "" || !strings.Contains(err.Error()+none.Hint, says) {
		t.Errorf("want no answer that says %q and what to do, got %v", says, err)
	}
}
