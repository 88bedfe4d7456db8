package render

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

const (
	// exhaustedFor is how long a rendering that went over its time or memory is
	// answered without another try.
	exhaustedFor = 5 * time.Minute
	// maxExhausted bounds how many are remembered.
	maxExhausted = 1000
)

// exhausted remembers renderings that went over their time or memory, for some
// minutes: the platform asks again and again, and every time such a source
// would hold a worker until its limit. A rendering that never ended has no list
// of what it read, so the whole tree counts.
type exhausted struct {
	clock func() time.Time

	mu      sync.Mutex
	byInput map[string]exhaustion
}

// exhaustion is the last one of an input.
type exhaustion struct {
	tree    string
	until   time.Time
	refusal plugin.Refusal
}

func newExhausted(clock func() time.Time) *exhausted {
	if clock == nil {
		clock = time.Now
	}
	return &exhausted{clock: clock, byInput: map[string]exhaustion{}}
}

// find is the refusal of the same source, nil when there is none. Only a
// source with one has its tree read.
func (e *exhausted) find(source plugin.Source) error {
	input := inputKey(source)
	e.mu.Lock()
	known, found := e.byInput[input]
	e.mu.Unlock()
	if !found || !e.clock().Before(known.until) || source.Root == nil || source.Rendered != nil || len(source.Overlay) > 0 {
		return nil
	}
	refusal := known.refusal
	if tree, err := treeKey(source.Root); err == nil && tree == known.tree {
		return &refusal
	}
	return nil // what cannot be told to be the same is rendered
}

// keep remembers a refusal; a tree that cannot be read whole is rendered again.
func (e *exhausted) keep(source plugin.Source, err error) {
	var refusal *plugin.Refusal
	input := inputKey(source)
	if !errors.As(err, &refusal) || refusal.Rule != ruleLimit || input == "" || source.Root == nil || source.Rendered != nil || len(source.Overlay) > 0 {
		return
	}
	tree, err := treeKey(source.Root)
	if err != nil {
		return
	}
	now := e.clock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.byInput[input]; !known && len(e.byInput) >= maxExhausted {
		e.makeRoom()
	}
	e.byInput[input] = exhaustion{tree: tree, until: now.Add(exhaustedFor), refusal: *refusal}
}

// makeRoom forgets the one that ends first. The memory is locked.
func (e *exhausted) makeRoom() {
	first, end := "", time.Time{}
	for input, known := range e.byInput {
		if first == "" || known.until.Before(end) {
			first, end = input, known.until
		}
	}
	delete(e.byInput, first)
}

// maxHashed is how many bytes of a tree's files are read to tell it from
// another one; the files behind that are told apart by size and time.
const maxHashed = 256 << 20

// treeKey is the hash of all names of a tree and what stands there.
func treeKey(root *os.Root) (string, error) {
	sum := sha256.New()
	left := int64(maxHashed)
	err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, reason(err))
		}
		_, _ = fmt.Fprintf(sum, "%q %s\n", name, info.Mode().Type())
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := root.Readlink(name)
			_, _ = fmt.Fprintf(sum, "%q\n", target)
			return err
		case !info.Mode().IsRegular():
			return nil
		}
		if left -= info.Size(); left < 0 {
			_, _ = fmt.Fprintf(sum, "%d %d\n", info.Size(), info.ModTime().UnixNano())
			return nil
		}
		return hashFile(sum, root, name)
	})
	if err != nil {
		return "", fmt.Errorf("hashing the source tree: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// hashFile adds a file's own hash, which no other file's content can prolong.
func hashFile(sum io.Writer, root *os.Root, name string) error {
	file, err := root.OpenFile(name, readQuietly, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	own := sha256.New()
	if _, err := io.Copy(own, io.LimitReader(file, maxHashed)); err != nil {
		return err
	}
	_, err = sum.Write(own.Sum(nil))
	return err
}
