package revision

import (
	"strings"
	"testing"
)

func TestMisnamed(t *testing.T) {
	for name, wrong := range map[string]bool{
		"a": false, "a/b": false, "...": false, "a..": false, ".gitx": false, "git~": false, "": true, "/": true, "/a": true, "a/": true, "a//b": true, "a\x00b": true, "./a": true, "a/.": true,
		"a/../b": true, "..": true, "a/.Git/b": true, "GIT~1": true, ".git...": true, strings.Repeat("a/", deepest+1) + "a": true, strings.Repeat("a", longestName): false, strings.Repeat("a", longestName+1): true,
	} {
		if problem := misnamed(name); (problem != "") != wrong {
			t.Errorf("%.50q: %q", name, problem)
		}
	}
}

func TestNotes_AreBoundedAndSayHowManyThereAre(t *testing.T) {
	var many notes
	for range mostNotes + 3 {
		many.add(Note{Path: "x"})
	}
	if list := many.list(); len(list) != mostNotes+1 || !strings.HasPrefix(list[mostNotes].Reason, "3 more") {
		t.Errorf("%d: %+v", len(list), list[len(list)-1])
	}
}
