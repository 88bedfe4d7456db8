package revision

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func limited(t *testing.T, name string, most int64) plugin.Limits {
	t.Helper()
	limits, err := plugin.NewLimits(map[string]int64{name: most})
	check(t, err)
	return limits
}

// tree makes a tree object of entries that git would refuse to add, and a commit
// of it. Folders in names are not made.
func (r *repo) tree(entries map[string]string) string {
	r.t.Helper()
	var raw bytes.Buffer
	for name, object := range entries {
		mode := "100644"
		if kind := r.git("cat-file", "-t", object); kind == "tree" {
			mode = "40000"
		}
		fmt.Fprintf(&raw, "%s %s\x00", mode, name)
		for i := 0; i < len(object); i += 2 {
			var b byte
			_, err := fmt.Sscanf(object[i:i+2], "%02x", &b)
			check(r.t, err)
			raw.WriteByte(b)
		}
	}
	return r.pipe(raw.String(), "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
}

func (r *repo) commitTree(tree string) string { return r.git("commit-tree", "-m", "odd", tree) }

func TestOpen_OddNamesAreKept(t *testing.T) {
	isolate(t)
	if runtime.GOOS != "linux" {
		t.Skip("other systems refuse some of the names")
	}
	r := newRepo(t)
	odd := map[string]string{
		"with space": "1", "new\nline": "2", "<script>alert(1)</script>": "3", "tab\tand \"quote\"": "4", "invalid\xff\xfe": "5", `back\slash`: "6", "-rf": "7", "ünï/code": "8",
		"..dots": "9", "a..b/...": "10", "git": "11", ".gitignore": "12", ".github/x": "13", "git~2": "14", "\u202egnp": "15", " ": "16", "*": "17", ":(top)": "18",
	}
	first := r.commit(odd)
	pair := r.open(first, "")
	holds(t, pair.Base, odd)
	holds(t, pair.Head, odd)
	same(t, "changed", pair.Changed(), nil)
	r.write(map[string]string{"new\nline": "changed", "invalid\xff\xfe": ""})
	same(t, "changed", r.open(first, "").Changed(), []string{"invalid\xff\xfe", "new\nline"})
	same(t, "changed", r.open("./"+filepath.Base(r.dir)+"/../", "./").Changed(), nil)
}

func TestOpen_NamesThatGitChecksOutNowhereAreRefused(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	blob := r.git("rev-parse", "HEAD:a")
	inner := r.tree(map[string]string{"x": blob})
	for name, tree := range map[string]string{
		"..":        r.tree(map[string]string{"..": inner}),
		".":         r.tree(map[string]string{".": inner}),
		".git":      r.tree(map[string]string{".git": inner}),
		".GIT":      r.tree(map[string]string{".GIT": blob}),
		"git~1":     r.tree(map[string]string{"git~1": inner}),
		".git .":    r.tree(map[string]string{".git .": inner}),
		".git::$x":  r.tree(map[string]string{".git::$x": blob}),
		"/etc":      r.tree(map[string]string{"/etc": blob}),
		"../up":     r.tree(map[string]string{"../up": blob}),
		"a/../../b": r.tree(map[string]string{"a/../../b": blob}),
		"long":      r.tree(map[string]string{strings.Repeat("x", 256): blob}),
		"sub/.git":  r.tree(map[string]string{"sub": r.tree(map[string]string{".git": blob})}),
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			silent(t, r.fails("main", r.commitTree(tree)), "git checks no such tree out", "git fsck")
		})
	}
	r.t = t
	silent(t, r.fails("main", r.commitTree(r.tree(map[string]string{"": blob}))), "damaged", "git fsck") // git reads no such tree
	holds(t, r.open("main", r.commitTree(r.tree(map[string]string{"x": blob, "sub": inner}))).Head, map[string]string{"x": "1", "sub/x": "1"})
}

func TestOpen_DeepTreeIsRefused(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	tree := r.tree(map[string]string{"a": r.git("rev-parse", "HEAD:a")})
	for range deepest + 1 {
		tree = r.tree(map[string]string{"d": tree})
	}
	silent(t, r.fails("main", r.commitTree(tree)), "lies too deep")
}

func TestOpen_TreeThatNamesAPathTwiceIsRefused(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	outside := t.TempDir()
	blob, target := r.git("rev-parse", "HEAD:a"), r.pipe(outside, "hash-object", "-w", "--stdin")
	entry := func(mode, name, object string) string {
		raw := mode + " " + name + "\x00"
		for i := 0; i < len(object); i += 2 {
			var b byte
			_, err := fmt.Sscanf(object[i:i+2], "%02x", &b)
			check(t, err)
			raw += string([]byte{b})
		}
		return raw
	}
	inner := r.pipe(entry("100644", "x", blob), "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
	for _, raw := range []string{
		entry("120000", "s", target) + entry("40000", "s", inner), // a write through the link would reach outside
		entry("40000", "s", inner) + entry("120000", "s", target),
		entry("100644", "s", blob) + entry("100644", "s", blob),
	} {
		tree := r.pipe(raw, "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
		silent(t, r.fails("main", r.commitTree(tree)), "git checks no such tree out")
	}
	if found, err := os.ReadDir(outside); err != nil || len(found) != 0 {
		t.Errorf("something was written through a link: %v", found)
	}
}

func TestOpen_LinksAreKeptAndNeverFollowed(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	outside := filepath.Join(t.TempDir(), "secret")
	check(t, os.WriteFile(outside, []byte("secret"), 0o600))
	r.write(map[string]string{"a": "1", "target": outside})
	for name, target := range map[string]string{"out": outside, "up": "../../../../etc/passwd", "in": "a", "loop": "loop", "sub": ".", "nothing": "gone"} {
		check(t, os.Symlink(target, filepath.Join(r.dir, name)))
	}
	first := r.commit(nil)
	for _, side := range []*Side{r.open(first, "").Base, r.open(first, "").Head} {
		for name, target := range map[string]string{"out": outside, "up": "../../../../etc/passwd", "in": "a", "loop": "loop", "sub": ".", "nothing": "gone"} {
			if got, err := side.Root.Readlink(name); got != target || err != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		for _, name := range []string{"out", "up", "loop", "nothing"} {
			if content, err := side.Root.ReadFile(name); err == nil {
				t.Errorf("%s is read: %q", name, content)
			}
		}
		if content, err := side.Root.ReadFile("sub/in"); err != nil || string(content) != "1" {
			t.Errorf("a link inside: %q, %v", content, err)
		}
	}
	same(t, "changed", r.open(first, "").Changed(), nil)
}

func TestOpen_LinksThatNoSystemMakesAreRefused(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	for target, part := range map[string]string{"": "to nothing", "a\x00b": "zero byte", strings.Repeat("x", longestTarget+1): "too long a target"} {
		r.git("update-index", "--add", "--cacheinfo", "120000,"+r.pipe(target, "hash-object", "-w", "--stdin")+",link")
		silent(t, r.fails(first, r.git("commit-tree", "-m", "odd", r.git("write-tree"))), `"link"`, part)
	}
	r.git("update-index", "--add", "--cacheinfo", "120000,"+r.pipe(strings.Repeat("x", 200), "hash-object", "-w", "--stdin")+",link")
	r.open(first, r.git("commit-tree", "-m", "odd", r.git("write-tree")))
}

func TestOpen_SubmodulesAreEmptyAndTold(t *testing.T) {
	isolate(t)
	other := newRepo(t)
	other.commit(map[string]string{"x": "1"})
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	r.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", other.dir, "vendor/other")
	second := r.commit(nil)
	r.write(map[string]string{"nested/a": "1"})
	nested := &repo{t: t, dir: filepath.Join(r.dir, "nested")}
	nested.git("init", "-q", "-b", "main")
	nested.commit(nil)
	pair := r.open(first, "")
	same(t, "changed", pair.Changed(), []string{".gitmodules", "vendor/other"})
	for _, side := range []*Side{pair.Head, r.open(first, second).Head} {
		if info, err := side.Root.Stat("vendor/other"); err != nil || !info.IsDir() || side.Notes[0].Path != "vendor/other" || !strings.Contains(side.Notes[0].Reason, "submodule") {
			t.Errorf("%v, %+v", err, side.Notes)
		}
		if files := read(t, side); len(files) != 2 {
			t.Errorf("%q", files)
		}
	}
	if len(pair.Head.Notes) != 2 || pair.Head.Notes[1].Path != "nested" {
		t.Errorf("%+v", pair.Head.Notes)
	}
}

func TestOpen_FileBeyondTheLimitIsThereAndRefusedWhenRead(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	big := strings.Repeat("x", 1001)
	first := r.commit(map[string]string{"big": big, "copy": big, "small": big[:1000]})
	r.write(map[string]string{"big": big + "y"})
	pair := opened(t, Options{Base: first, Dir: r.dir, Limits: limited(t, "fileBytes", 1000)})
	for side, size := range map[*Side]int64{pair.Base: 1001, pair.Head: 1002} {
		if info, err := side.Root.Stat("big"); err != nil || info.Size() != size {
			t.Errorf("%v, %v", info, err)
		}
		if len(side.Notes) != 2 || side.Notes[0].Path != "big" || !strings.Contains(side.Notes[0].Reason, fmt.Sprint(size)) || side.Notes[1].Path != "copy" {
			t.Errorf("%+v", side.Notes)
		}
		if content, err := side.Root.ReadFile("small"); err != nil || len(content) != 1000 {
			t.Errorf("%v", err)
		}
	}
	same(t, "changed", pair.Changed(), []string{"big"})
}

func TestOpen_LimitsOfATree(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1234", "b": "1234", "d/c": "56"})
	folder := t.TempDir()
	(&repo{t: t, dir: folder}).write(map[string]string{"a": "1234", "b": "1234", "d/c": "56"})
	for _, test := range []struct {
		limit  string
		enough int64
	}{{"revisionFiles", 5}, {"revisionBytes", 6}, {"revisions", 2}} {
		for _, options := range []Options{{Base: first, Head: first, Dir: r.dir}, {Base: first, Dir: r.dir}, {Base: folder, Head: folder}} {
			options.Limits = limited(t, test.limit, test.enough)
			opened(t, options)
			options.Limits = limited(t, test.limit, test.enough-1)
			silent(t, fails(t, options), fmt.Sprintf("limit %s of %d", test.limit, test.enough-1), "spec.limits."+test.limit)
		}
	}
}

func TestOpen_EqualFilesTakeRoomOnce(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "same", "d/b": "same"})
	pair := r.open(first, "")
	one, err := pair.Base.Root.Stat("a")
	check(t, err)
	for _, side := range []*Side{pair.Base, pair.Head} {
		for _, name := range []string{"a", "d/b"} {
			if other, err := side.Root.Stat(name); err != nil || !os.SameFile(one, other) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if one.Mode().Perm()&0o222 != 0 {
		t.Errorf("it may be written to: %v", one.Mode())
	}
}

func TestShare_WithoutLinksIsACopy(t *testing.T) {
	isolate(t)
	keep, err := newStore(place{}, plugin.DefaultLimits())
	check(t, err)
	defer func() { check(t, keep.close()) }()
	made, err := keep.begin("x")
	check(t, err)
	check(t, made.write("1/a", "object", []byte("content")))
	check(t, os.Rename(filepath.Join(keep.dir, "1", "a"), filepath.Join(keep.dir, "1", "moved")))
	if err := made.share("1/b", "object"); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is gone is shared: %v", err)
	}
	check(t, os.Rename(filepath.Join(keep.dir, "1", "moved"), filepath.Join(keep.dir, "1", "a")))
	check(t, os.WriteFile(filepath.Join(keep.dir, "1", "c"), nil, 0o600))
	if made.share("1/c", "object") == nil {
		t.Error("a file is written over")
	}
	check(t, made.share("1/b", "object"))
	side, err := made.finish(Side{})
	check(t, err)
	defer func() { check(t, side.Root.Close()) }()
	if got := read(t, side); !maps.Equal(got, map[string]string{"a": "content", "b": "content", "c": ""}) {
		t.Errorf("%q", got)
	}
}
