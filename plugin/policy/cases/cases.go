// Package cases runs the test cases that stand beside policies. It reads three
// layouts as they are: a policy's folder with pass/ and fail/ (this
// repository's own), Gatekeeper's suites (test.gatekeeper.sh) and Kyverno's
// tests (cli.kyverno.io). Policies are judged by the engines of [policy], so a
// case says what the gate would say.
//
// What a layout asks for and the engines cannot do fails its case by name;
// only what its author skips is skipped.
package cases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The bounds of one run.
const (
	filesMost = 100_000
	// fileBytes is the greatest size of one file.
	fileBytes = 16 << 20
)

// Outcome is how a case ended; the zero value is a failure.
type Outcome int

// The outcomes.
const (
	Failed Outcome = iota
	Passed
	Skipped // by its author
)

// Case is one case after it was run.
type Case struct {
	// Suite is the file or folder that the case stands in, Name its own.
	Suite, Name string
	Outcome     Outcome
	// Want and Got are what was expected and what was said, of a failed case.
	Want, Got string
}

// Options are what a run needs beside its folders.
type Options struct {
	// At is the time by which exceptions and days are judged.
	At time.Time
}

// layout is one way to write cases.
type layout struct {
	name string
	// claims reports whether the layout reads the file or folder.
	claims func(path string, entry fs.DirEntry) bool
	run    func(ctx context.Context, path string, options Options) []Case
}

// layouts lists every layout that is read.
func layouts() []layout {
	return []layout{folderLayout(), gatekeeperLayout(), kyvernoLayout()}
}

// Run runs all cases in and below a folder, or of one file. A folder without a
// case is an error, and so is one that cannot be read: nothing was tested.
func Run(ctx context.Context, folder string, options Options) ([]Case, error) {
	if _, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("looking for cases: %w", err)
	}
	var found []Case
	files := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if files++; files > filesMost {
			return fmt.Errorf("there are more than %d files; name a smaller folder", filesMost)
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != folder {
			return fs.SkipDir
		}
		for _, each := range layouts() {
			if each.claims(path, entry) {
				found = append(found, each.run(ctx, path, options)...)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for cases in %s: %w", folder, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("looking for cases in %s: there is none; a policy's cases are files in pass/ and fail/ beside it, a Gatekeeper suite or a kyverno-test.yaml", folder)
	}
	return found, nil
}

// isYAML reports whether a file may hold objects.
func isYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
}

// broken is the one case of a suite that cannot be run.
func broken(suite string, err error) []Case {
	return []Case{{Suite: suite, Name: "-", Want: "cases that can be run", Got: oneLine(err.Error())}}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// readFile reads a file of bounded size.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: it is no file", path)
	}
	if info.Size() > fileBytes {
		return nil, fmt.Errorf("reading %s: it has more than %d bytes", path, fileBytes)
	}
	data, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(data))) == 0 {
		err = errors.New("reading " + path + ": it is empty")
	}
	return data, err
}
