package main

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestLockCheck_ChangesNameTheImage(t *testing.T) {
	lock := func(entries ...string) plugin.Lock {
		var l plugin.Lock
		for i := 0; i < len(entries); i += 2 {
			l.Images = append(l.Images, plugin.LockedImage{Image: entries[i], Digest: entries[i+1]})
		}
		return l
	}
	have := lock("gone", "1", "moved", "2", "same", "3")
	var out strings.Builder
	locks{want: lock("moved", "4", "new", "5", "same", "3"), have: &have}.printChanges(&out)
	const want = "gone is no longer used\n  was 1\nmoved has moved\n  was 2\n  now 4\nnew is not in the file\n  now 5\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	out.Reset()
	locks{want: have, have: &have}.printChanges(&out)
	if out.Len() > 0 {
		t.Errorf("nothing has changed, yet:\n%s", out.String())
	}
}
