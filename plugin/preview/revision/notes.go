package revision

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Note is a part of a side that is there and is not what a checkout would have.
type Note struct {
	// Path is slash-separated and relative to the side; empty when it is about the
	// side as a whole.
	Path string
	// Reason says what is so, and Hint what to do.
	Reason, Hint string
}

// mostNotes bounds the notes of one side.
const mostNotes = 500

type notes struct {
	kept []Note
	more int
}

func (n *notes) add(note Note) {
	if len(n.kept) == mostNotes {
		n.more++
		return
	}
	n.kept = append(n.kept, note)
}

func (n *notes) list() []Note {
	if n.more == 0 {
		return n.kept
	}
	return append(n.kept, Note{Reason: fmt.Sprintf("%d more notes of this kind are left out", n.more)})
}

// describe notes what is particular about an entry.
func (d *draft) describe(one entry) {
	size, large := d.store.large[one.object]
	_, stands := d.store.pointers[one.object]
	switch {
	case one.kind == submodule:
		d.notes.add(Note{Path: one.path, Reason: fmt.Sprintf("a submodule, which is another repository, at %.12s: its folder is empty here", one.object), Hint: "compare revisions of that repository on its own"})
	case one.kind == link:
	case large:
		d.notes.add(Note{
			Path: one.path, Reason: fmt.Sprintf("a file of %d bytes, beyond the limit fileBytes of %d: what reads it is refused", size, d.store.limits.FileBytes),
			Hint: "raise spec.limits.fileBytes in the gate if it is deployed",
		})
	case stands:
		d.notes.add(Note{Path: one.path, Reason: "a pointer of Git LFS, read as it is: the file that it stands for is not in the repository", Hint: "keep what is deployed out of LFS"})
	}
}

// pointer is what a pointer of Git LFS stands for.
type pointer struct {
	// hash is a SHA-256 in hex.
	hash string
	size int64
}

// longestPointer is the greatest size of a pointer, in bytes (git-lfs, spec).
const longestPointer = 1024

var pointerLines = regexp.MustCompile(`(?m)^oid sha256:([0-9a-f]{64})$\n^size ([0-9]{1,18})$`)

// parsePointer reads a pointer of Git LFS (git-lfs, docs/spec.md).
func parsePointer(content []byte) (pointer, bool) {
	if len(content) >= longestPointer || !strings.HasPrefix(string(content[:min(len(content), 50)]), "version https://git-lfs.github.com/spec/v1\n") {
		return pointer{}, false
	}
	parts := pointerLines.FindStringSubmatch(string(content))
	if parts == nil {
		return pointer{}, false
	}
	size, err := strconv.ParseInt(parts[2], 10, 64)
	return pointer{hash: parts[1], size: size}, err == nil
}

// longestTarget is what Linux takes as a symbolic link's target, in bytes.
const longestTarget = 4095

// mistargeted says what is wrong with the target of a symbolic link. One that
// leads out of the tree is kept: whoever follows it is refused.
func mistargeted(target string) string {
	switch {
	case target == "":
		return "is a symbolic link to nothing"
	case len(target) > longestTarget:
		return "is a symbolic link with too long a target"
	case strings.ContainsRune(target, 0):
		return "is a symbolic link with a zero byte in its target"
	}
	return ""
}
