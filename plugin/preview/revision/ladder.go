package revision

import (
	"os"
	"path"
	"strings"
)

// ladder keeps the folders on the way down to one folder open: files are
// visited in the order of their paths, and going down from the top for each
// takes several times as long.
type ladder struct {
	base  *os.Root
	steps []step
}

type step struct {
	folder string // slash-separated, from the base
	root   *os.Root
}

// at is a folder below the base; nil when a part of the way is no folder, also
// when it is a link to one: what lies behind a link is not the tree's. It lasts
// until the next call.
func (l *ladder) at(folder string) (*os.Root, error) {
	for len(l.steps) > 0 && !within(folder, l.steps[len(l.steps)-1].folder) {
		l.up()
	}
	root, rest := l.base, folder
	if last := len(l.steps) - 1; last >= 0 {
		root, rest = l.steps[last].root, strings.TrimPrefix(folder[len(l.steps[last].folder):], "/")
	}
	if rest == "" || rest == "." {
		return root, nil
	}
	for part := range strings.SplitSeq(rest, "/") {
		info, err := root.Lstat(part)
		if err != nil || !info.IsDir() {
			return nil, err //nolint:wrapcheck // the caller names the file
		}
		down, err := root.OpenRoot(part)
		if err != nil {
			return nil, err //nolint:wrapcheck // the caller names the file
		}
		l.steps = append(l.steps, step{folder: path.Join(l.folder(), part), root: down})
		root = down
	}
	return root, nil
}

func (l *ladder) folder() string {
	if len(l.steps) == 0 {
		return ""
	}
	return l.steps[len(l.steps)-1].folder
}

func (l *ladder) up() {
	last := len(l.steps) - 1
	_ = l.steps[last].root.Close()
	l.steps = l.steps[:last]
}

// close closes what is open but the base.
func (l *ladder) close() {
	for len(l.steps) > 0 {
		l.up()
	}
}

func within(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}
