package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview"
	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/preview/revision"
	"github.com/assay-gitops/assay/plugin/report"
)

// openFailed tells wrong usage from no answer.
func openFailed(err error) error {
	var usage *revision.UsageError
	if errors.As(err, &usage) {
		return &exit{code: exitUsage, err: err}
	}
	return asExit(err)
}

// now is the time by which both sides are judged.
func (d *differ) now() (time.Time, error) {
	clock, err := d.gates.clock()
	switch {
	case err != nil:
		return time.Time{}, &exit{code: exitUsage, err: err}
	case clock == nil:
		return time.Now(), nil
	}
	return clock(), nil
}

// side is one tree, with what its repository and branch are called elsewhere.
func (d *differ) side(sides *revision.Pair, side *revision.Side) preview.Side {
	own := sides.Remotes()
	for _, url := range d.repositories {
		own = append(own, revision.NormalizeURL(url))
	}
	return preview.Side{
		Name: side.Name, Commit: side.Commit, Root: side.Root, Unseen: absent(side.Notes),
		// Where nobody says what the repository is called, what stands in it decides.
		Own: func(url string) bool { return len(own) == 0 || slices.Contains(own, revision.NormalizeURL(url)) },
		// Two folders have no branches: whatever is written means the folder.
		Tracks: func(branch string) bool {
			return !sides.Repository || slices.Contains(side.Branches, branch) || slices.Contains(d.branches, branch)
		},
		At: func(ctx context.Context, revision string) (*os.Root, error) {
			fixed, found, err := sides.At(ctx, revision)
			if err != nil || !found {
				return nil, err
			}
			return fixed.Root, nil
		},
	}
}

// absent are the notes about a side, those of one reason together.
func absent(notes []revision.Note) []discover.Unseen {
	const named = 5
	var all []discover.Unseen
	at, count := map[string]int{}, map[string]int{}
	for _, note := range notes {
		i, again := at[note.Reason]
		if !again {
			at[note.Reason] = len(all)
			all = append(all, discover.Unseen{What: cmp.Or(note.Path, "the repository"), Reason: note.Reason, Hint: note.Hint, Origin: plugin.Origin{File: note.Path}})
			continue
		}
		if count[note.Reason]++; count[note.Reason] < named {
			all[i].What += ", " + note.Path
		}
	}
	for reason, more := range count {
		if more >= named {
			all[at[reason]].What += fmt.Sprintf(" and %d more", more-named+1)
		}
	}
	return all
}

// readings are what renderings of earlier runs read; nil where no folder for
// caches is known.
func (d *differ) readings(sides *revision.Pair) *preview.Readings {
	dir := cacheDir()
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		dir = filepath.Join(user, "assay")
	}
	return &preview.Readings{Dir: filepath.Join(dir, "readings"), Version: programVersion(), Repository: repositoryName(sides)}
}

// repositoryName tells repositories apart in the cache: by their remotes, else
// by where the user stands.
func repositoryName(sides *revision.Pair) string {
	if remotes := sides.Remotes(); len(remotes) > 0 {
		return strings.Join(remotes, " ")
	}
	working, err := os.Getwd()
	if err != nil {
		return ""
	}
	return working
}

// programVersion is this program's version; a build without one is told by its
// file.
func programVersion() string {
	path, err := os.Executable()
	if err != nil {
		return report.Version(version)
	}
	info, err := os.Stat(path)
	if err != nil {
		return report.Version(version)
	}
	return fmt.Sprintf("%s %d %d", report.Version(version), info.Size(), info.ModTime().UnixNano())
}

// folders reads URL=folder.
func folders(values []string) (map[string]string, error) {
	sources := map[string]string{}
	for _, value := range values {
		at := strings.LastIndex(value, "=")
		if at <= 0 || at == len(value)-1 {
			return nil, fmt.Errorf("reading --source %q: write URL=folder, such as https://git.example.com/team-a/base.git=../base", plugin.RedactURL(value))
		}
		if info, err := os.Stat(value[at+1:]); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("reading --source %q: %s is not a folder; clone the repository there", plugin.RedactURL(value), value[at+1:])
		}
		address := revision.NormalizeURL(value[:at])
		if address == "" {
			return nil, fmt.Errorf("reading --source %q: what stands before the \"=\" is no repository's URL", plugin.RedactURL(value))
		}
		sources[address] = value[at+1:]
	}
	return sources, nil
}
