package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/tar"
)

// TestPut_ArtifactSaysWhatIsStored: path, digest, size, revision and metadata.
func TestPut_ArtifactSaysWhatIsStored(t *testing.T) {
	store := newStore(t)
	artifact := put(t, store, "kind: A\n")
	packed, err := os.ReadFile(local(store, artifact))
	check(t, err)
	sum := sha256.Sum256(packed)
	hash := hex.EncodeToString(sum[:])
	want := meta.Artifact{
		Path: "externalartifact/team-a/assay-web/" + hash + ".tar.gz", Digest: "sha256:" + hash, Revision: "main@sha256:" + hash,
		URL:            "http://assay-source.flux-system.svc.cluster.local.:80/externalartifact/team-a/assay-web/" + hash + ".tar.gz",
		LastUpdateTime: artifact.LastUpdateTime, Size: artifact.Size, Metadata: artifact.Metadata,
	}
	if artifact.Path != want.Path || artifact.Digest != want.Digest || artifact.Revision != want.Revision || artifact.URL != want.URL {
		t.Errorf("got %+v, want %+v", artifact, want)
	}
	if *artifact.Size != int64(len(packed)) || artifact.Metadata["org.opencontainers.image.revision"] != commit || artifact.LastUpdateTime.IsZero() {
		t.Errorf("got %+v", artifact)
	}
	contents, headers := unpacked(t, packed)
	if !maps.Equal(contents, map[string]string{"manifests.yaml": "kind: A\n", "kustomization.yaml": "resources: [manifests.yaml]\n"}) {
		t.Errorf("it holds %q", contents)
	}
	for _, header := range headers {
		if header.Mode != 0o600 || header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.ModTime.Unix() != 0 {
			t.Errorf("its header says %+v", header)
		}
	}
	if !slices.Equal(onDisk(t, store), []string{artifact.Path}) {
		t.Errorf("on disk: %q", onDisk(t, store))
	}
}

// TestPut_FluxUnpacksIt with what its controllers use.
func TestPut_FluxUnpacksIt(t *testing.T) {
	store, into := newStore(t), t.TempDir()
	artifact, err := store.Put(t.Context(), key, commit, map[string][]byte{"a/manifests.yaml": []byte("a"), "b/c/manifests.yaml": []byte("b"), "kustomization.yaml": nil})
	check(t, err)
	file, err := os.Open(local(store, artifact))
	check(t, err)
	defer file.Close()
	check(t, tar.Untar(file, into, tar.WithSkipSymlinks()))
	content, err := os.ReadFile(filepath.Join(into, "b/c/manifests.yaml"))
	check(t, err)
	if string(content) != "b" {
		t.Errorf("got %q", content)
	}
}

// TestPut_SameContentIsTheSameFile: nothing is written, and no time changes.
func TestPut_SameContentIsTheSameFile(t *testing.T) {
	store := newStore(t)
	first := put(t, store, "kind: A\n")
	age(t, local(store, first), time.Hour)
	first = put(t, store, "kind: A\n")
	store.write = func(*meta.Artifact, io.Reader, os.FileMode) error {
		t.Error("it was written again")
		return nil
	}
	again := put(t, store, "kind: A\n")
	if again.Digest != first.Digest || again.Path != first.Path || !again.LastUpdateTime.Equal(&first.LastUpdateTime) || time.Since(again.LastUpdateTime.Time) < 50*time.Minute {
		t.Errorf("got %+v after %+v", again, first)
	}
	other, err := New(Options{Dir: t.TempDir(), Address: store.options.Address, Retention: time.Hour, Bytes: 1 << 20})
	check(t, err)
	if elsewhere := put(t, other, "kind: A\n"); elsewhere.Digest != first.Digest {
		t.Error("another process stores the same content under another digest")
	}
}

// TestPut_OtherRevisionOfTheSameContentIsTheSameFile: the status changes, as a
// commit status wants to name the newer commit.
func TestPut_OtherRevisionOfTheSameContentIsTheSameFile(t *testing.T) {
	store := newStore(t)
	first := put(t, store, "kind: A\n")
	second, err := store.Put(t.Context(), key, "main@sha1:aaaa", files("kind: A\n"))
	check(t, err)
	if first.Path != second.Path || second.Metadata[OriginRevision] != "main@sha1:aaaa" {
		t.Errorf("got %+v after %+v", second, first)
	}
}

// TestPut_RevisionIsNamedAsFluxReadsIt: one "@" and one ":", which is where
// helm-controller splits it.
func TestPut_RevisionIsNamedAsFluxReadsIt(t *testing.T) {
	store := newStore(t)
	chart := func(version string) map[string][]byte {
		return map[string][]byte{"web/Chart.yaml": []byte("name: web\nversion: " + version + "\n"), "web/charts/db/Chart.yaml": []byte("version: 9.9.9\n")}
	}
	for _, test := range []struct {
		origin string
		files  map[string][]byte
		want   string
	}{
		{"main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738", files("a"), "main"},
		{"feature/x@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738", files("a"), "feature/x"},
		{"who@home@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738", files("a"), "who-home"},
		{"sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738", files("a"), "sha1-5394cb7f4833"},
		{"sha256:9933f58f8bf459eb199d59ebc8a05683f3944e1242d9f5467d99aa", files("a"), "sha256-9933f58f8bf4"},
		{"@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738", files("a"), "sha1-5394cb7f4833"},
		{"6.5.4", files("a"), "6.5.4"},
		{"v1.0.0@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738", chart("1.2.3+b.1"), "1.2.3+b.1"},
		{"v1.0.0@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738", map[string][]byte{"web/Chart.yaml": []byte("version: 1.2.3"), "manifests.yaml": nil}, "v1.0.0"},
		{"v1.0.0@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738", map[string][]byte{"Chart.yaml": []byte("version: 1.2.3")}, "v1.0.0"},
	} {
		artifact, err := store.Put(t.Context(), key, test.origin, test.files)
		check(t, err)
		if artifact.Revision != test.want+"@"+artifact.Digest || strings.Count(artifact.Revision, "@") != 1 || strings.Count(artifact.Revision, ":") != 1 {
			t.Errorf("%s is published as %q", test.origin, artifact.Revision)
		}
		if artifact.Metadata[OriginRevision] != test.origin {
			t.Errorf("%s: the metadata say %q", test.origin, artifact.Metadata)
		}
	}
}

// TestPut_WhatIsNoArtifactIsDenied; each has a twin.
func TestPut_WhatIsNoArtifactIsDenied(t *testing.T) {
	for name, test := range map[string]struct {
		key    Key
		origin string
		files  map[string][]byte
		says   string
	}{
		"NoFile":        {key, commit, nil, "there is no file"},
		"NoRevision":    {key, "", files("a"), "the source has no revision"},
		"NoName":        {Key{"team-a", ""}, commit, files("a"), "cannot be the namespace and the name"},
		"NoNamespace":   {Key{"", "assay-web"}, commit, files("a"), "cannot be the namespace and the name"},
		"NameClimbs":    {Key{"team-a", ".."}, commit, files("a"), "cannot be the namespace and the name"},
		"NameIsAPath":   {Key{"team-a", "a/b"}, commit, files("a"), "cannot be the namespace and the name"},
		"FileClimbs":    {key, commit, map[string][]byte{"../x": nil}, `"../x" cannot be the name of a file`},
		"FileAbsolute":  {key, commit, map[string][]byte{"/x": nil}, `"/x" cannot be the name of a file`},
		"FileUnnamed":   {key, commit, map[string][]byte{"": nil}, `"" cannot be the name of a file`},
		"FileIsRoot":    {key, commit, map[string][]byte{".": nil}, `"." cannot be the name of a file`},
		"FileHidden":    {key, commit, map[string][]byte{"a\nb": nil}, "cannot be the name of a file"},
		"FileAndFolder": {key, commit, map[string][]byte{"a": nil, "a/b/c": nil}, `"a" is a file and a folder`},
		"TooLarge":      {key, commit, files(strings.Repeat("a", 2000)), "more than 1000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			made := options(t)
			made.Bytes = 1000
			store, err := New(made)
			check(t, err)
			_, err = store.Put(t.Context(), test.key, test.origin, test.files)
			refused(t, err, RuleContent, test.says)
			if left := onDisk(t, store); len(left) > 0 {
				t.Errorf("on disk: %q", left)
			}
			put(t, store, "a")
		})
	}
}

// TestPut_CancelledContextWritesNothing.
func TestPut_CancelledContextWritesNothing(t *testing.T) {
	store := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Put(ctx, key, commit, files("a")); !errors.Is(err, context.Canceled) || len(onDisk(t, store)) > 0 {
		t.Errorf("%v, on disk: %q", err, onDisk(t, store))
	}
}

// brimful is content that the disk has no room for.
type brimful struct{ left io.Reader }

func (f *brimful) Read(into []byte) (int, error) {
	count, err := f.left.Read(into[:min(10, len(into))])
	if err == io.EOF || count == 0 {
		return 0, &fs.PathError{Op: "write", Path: "/made/up", Err: syscall.ENOSPC}
	}
	return count, err
}

// TestPut_FullDiskIsNoAnswer: what was there stays, nothing half-written does,
// and it heals.
func TestPut_FullDiskIsNoAnswer(t *testing.T) {
	store := newStore(t)
	before := put(t, store, "kind: A\n")
	good := store.write
	store.write = func(artifact *meta.Artifact, content io.Reader, mode os.FileMode) error {
		return good(artifact, &brimful{io.LimitReader(content, 20)}, mode)
	}
	_, err := store.Put(t.Context(), key, commit, files("kind: B\n"))
	unanswered(t, err, "no space left on device")
	if strings.Contains(err.Error(), "made/up") {
		t.Errorf("%v names a file of the storage", err)
	}
	if !slices.Equal(onDisk(t, store), []string{before.Path}) || !store.Present(before) {
		t.Errorf("on disk: %q", onDisk(t, store))
	}
	store.write = good
	put(t, store, "kind: B\n")
}

// TestPut_OtherBytesThanMeantAreNotKept.
func TestPut_OtherBytesThanMeantAreNotKept(t *testing.T) {
	store := newStore(t)
	good := store.write
	store.write = func(artifact *meta.Artifact, _ io.Reader, mode os.FileMode) error {
		return good(artifact, strings.NewReader("other"), mode)
	}
	_, err := store.Put(t.Context(), key, commit, files("a"))
	unanswered(t, err, "is not what was meant")
	if left := onDisk(t, store); len(left) > 0 {
		t.Errorf("on disk: %q", left)
	}
}

// TestPut_ManyAtOnce: one file, whoever comes first.
func TestPut_ManyAtOnce(t *testing.T) {
	store := newStore(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			artifact, err := store.Put(t.Context(), key, commit, files("a"))
			if err != nil || !store.Present(artifact) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := onDisk(t, store); len(got) != 1 {
		t.Errorf("on disk: %q", got)
	}
}

// TestPresent_TellsWhatIsServed: the twin is what Put returned.
func TestPresent_TellsWhatIsServed(t *testing.T) {
	other := Key{Namespace: "team-b", Name: "assay-web"}
	for name, change := range map[string]func(*testing.T, *Store, *meta.Artifact){
		"Lost": func(t *testing.T, s *Store, a *meta.Artifact) { check(t, os.Remove(local(s, *a))) },
		"Changed": func(t *testing.T, s *Store, a *meta.Artifact) {
			check(t, os.WriteFile(local(s, *a), []byte("x"), 0o600))
		},
		"Truncated":      func(t *testing.T, s *Store, a *meta.Artifact) { check(t, os.Truncate(local(s, *a), *a.Size-1)) },
		"NoDigest":       func(_ *testing.T, _ *Store, a *meta.Artifact) { a.Digest = "" },
		"OtherDigest":    func(_ *testing.T, _ *Store, a *meta.Artifact) { a.Digest = "sha256:" + strings.Repeat("0", 64) },
		"OtherAlgorithm": func(_ *testing.T, _ *Store, a *meta.Artifact) { a.Digest = "sha512:" + strings.Repeat("0", 128) },
		"OtherAddress": func(_ *testing.T, _ *Store, a *meta.Artifact) {
			a.URL = strings.Replace(a.URL, "assay-source", "evil", 1)
		},
		"OtherPath": func(_ *testing.T, _ *Store, a *meta.Artifact) { a.Path = "../" + a.Path },
		"Linked": func(t *testing.T, s *Store, a *meta.Artifact) {
			moved := filepath.Join(t.TempDir(), "moved")
			check(t, os.Rename(local(s, *a), moved))
			check(t, os.Symlink(moved, local(s, *a)))
		},
		"OtherKind": func(t *testing.T, s *Store, a *meta.Artifact) {
			there := local(s, *a)
			a.Path = strings.Replace(a.Path, "externalartifact", "other", 1)
			check(t, os.MkdirAll(filepath.Dir(local(s, *a)), 0o755))
			check(t, os.Link(there, local(s, *a)))
		},
		"FileOfAnother": func(t *testing.T, s *Store, a *meta.Artifact) {
			elsewhere, err := s.Put(t.Context(), other, commit, files("kind: A\n"))
			check(t, err)
			a.Path = elsewhere.Path
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := newStore(t)
			artifact := put(t, store, "kind: A\n")
			if !store.Present(artifact) {
				t.Error("the twin is not there")
			}
			change(t, store, &artifact)
			if store.Present(artifact) {
				t.Error("it is told to be there")
			}
			if again := put(t, store, "kind: A\n"); !store.Present(again) {
				t.Error("it was not rebuilt")
			}
		})
	}
	if newStore(t).Present(meta.Artifact{}) {
		t.Error("nothing is told to be there")
	}
}

// TestNew_BadOptionsAreRefused by name.
func TestNew_BadOptionsAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	for name, test := range map[string]struct {
		change func(*Options)
		says   string
	}{
		"NoFolder":         {func(o *Options) { o.Dir = "" }, "no folder is named"},
		"MissingFolder":    {func(o *Options) { o.Dir += "/missing" }, "missing"},
		"File":             {func(o *Options) { o.Dir = file }, file},
		"NoAddress":        {func(o *Options) { o.Address = "" }, "the advertised address is empty"},
		"NoHost":           {func(o *Options) { o.Address = ":9790" }, "is neither host:port"},
		"AllAddresses":     {func(o *Options) { o.Address = "0.0.0.0:9790" }, "is no address that others can reach"},
		"AllAddressesOfV6": {func(o *Options) { o.Address = "http://[::]:9790" }, "is no address that others can reach"},
		"WithPath":         {func(o *Options) { o.Address = "http://a/b" }, "is neither host:port"},
		"WithCredentials":  {func(o *Options) { o.Address = "http://a:b@c" }, "is neither host:port"},
		"NoRetention":      {func(o *Options) { o.Retention = 0 }, "the retention is 0s"},
		"NoStore":          {func(o *Options) { o.StoreBytes = -1 }, "the limit of the whole store is -1 bytes"},
		"NoShare":          {func(o *Options) { o.NamespaceBytes = -1 }, "the limit of one namespace is -1 bytes"},
		"ShareAboveAll":    {func(o *Options) { o.StoreBytes, o.NamespaceBytes = 10, 11 }, "it must not be above that"},
		"FewerThanNoBytes": {func(o *Options) { o.Bytes = -1 }, "the limit of one artifact is -1 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			made := options(t)
			_, err := New(made)
			check(t, err)
			test.change(&made)
			if _, err := New(made); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestNew_FolderThatCannotBeWrittenIsRefused: /proc refuses files to everybody.
func TestNew_FolderThatCannotBeWrittenIsRefused(t *testing.T) {
	made := options(t)
	made.Dir = "/proc"
	if _, err := New(made); err == nil || !strings.Contains(err.Error(), "/proc cannot be written") {
		t.Errorf("got %v", err)
	}
}
