package revision

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// listWorktree lists what a commit of everything would hold: what the index
// names, and what is neither in it nor ignored.
func (r *repository) listWorktree(ctx context.Context, most int64) ([]listed, []Note, error) {
	var files []listed
	var told []Note
	err := r.git.stream(ctx, nil, func(answer *bufio.Reader) error {
		return records(answer, func(record string) error {
			one, err := parseIndexEntry(record)
			if err != nil {
				return err
			}
			if last := len(files) - 1; last >= 0 && files[last].path == one.path { // a conflict: one entry a stage
				files[last].object = ""
				return nil
			}
			files = append(files, one)
			return tooMany(len(files), most)
		})
	}, "ls-files", "-z", "--cached", "--stage", "-t")
	if err != nil {
		return nil, nil, err
	}
	err = r.git.stream(ctx, nil, func(answer *bufio.Reader) error {
		return records(answer, func(name string) error {
			if strings.HasSuffix(name, "/") {
				told = append(told, Note{Path: strings.TrimSuffix(name, "/"), Reason: "another repository lies here, which is no part of this one", Hint: "compare it on its own"})
				return nil
			}
			files = append(files, listed{path: name, kind: file})
			return tooMany(len(files), most)
		})
	}, "ls-files", "-z", "--others", "--exclude-standard")
	return files, told, err
}

func tooMany(count int, most int64) error {
	if int64(count) > most {
		return overLimit("the worktree", "revisionFiles", most)
	}
	return nil
}

// parseIndexEntry reads "tag SP mode SP object SP stage TAB path" (git-ls-files).
func parseIndexEntry(record string) (listed, error) {
	head, name, found := strings.Cut(record, "\t")
	fields := strings.Fields(head)
	if !found || len(fields) != 4 {
		return listed{}, fmt.Errorf("git ls-files answers %.200q", record)
	}
	as, err := kindOf(fields[1])
	return listed{path: name, object: fields[2], kind: as, absent: fields[0] == "S"}, err
}

// openWorktree copies the worktree into the store.
func (r *repository) openWorktree(ctx context.Context, keep *store, side Side) (*Side, error) {
	files, told, err := r.listWorktree(ctx, keep.limits.RevisionFiles)
	if err != nil {
		return nil, err
	}
	opened, err := copyFrom(ctx, keep, copying{dir: r.top, files: files, sha256: r.sha256, repository: r}, side)
	if err == nil {
		opened.Notes = append(opened.Notes, told...)
	}
	return opened, err
}

// openFolder copies a folder into the store.
func openFolder(ctx context.Context, keep *store, dir string, side Side) (*Side, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, unreadable(side.Name, err)
	}
	defer func() { _ = root.Close() }()
	files, told, err := listFolder(ctx, root, side.Name, keep.limits.RevisionFiles)
	if err != nil {
		return nil, err
	}
	opened, err := copyFrom(ctx, keep, copying{dir: dir, files: files, sha256: true}, side)
	if err == nil {
		opened.Notes = append(opened.Notes, told...)
	}
	return opened, err
}

// listFolder lists all files of a folder but what is Git's own.
func listFolder(ctx context.Context, root *os.Root, side string, most int64) ([]listed, []Note, error) {
	var files []listed
	var told notes
	err := fs.WalkDir(root.FS(), ".", func(name string, found fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return unreadable(name, err)
		case found.Name() == ".git" && found.IsDir():
			return fs.SkipDir
		case found.Name() == ".git", found.IsDir():
			return nil
		case !found.Type().IsRegular() && found.Type()&fs.ModeSymlink == 0:
			told.add(Note{Path: name, Reason: "neither a file nor a folder nor a symbolic link: it is left out", Hint: "take it out of the folder"})
			return nil
		}
		if files = append(files, listed{path: name, kind: file}); int64(len(files)) > most {
			return overLimit(side, "revisionFiles", most)
		}
		return nil
	})
	return files, told.list(), err
}

// copying is a folder of the user's and what of it is copied.
type copying struct {
	dir    string
	files  []listed
	sha256 bool
	// repository has the blobs of files that are not on disk; nil for a folder.
	repository *repository
}

// copyFrom copies files into the store.
func copyFrom(ctx context.Context, keep *store, from copying, side Side) (_ *Side, err error) {
	root, err := os.OpenRoot(from.dir)
	if err != nil {
		return nil, unreadable(from.dir, err)
	}
	defer func() { _ = root.Close() }()
	made, err := keep.begin(side.Name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			made.drop()
		}
	}()
	disk := &disk{sha256: from.sha256, way: ladder{base: root}}
	defer disk.way.close()
	var rest []entry
	var places []string
	for _, one := range from.files {
		one, at, err := disk.copy(ctx, made, one)
		if err != nil {
			return nil, err
		}
		if at != "" {
			rest, places = append(rest, one), append(places, at)
		}
	}
	if len(rest) > 0 {
		if err := from.repository.fill(ctx, made, rest, places); err != nil {
			return nil, err
		}
	}
	return made.finish(side)
}

// copy copies one file. What is to come out of the repository is returned with
// its place.
func (d *disk) copy(ctx context.Context, made *draft, one listed) (entry, string, error) {
	if ctx.Err() != nil {
		return entry{}, "", context.Cause(ctx)
	}
	if problem := misnamed(one.path); problem != "" {
		return entry{}, "", badEntry(made.name, one.path, problem)
	}
	indexed := entry{path: one.path, kind: one.kind, object: one.object}
	if one.kind == submodule {
		at, err := made.take(indexed)
		return indexed, at, err
	}
	found, err := d.look(ctx, one.path, made.store.limits.FileBytes)
	switch {
	case err != nil:
		return entry{}, "", err
	case found.kind == 0 && one.absent:
		at, err := made.take(indexed)
		return indexed, at, err
	case found.kind == 0: // deleted, or replaced by what git does not keep
		return entry{}, "", nil
	}
	if found, err = d.settle(found, one, made.store); err != nil {
		return entry{}, "", err
	}
	at, err := made.take(entry{path: one.path, kind: found.kind, object: found.object})
	if err != nil {
		return entry{}, "", err
	}
	return entry{}, "", made.place(at, path.Clean(one.path), found)
}

// place writes what was found on disk.
func (d *draft) place(at, name string, found seen) error {
	_, kept := d.store.kept[found.object]
	switch {
	case found.kind == link:
		return d.link(at, name, string(found.content))
	case kept:
		return d.share(at, found.object)
	case found.large:
		return d.hollow(at, found.object, found.size)
	}
	if err := d.spend(found.size); err != nil {
		return err
	}
	return d.write(at, found.object, found.content)
}

// isFolder reports whether a name is a folder.
func isFolder(name string) (bool, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err //nolint:wrapcheck // the caller names it
	}
	return info.IsDir(), nil
}
