package tree

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpen_TreeHoldsFilesAndFoldersReadOnly also holds for names that look
// like tricks and are none.
func TestOpen_TreeHoldsFilesAndFoldersReadOnly(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	opened := open(t, store, server.add(pack(t,
		one{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "abc"}}, ""},
		aFolder("."), aFolder("apps/"), aFile("apps/a.yaml", "a: 1\n"), aFile("./charts/x/Chart.yaml", "name: x\n"), aFolder("apps"),
		aFile("..data", "dots"), aFile("a..b/c", "dots"), aFile("empty", ""), aFile("ünïcode", "u"), aFile("with space", "s"),
		aLink("apps/inside", "../empty"), aFile("run.sh", "#!"),
	)))
	defer opened.Close()
	want := map[string]string{
		"apps/": "", "apps/a.yaml": "a: 1\n", "charts/": "", "charts/x/": "", "charts/x/Chart.yaml": "name: x\n", "..data": "dots", "a..b/": "", "a..b/c": "dots",
		"empty": "", "ünïcode": "u", "with space": "s", "run.sh": "#!",
	}
	if got := read(t, opened); !maps.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	check(t, fs.WalkDir(opened.Root().FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		info, infoErr := entry.Info()
		check(t, infoErr)
		if info.Mode().Perm()&0o222 != 0 {
			t.Errorf("%s may be written: %s", name, info.Mode())
		}
		return err
	}))
}

// TestOpen_ChartArchiveIsATree is a HelmChart's artifact: one folder.
func TestOpen_ChartArchiveIsATree(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	opened := open(t, store, server.add(pack(t, aFile("web/Chart.yaml", "name: web\n"), aFile("web/templates/a.yaml", "kind: A\n"))))
	defer opened.Close()
	if got := read(t, opened); got["web/Chart.yaml"] != "name: web\n" || got["web/templates/a.yaml"] != "kind: A\n" {
		t.Errorf("got %q", got)
	}
}

// TestOpen_TricksAreDeniedByName: each archive holds one bad entry beside a
// good one, and each has a twin that differs in that entry alone.
func TestOpen_TricksAreDeniedByName(t *testing.T) {
	good := aFile("apps/a.yaml", "a: 1\n")
	for name, test := range map[string]struct {
		bad, twin []one
		says      string
	}{
		"ParentFolder":      {[]one{aFile("../x", "")}, []one{aFile("x", "")}, `"../x" leads out of the tree`},
		"ParentInside":      {[]one{aFile("apps/../x", "")}, []one{aFile("apps/x", "")}, `"apps/../x" leads out of the tree`},
		"ParentAtEnd":       {[]one{aFolder("apps/..")}, []one{aFolder("apps/b")}, `"apps/.." leads out of the tree`},
		"Absolute":          {[]one{aFile("/etc/x", "")}, []one{aFile("etc/x", "")}, `"/etc/x" is an absolute path`},
		"Backslash":         {[]one{aFile(`..\x`, "")}, []one{aFile("x", "")}, "has a backslash"},
		"LinkAbsolute":      {[]one{aLink("l", "/etc/passwd")}, []one{aLink("l", "apps/a.yaml")}, `"l" is a symbolic link out of the tree, to "/etc/passwd"`},
		"LinkOut":           {[]one{aLink("apps/l", "../../x")}, []one{aLink("apps/l", "../x")}, `"apps/l" is a symbolic link out of the tree, to "../../x"`},
		"LinkOutDownAndUp":  {[]one{aLink("l", "apps/../../x")}, []one{aLink("l", "apps/../x")}, "is a symbolic link out of the tree"},
		"BelowLink":         {[]one{aLink("l", "apps"), aFile("l/x", "")}, []one{aLink("l", "apps"), aFile("m/x", "")}, `"l/x" lies below an entry that is not a folder`},
		"InPlaceOfLink":     {[]one{aLink("l", "apps"), aFile("l", "")}, []one{aLink("l", "apps"), aFile("m", "")}, `"l" stands in it twice`},
		"HardLink":          {[]one{{tar.Header{Name: "h", Typeflag: tar.TypeLink, Linkname: "apps/a.yaml"}, ""}}, []one{aFile("h", "")}, `"h" is a hard link`},
		"CharacterDevice":   {[]one{{tar.Header{Name: "d", Typeflag: tar.TypeChar}, ""}}, []one{aFile("d", "")}, `"d" is neither`},
		"BlockDevice":       {[]one{{tar.Header{Name: "d", Typeflag: tar.TypeBlock}, ""}}, []one{aFile("d", "")}, `"d" is neither`},
		"NamedPipe":         {[]one{{tar.Header{Name: "p", Typeflag: tar.TypeFifo}, ""}}, []one{aFile("p", "")}, `"p" is neither`},
		"Duplicate":         {[]one{aFile("apps/a.yaml", "a: 2\n")}, []one{aFile("apps/b.yaml", "a: 2\n")}, `"apps/a.yaml" stands in it twice`},
		"DuplicateSpelt":    {[]one{aFile("./apps//a.yaml", "a: 2\n")}, []one{aFile("./apps//b.yaml", "a: 2\n")}, "stands in it twice"},
		"FileIsFolder":      {[]one{aFile("apps", "")}, []one{aFile("app", "")}, `"apps" stands in it twice`},
		"FolderIsFile":      {[]one{aFile("apps/a.yaml/x", "")}, []one{aFile("apps/a/x", "")}, "lies below an entry that is not a folder"},
		"RootIsFile":        {[]one{aFile(".", "")}, []one{aFolder(".")}, `"." stands in it twice`},
		"Case":              {[]one{aFile("apps/A.yaml", "")}, []one{aFile("apps/B.yaml", "")}, `"apps/A.yaml" differs from "apps/a.yaml" in upper and lower case alone`},
		"CaseOfFolder":      {[]one{aFile("Apps/b.yaml", "")}, []one{aFile("apps/b.yaml", "")}, "in upper and lower case alone"},
		"CaseBeyondASCII":   {[]one{aFile("ſ", ""), aFile("s", "")}, []one{aFile("ſ", ""), aFile("t", "")}, "in upper and lower case alone"},
		"NewLine":           {[]one{aFile("a\nb", "")}, []one{aFile("a b", "")}, `"a\nb" has control characters`},
		"Escape":            {[]one{aFile("a\x1b[31m", "")}, []one{aFile("a[31m", "")}, "has control characters"},
		"RightToLeft":       {[]one{aFile("a\u202eb", "")}, []one{aFile("ab", "")}, "has control characters"},
		"NotUTF8":           {[]one{aFile("a\xff", "")}, []one{aFile("aÿ", "")}, "is not UTF-8"},
		"LongName":          {[]one{aFile(strings.Repeat("a", 256), "")}, []one{aFile(strings.Repeat("a", 255), "")}, "has too long a name"},
		"Deep":              {[]one{aFile(strings.Repeat("a/", 201)+"x", "")}, []one{aFile(strings.Repeat("a/", 200)+"x", "")}, "lies too deep"},
		"NothingButFolders": {nil, []one{aFolder("apps")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, store := newFileServer(t), newStore(t, nil)
			opened := open(t, store, server.add(pack(t, append([]one{good}, test.twin...)...)))
			if read(t, opened)["apps/a.yaml"] != "a: 1\n" {
				t.Error("the twin is not whole")
			}
			opened.Close()
			if test.bad == nil {
				refused(t, fails(t, store, server.add(pack(t, test.twin...))), ruleArchive, "it holds no file")
				return
			}
			refused(t, fails(t, store, server.add(pack(t, append([]one{good}, test.bad...)...))), ruleArchive, test.says)
			if left := onDisk(t, store); len(left) != 1 {
				t.Errorf("the twin alone should lie on disk: %q", left)
			}
		})
	}
}

// TestOpen_BrokenArchiveIsDenied: the digest is right, so that a retry changes
// nothing.
func TestOpen_BrokenArchiveIsDenied(t *testing.T) {
	whole := tarOf(t, aFile("a", strings.Repeat("content ", 1000)), aFile("b", "x"))
	for name, test := range map[string]struct {
		content []byte
		says    string
	}{
		"Empty":            {[]byte{}, "it is not compressed by gzip"},
		"NotGzip":          {whole, "it is not compressed by gzip"},
		"NotTar":           {zip(t, []byte(strings.Repeat("no tar ", 500))), "it is not a whole tar archive"},
		"EmptyTar":         {pack(t), "it holds no file"},
		"EmptyGzip":        {zip(t, nil), "it holds no file"},
		"CutWithinTar":     {zip(t, whole[:1000]), `"a" is not whole`},
		"CutGzip":          {zip(t, whole)[:40], "is not"},
		"WrongChecksum":    {broken(zip(t, whole)), "it is broken behind its last entry"},
		"SecondArchive":    {append(zip(t, whole), zip(t, tarOf(t, aFile("c", "")))...), "something follows the end"},
		"GarbageAtEnd":     {append(zip(t, whole), "garbage"...), "it is broken behind its last entry"},
		"SparseByItsNames": {zip(t, sparse(t)), "is a sparse file"},
	} {
		t.Run(name, func(t *testing.T) {
			server, store := newFileServer(t), newStore(t, nil)
			refused(t, fails(t, store, server.add(test.content)), ruleArchive, test.says)
			nothingLeft(t, store)
			open(t, store, server.add(append(zip(t, whole), zip(t, make([]byte, 512))...))).Close()
		})
	}
}

// broken changes gzip's checksum.
func broken(packed []byte) []byte {
	packed[len(packed)-8] ^= 1
	return packed
}

// sparse is an archive whose one file has a megabyte of which nothing is there.
func sparse(t *testing.T) []byte {
	var raw bytes.Buffer
	writer := tar.NewWriter(&raw)
	check(t, writer.WriteHeader(&tar.Header{Name: "x", Typeflag: tar.TypeReg, Size: 4, Format: tar.FormatPAX, PAXRecords: map[string]string{"VENDOR.sparse.majorx": "1"}}))
	_, err := io.WriteString(writer, "0\n\n\n")
	check(t, err)
	check(t, writer.Close())
	return bytes.Replace(raw.Bytes(), []byte("VENDOR.sparse.majorx=1"), []byte("GNU.sparse.name=xyzzy\x0a"[:22]), 1)
}

func TestOpen_TooManyFilesAreDenied(t *testing.T) {
	server, store := newFileServer(t), newStore(t, func(o *Options) { o.Limits.Files = 3 })
	open(t, store, server.add(pack(t, aFile("a", ""), aFile("b", ""), aFolder("c")))).Close()
	refused(t, fails(t, store, server.add(pack(t, aFile("a", ""), aFile("b", ""), aFolder("c"), aFile("d", "")))), ruleLimit, "more than 3 files and folders")
}

func TestOpen_TooManyBytesAreDenied(t *testing.T) {
	server, store := newFileServer(t), newStore(t, func(o *Options) { o.Limits.UnpackedBytes = 8192 })
	open(t, store, server.add(pack(t, aFile("a", strings.Repeat("a", 6000))))).Close()
	refused(t, fails(t, store, server.add(pack(t, aFile("a", strings.Repeat("a", 7600))))), ruleLimit, "more than 8192 bytes when it is unpacked")
	refused(t, fails(t, store, server.add(pack(t, aFile("a", strings.Repeat("a", 1<<20))))), ruleLimit, "more than 8192 bytes when it is unpacked")
}

// TestOpen_GzipBombIsDeniedByItsRatio long before the limit of bytes.
func TestOpen_GzipBombIsDeniedByItsRatio(t *testing.T) {
	bomb := pack(t, aFile("a", strings.Repeat("\x00", 40<<20)))
	server, store := newFileServer(t), newStore(t, nil)
	refused(t, fails(t, store, server.add(bomb)), ruleLimit, "times its packed length")
	nothingLeft(t, store)
	wide := newStore(t, func(o *Options) { o.Limits.Ratio = 2000 })
	open(t, wide, server.add(bomb)).Close()
}

// TestOpen_RefusedArtifactIsNotFetchedAgain as its bytes are what its digest
// says.
func TestOpen_RefusedArtifactIsNotFetchedAgain(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	bad := server.add(pack(t, aFile("../x", "")))
	for range 5 {
		refused(t, fails(t, store, bad), ruleArchive, "leads out of the tree")
	}
	if got := server.requests.Load(); got != 1 {
		t.Errorf("%d requests", got)
	}
}

// full is a disk that is full after some bytes.
type full struct {
	io.WriteCloser
	left int
}

func (f *full) Write(content []byte) (int, error) {
	if f.left -= len(content); f.left < 0 {
		return 0, &fs.PathError{Op: "write", Path: "/made/up/name", Err: syscall.ENOSPC}
	}
	return f.WriteCloser.Write(content)
}

// TestOpen_FullDiskIsNoAnswer while fetching and while unpacking; nothing is
// left, and it heals.
func TestOpen_FullDiskIsNoAnswer(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	artifact := server.add(pack(t, aFile("apps/a.yaml", strings.Repeat("a", 100_000)), aFile("b", "b")))
	for _, at := range []string{"packed", "apps/a.yaml", "b"} {
		store.create = func(into *os.Root, name string) (io.WriteCloser, error) {
			made, err := createReadOnly(into, name)
			if filepath.Base(name) == filepath.Base(at) {
				return &full{WriteCloser: made}, err
			}
			return made, err
		}
		err := fails(t, store, artifact)
		unanswered(t, err, syscall.ENOSPC.Error())
		if strings.Contains(err.Error(), "made/up") {
			t.Errorf("%v names a file of the store", err)
		}
		nothingLeft(t, store)
	}
	store.create = createReadOnly
	open(t, store, artifact).Close()
}

// TestOpen_UnwritableStoreIsNoAnswer.
func TestOpen_UnwritableStoreIsNoAnswer(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	store.create = func(*os.Root, string) (io.WriteCloser, error) {
		return nil, &fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}
	}
	unanswered(t, fails(t, store, server.add(pack(t, aFile("a", "")))), syscall.EROFS.Error())
	nothingLeft(t, store)
}

// FuzzUnpack writes nothing outside of its folder and stays within its bounds.
func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, aFile("a/b", "c"), aLink("l", "../x"), aFile("d", "")))
	f.Add(pack(f, aLink("l", "/etc"), aFile("l/x", "y")))
	f.Add(pack(f, aFile("../x", "y")))
	f.Add(pack(f, aFile("a", strings.Repeat("a", 1<<17))))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		parent := t.TempDir()
		inside := filepath.Join(parent, "tree")
		check(t, os.Mkdir(inside, 0o755))
		root, err := os.OpenRoot(inside)
		check(t, err)
		defer func() { _ = root.Close() }()
		var room int64
		limits := DefaultLimits()
		limits.Files, limits.UnpackedBytes = 100, 1<<16
		u := &unpacking{into: root, limits: limits, packed: int64(len(data)), create: createReadOnly, take: func(bytes int64) error {
			room += bytes
			return nil
		}}
		_ = u.run(t.Context(), bytes.NewReader(data))
		entries, err := os.ReadDir(parent)
		check(t, err)
		if len(entries) != 1 {
			t.Errorf("written outside: %v", entries)
		}
		var total int64
		check(t, filepath.WalkDir(inside, func(name string, entry fs.DirEntry, err error) error {
			info, infoErr := entry.Info()
			if err != nil || infoErr != nil || !info.Mode().IsRegular() && !info.IsDir() {
				t.Errorf("%s: %v %v", name, info, err)
				return err
			}
			if info.Mode().IsRegular() {
				total += info.Size()
			}
			return nil
		}))
		if total > 1<<16 || total > room {
			t.Errorf("%d bytes were written in a room of %d", total, room)
		}
	})
}
