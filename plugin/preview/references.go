package preview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// commitPattern is a whole commit's name.
var commitPattern = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// settle reads a part's parameters again for the tree that it is rendered from:
// files in it may change them, and they may name its commit.
func settle(side Side, root *os.Root, part discover.Part) (discover.Part, error) {
	commit := ""
	switch {
	case part.Chart != nil:
		commit = part.Chart.Version // what Argo CD calls the revision of a chart
	case root == side.Root:
		commit = side.Commit
	case commitPattern.MatchString(part.Revision):
		commit = part.Revision
	}
	settled, err := part.Settle(root, commit, plugin.DefaultLimits())
	var refusal *plugin.Refusal
	if errors.As(err, &refusal) {
		findings := plugin.FindingsFromError("render", err)
		return part, unseen{discover.Unseen{What: plugin.RedactURL(part.Repository), Reason: findings[0].Message, Hint: findings[0].Hint, Origin: findings[0].Origin}}
	}
	return settled, err //nolint:wrapcheck // it names the part
}

// references says where the trees are that files "$name/path" of a part come
// from. What of them lies in another tree is laid over the part's own.
func (r *runner) references(ctx context.Context, side Side, found *located, part discover.Part) error {
	helm := &found.source.Parameters.Helm
	files := slices.Clone(helm.ValueFiles)
	for _, setting := range helm.SetFile {
		if _, file, has := strings.Cut(setting, "="); has {
			files = append(files, file)
		}
	}
	folders := map[string]string{}
	for name, reference := range part.References {
		root, err := r.tree(ctx, side, reference.Repository, reference.Revision, false)
		if err != nil {
			return err
		}
		if root == found.source.Root {
			folders[name] = "."
			continue
		}
		folders[name] = path.Join(".assay-values", name)
		for _, file := range files {
			if rest, refers := strings.CutPrefix(file, "$"+name+"/"); refers {
				if err := lay(found, root, folders[name], rest); err != nil {
					return err
				}
			}
		}
	}
	if len(folders) > 0 {
		helm.References = folders
	}
	return nil
}

// mostLaid bounds the files of another tree that one pattern lays over.
const mostLaid = 1_000

// lay lays the file of another tree, or those that a pattern matches, over the
// part's own. What is not there the renderer misses.
func lay(found *located, root *os.Root, at, file string) error {
	files, err := ValueFiles(root, file, found.limits)
	for name, data := range files {
		if found.source.Overlay == nil {
			found.source.Overlay = map[string][]byte{}
		}
		found.source.Overlay[path.Join(at, name)] = data // one that is too large is refused by the renderer
	}
	return err
}

// ValueFiles reads the file of a tree, or those that a pattern matches, by their
// paths. What is not there is left out.
func ValueFiles(root *os.Root, file string, limits plugin.Limits) (map[string][]byte, error) {
	pattern := path.Clean(strings.TrimLeft(file, "/"))
	names := []string{pattern}
	if strings.ContainsAny(pattern, "*?[") {
		matches, err := doublestar.Glob(root.FS(), pattern, doublestar.WithFilesOnly(), doublestar.WithNoFollow())
		if err != nil {
			return nil, fmt.Errorf("looking for the value files %s: %w", file, err)
		}
		names = matches
	}
	if len(names) > mostLaid {
		return nil, unseen{discover.Unseen{What: "the value files " + file, Reason: fmt.Sprintf("they are more than %d", mostLaid), Hint: "name fewer"}}
	}
	found := map[string][]byte{}
	for _, name := range names {
		data, err := readOther(root, name, limits.FileBytes)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading the value file %s: %w", name, err)
		}
		found[name] = data
	}
	return found, nil
}

// readOther reads at most one byte more than the limit of a regular file.
func readOther(root *os.Root, name string, limit int64) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	opened, err := root.Open(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	defer func() { _ = opened.Close() }()
	return io.ReadAll(io.LimitReader(opened, limit+1)) //nolint:wrapcheck // the caller names the file
}
