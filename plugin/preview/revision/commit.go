package revision

import (
	"context"
	"slices"
)

// openCommit writes the tree of a commit into the store.
func (r *repository) openCommit(ctx context.Context, keep *store, side Side) (_ *Side, err error) {
	entries, err := r.listCommit(ctx, side.Commit, side.Name, keep.limits)
	if err != nil {
		return nil, err
	}
	made, err := keep.begin(side.Name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			made.drop()
		}
	}()
	places := make([]string, len(entries))
	for i, one := range entries {
		if places[i], err = made.take(one); err != nil {
			return nil, err
		}
	}
	if err := r.fill(ctx, made, entries, places); err != nil {
		return nil, err
	}
	return made.finish(side)
}

// fill writes entries to their places, with blobs out of the repository.
func (r *repository) fill(ctx context.Context, made *draft, entries []entry, places []string) error {
	wanted, err := r.fetchInto(ctx, made, entries, places)
	if err != nil {
		return err
	}
	for i, one := range entries {
		switch {
		case one.kind == submodule:
			err = made.store.mkdir(places[i])
		case one.kind == link:
			err = made.link(places[i], one.path, wanted.targets[one.object])
		case made.store.kept[one.object] != places[i]:
			err = made.share(places[i], one.object)
		}
		if err != nil {
			return err
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// fetched is what is asked of the repository for a side.
type fetched struct {
	// files are the places of blobs that the store does not have, and targets the
	// contents of symbolic links.
	files, targets map[string]string
	order          []string
}

func wantedOf(made *draft, entries []entry, places []string) *fetched {
	wanted := &fetched{files: map[string]string{}, targets: map[string]string{}}
	seen := map[string]bool{}
	for i, one := range entries {
		_, kept := made.store.kept[one.object]
		switch {
		case one.kind == submodule, one.kind == file && kept:
			continue
		case one.kind == link:
			wanted.targets[one.object] = ""
		case wanted.files[one.object] == "":
			wanted.files[one.object] = places[i]
		}
		if !seen[one.object] {
			seen[one.object] = true
			wanted.order = append(wanted.order, one.object)
		}
	}
	return wanted
}

// fetchInto writes each blob that the store lacks once. All sizes are known
// before the first is read.
func (r *repository) fetchInto(ctx context.Context, made *draft, entries []entry, places []string) (*fetched, error) {
	wanted := wantedOf(made, entries, places)
	sizes, err := r.measure(ctx, wanted.order)
	if err != nil {
		return nil, err
	}
	var small []string
	for _, object := range wanted.order {
		_, isTarget := wanted.targets[object]
		switch size := sizes[object]; {
		case isTarget && size > longestTarget:
			return nil, badEntry(made.name, nameOf(entries, object), "is a symbolic link with too long a target")
		case size > made.store.limits.FileBytes:
			err = made.hollow(wanted.files[object], object, size)
		default:
			small = append(small, object)
			err = made.spend(size)
		}
		if err != nil {
			return nil, err
		}
	}
	return wanted, r.contents(ctx, small, sizes, func(object string, content []byte) error {
		if _, isTarget := wanted.targets[object]; isTarget {
			wanted.targets[object] = string(content)
		}
		if at := wanted.files[object]; at != "" {
			return made.write(at, object, content)
		}
		return nil
	})
}

// nameOf is the first symbolic link of an object.
func nameOf(entries []entry, object string) string {
	at := slices.IndexFunc(entries, func(one entry) bool { return one.kind == link && one.object == object })
	return entries[at].path
}
