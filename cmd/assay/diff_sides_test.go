package main

import (
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/revision"
)

func TestAbsent_NotesOfOneReasonAreToldTogether(t *testing.T) {
	var notes []revision.Note
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		notes = append(notes, revision.Note{Path: name, Reason: "a pointer"})
	}
	got := absent(append(notes, revision.Note{Path: "sub", Reason: "a submodule", Hint: "look there"}))
	if len(got) != 2 || got[0].What != "a, b, c, d, e and 2 more" || got[1].What != "sub" || got[1].Hint != "look there" || got[1].Origin.File != "sub" {
		t.Errorf("%+v", got)
	}
}
