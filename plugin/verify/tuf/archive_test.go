package tuf_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/tuf"
)

// packed is a file of an archive.
type packed struct {
	name string
	kind byte
	data []byte
}

// tarOf is a tar of files, with the end that it has when it is whole.
func tarOf(t *testing.T, files ...packed) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	for _, file := range files {
		header := &tar.Header{Name: file.name, Typeflag: file.kind, Mode: 0o644, Size: int64(len(file.data))}
		if file.kind == tar.TypeSymlink {
			header.Linkname = "/etc/passwd"
		}
		if err := writer.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(file.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	if _, err := writer.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func encoded(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// filesOf are a repository's, below a folder, sorted.
func filesOf(r *repository, folder string) []packed {
	all := r.Files()
	var files []packed
	for _, name := range slices.Sorted(maps.Keys(all)) {
		files = append(files, packed{folder + name, tar.TypeReg, all[name]})
	}
	return files
}

// fromArchive reads a repository out of an archive.
func fromArchive(t *testing.T, r *repository, text string, limits plugin.Limits) (*tuf.Copy, error) {
	t.Helper()
	archive, err := tuf.NewArchive(text, limits)
	if err != nil {
		return nil, err
	}
	return tuf.Update(t.Context(), archive, r.mirror(), nil, time.Now())
}

func TestArchive_HoldsARepositoryBelowItsFolderOrAtTheTop(t *testing.T) {
	r := newRepository(t, "one")
	if err := r.Rotate("root"); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"repository/", "", "./", "./repository/"} {
		files := append([]packed{{"repository/", tar.TypeDir, nil}, {"repository/link", tar.TypeSymlink, nil}}, filesOf(r, folder)...)
		made, err := fromArchive(t, r, encoded(zipped(t, tarOf(t, files...))), plugin.DefaultLimits())
		if err != nil || string(made.TrustedRoot) != "one" || made.Versions["root"] != 2 {
			t.Errorf("below %q: %v, %v", folder, made, err)
		}
	}
}

func TestArchive_BadOnesAreRefusedWhole(t *testing.T) {
	r := newRepository(t, "one")
	good := filesOf(r, "repository/")
	with := func(more ...packed) string {
		return encoded(zipped(t, tarOf(t, append(slices.Clone(good), more...)...)))
	}
	whole := tarOf(t, good...)
	packedWhole := zipped(t, whole)
	limits := plugin.DefaultLimits()
	limits.ArchiveBytes, limits.ArchiveFiles = 256<<10, 32
	var many []packed
	for i := range 40 {
		many = append(many, packed{fmt.Sprintf("repository/%d", i), tar.TypeReg, nil})
	}
	for name, test := range map[string]struct{ text, want string }{
		"whole (twin)":                  {with(), ""},
		"another file (twin)":           {with(packed{"repository/README", tar.TypeReg, nil}), ""},
		"no base64":                     {"<html>", "it is no base64"},
		"nothing":                       {"", "it is no gzip"},
		"no gzip":                       {encoded(whole), "it is no gzip"},
		"no tar":                        {encoded(zipped(t, bytes.Repeat([]byte("x"), 1024))), "it is no tar"},
		"the end of the gzip cut off":   {encoded(packedWhole[:len(packedWhole)-4]), "it is not whole"},
		"half of the gzip":              {encoded(packedWhole[:len(packedWhole)/2]), "it is not whole"},
		"the tar cut within a file":     {encoded(zipped(t, whole[:600])), "not whole"},
		"the tar cut within a head":     {encoded(zipped(t, whole[:300])), "not whole"},
		"a way out":                     {with(packed{"../2.root.json", tar.TypeReg, nil}), `"../2.root.json", which is no path in the repository`},
		"a way out and in":              {with(packed{"repository/../../repository/2.root.json", tar.TypeReg, nil}), "no path in the repository"},
		"a path from the top":           {with(packed{"/etc/passwd", tar.TypeReg, nil}), "no path in the repository"},
		"a file twice":                  {with(packed{"repository/timestamp.json", tar.TypeReg, nil}), "timestamp.json twice"},
		"a file twice, in both places":  {with(packed{"timestamp.json", tar.TypeReg, nil}), "timestamp.json twice"},
		"a bomb":                        {with(packed{"repository/zero", tar.TypeReg, make([]byte, 1<<20)}), "larger than 262144 bytes (limit archiveBytes)"},
		"a bomb at the edge of a block": {encoded(zipped(t, append(whole[:len(whole)-1024], make([]byte, 1<<20)...))), "limit archiveBytes"},
		"many files":                    {with(many...), "more than 32 files (limit archiveFiles)"},
		"no file":                       {encoded(zipped(t, tarOf(t))), "reading its timestamp"},
	} {
		made, err := fromArchive(t, r, test.text, limits)
		switch {
		case test.want == "":
			if err != nil || string(made.TrustedRoot) != "one" {
				t.Errorf("%s: %v, %v", name, made, err)
			}
		case err == nil || !strings.Contains(err.Error(), test.want) || made != nil:
			t.Errorf("%s: %v, %v; want %q", name, made, err, test.want)
		}
	}
}

func TestArchive_OfAnotherRootIsRefused(t *testing.T) {
	r, other := newRepository(t, "one"), newRepository(t, "one")
	text := encoded(zipped(t, tarOf(t, filesOf(other, "repository/")...)))
	if made, err := fromArchive(t, r, text, plugin.DefaultLimits()); err == nil || !strings.Contains(err.Error(), "reading its timestamp") {
		t.Errorf("%v, %v", made, err)
	}
	if made, err := fromArchive(t, other, text, plugin.DefaultLimits()); err != nil || string(made.TrustedRoot) != "one" {
		t.Errorf("twin: %v, %v", made, err)
	}
}

// A file of an archive is no larger than the same file of a mirror may be.
func TestArchive_ALargeFileIsRefused(t *testing.T) {
	r := newRepository(t, "one")
	archive, err := tuf.NewArchive(encoded(zipped(t, tarOf(t, filesOf(r, "")...))), plugin.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(r.Files()["timestamp.json"]))
	if _, err := archive.File(t.Context(), "timestamp.json", size); err != nil {
		t.Errorf("twin: %v", err)
	}
	if _, err := archive.File(t.Context(), "timestamp.json", size-1); err == nil || !strings.Contains(err.Error(), "is larger than") {
		t.Errorf("%v", err)
	}
}
