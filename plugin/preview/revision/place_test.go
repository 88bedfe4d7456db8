package revision

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestFindMemory_OnlyWhereThereIsSome(t *testing.T) {
	t.Setenv("TMPDIR", "")
	if at := findMemory(t.TempDir() + "/nope"); at != (place{}) {
		t.Errorf("a folder that is not there: %+v", at)
	}
	free, is := freeMemory(sharedMemory)
	at := findMemory(sharedMemory)
	if roomy := is && free/2 >= leastMemory; roomy != (at.dir != "") || at.most > mostMemory || at.most > free {
		t.Errorf("%d bytes are free in %q: %+v", free, sharedMemory, at)
	}
	t.Setenv("TMPDIR", t.TempDir())
	if at := findMemory(sharedMemory); at != (place{}) {
		t.Errorf("the user names a folder: %+v", at)
	}
}

func TestClearBehind_RemovesWhatIsOldAndOurs(t *testing.T) {
	shared := t.TempDir()
	old := time.Now().Add(-2 * leftBehind)
	for name, when := range map[string]time.Time{folderPrefix + "old": old, folderPrefix + "new": time.Now(), "other-old": old} {
		check(t, os.MkdirAll(filepath.Join(shared, name, "1"), 0o700))
		check(t, os.Chtimes(filepath.Join(shared, name), when, when))
	}
	clearBehind(shared)
	found, err := os.ReadDir(shared)
	check(t, err)
	var names []string
	for _, each := range found {
		names = append(names, each.Name())
	}
	same(t, "what stays", names, []string{folderPrefix + "new", "other-old"})
	clearBehind(filepath.Join(shared, "nope"))
}

func TestOpen_FolderForTemporaryFilesThatIsNotThere(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	temporary := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(temporary, "nope"))
	_, err := Open(t.Context(), Options{Base: "HEAD", Dir: r.dir})
	silent(t, err, "no such file or directory", "TMPDIR")
	t.Setenv("TMPDIR", temporary)
	r.open("HEAD", "")
}

func TestAt_ManyAtOnce(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	r.commit(map[string]string{"a": "2"})
	pair := r.open("HEAD", "")
	sides := make([]*Side, 8)
	var work sync.WaitGroup
	for i := range sides {
		work.Go(func() { sides[i], _, _ = pair.At(t.Context(), first) })
	}
	work.Wait()
	for _, side := range sides {
		if side == nil || side != sides[0] {
			t.Errorf("%+v is not %+v", side, sides[0])
		}
	}
	holds(t, sides[0], map[string]string{"a": "1"})
}
