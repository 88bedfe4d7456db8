package revision

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// kind is what stands under a name of a tree.
type kind byte

const (
	file kind = iota + 1
	link
	submodule
)

// entry is one file of a side.
type entry struct {
	path string
	kind kind
	// object is the hash of its blob in hex, or of the submodule's commit.
	object string
}

// mostNames bounds the names of one tree together, in bytes.
const mostNames = 128 << 20

// listCommit reads the tree of a commit.
func (r *repository) listCommit(ctx context.Context, commit, side string, limits plugin.Limits) ([]entry, error) {
	var entries []entry
	err := r.git.stream(ctx, nil, func(answer *bufio.Reader) error {
		return records(answer, func(record string) error {
			one, err := parseTreeEntry(record)
			if err != nil {
				return err
			}
			if entries = append(entries, one); int64(len(entries)) > limits.RevisionFiles {
				return overLimit(side, "revisionFiles", limits.RevisionFiles)
			}
			return nil
		})
	}, "ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit)
	return entries, err
}

// records reads what ends in zero bytes.
func records(answer *bufio.Reader, take func(record string) error) error {
	total := 0
	for {
		record, err := answer.ReadString(0)
		if errors.Is(err, io.EOF) && record == "" {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading what git lists: %w", whole(err))
		}
		if total += len(record); total > mostNames {
			return fmt.Errorf("git lists names of more than %d bytes", mostNames)
		}
		if err := take(record[:len(record)-1]); err != nil {
			return err
		}
	}
}

// whole says that what ends was not all.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseTreeEntry reads "mode SP type SP object TAB path" (git-ls-tree).
func parseTreeEntry(record string) (entry, error) {
	head, name, found := strings.Cut(record, "\t")
	fields := strings.Fields(head)
	if !found || len(fields) != 3 {
		return entry{}, fmt.Errorf("git ls-tree answers %.200q", record)
	}
	as, err := kindOf(fields[0])
	return entry{path: name, kind: as, object: fields[2]}, err
}

// kindOf reads a mode. Whether a file may be executed changes nothing.
func kindOf(mode string) (kind, error) {
	switch {
	case strings.HasPrefix(mode, "100"):
		return file, nil
	case mode == "120000":
		return link, nil
	case mode == "160000":
		return submodule, nil
	}
	return 0, fmt.Errorf("git lists an entry of the unknown mode %.20q", mode)
}

// differing are the paths that two sides do not have in common, sorted.
func differing(base, head []entry) []string {
	before := make(map[string]entry, len(base))
	for _, one := range base {
		before[one.path] = one
	}
	var paths []string
	for _, one := range head {
		if before[one.path] != one {
			paths = append(paths, one.path)
		}
		delete(before, one.path)
	}
	for name := range before {
		paths = append(paths, name)
	}
	slices.Sort(paths)
	return paths
}
