package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/assay-gitops/assay/plugin"
)

// mergeValues merges what the parameters say, the later over the earlier:
// value files, inline values, --set, --set-string.
func (r *helmRelease) mergeValues() (map[string]any, error) {
	values := map[string]any{}
	files, err := r.valueFiles()
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		data, err := r.tree.readFile(name)
		if err != nil {
			return nil, refuseRead(err, plugin.Origin{File: name})
		}
		read, err := r.readValues(data, plugin.Origin{File: name})
		if err != nil {
			return nil, err
		}
		values = loader.MergeMaps(values, read)
	}
	inline, err := r.readValues([]byte(r.parameters.Values), plugin.Origin{})
	if err != nil {
		return nil, err
	}
	values = loader.MergeMaps(values, inline)
	for _, setting := range r.parameters.Set {
		if err := strvals.ParseInto(setting, values); err != nil {
			return nil, invalid(plugin.Origin{}, "reading a value of --set", err)
		}
	}
	for _, setting := range r.parameters.SetString {
		if err := strvals.ParseIntoString(setting, values); err != nil {
			return nil, invalid(plugin.Origin{}, "reading a value of --set-string", err)
		}
	}
	release, err := decodeReleaseValues(r.parameters.ReleaseValues)
	if err != nil {
		return nil, err
	}
	return loader.MergeMaps(values, release), nil
}

func (r *helmRelease) readValues(data []byte, origin plugin.Origin) (map[string]any, error) {
	if err := checkBounds(data, r.tree.limits, origin); err != nil {
		return nil, err
	}
	values, err := loader.LoadValues(bytes.NewReader(data))
	if err != nil {
		return nil, invalid(origin, "reading values", err)
	}
	return values, nil
}

// valueFiles resolves the parameters' value files to files of the tree. A path
// that begins with a slash starts at the tree's root, as for Argo CD. A glob
// stands for its matches in lexical order; a file that is also named by itself
// counts only there.
func (r *helmRelease) valueFiles() ([]string, error) {
	explicit := map[string]bool{}
	for _, written := range r.parameters.ValueFiles {
		if name, err := r.valuePath(written); err == nil && !isGlob(written) {
			explicit[name] = true
		}
	}
	var files []string
	for _, written := range r.parameters.ValueFiles {
		name, err := r.valuePath(written)
		if err != nil {
			return nil, err
		}
		if isGlob(written) {
			matches, err := r.glob(name)
			if err != nil {
				return nil, err
			}
			for _, match := range matches {
				if !explicit[match] && !slices.Contains(files, match) {
					files = append(files, match)
				}
			}
			continue
		}
		_, err = r.tree.stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && r.parameters.IgnoreMissingValueFiles:
		case err != nil:
			return nil, refuseRead(err, plugin.Origin{File: name})
		default:
			files = append(files, name)
		}
	}
	return files, nil
}

func isGlob(written string) bool { return strings.ContainsAny(written, "*?[{") }

func (r *helmRelease) valuePath(written string) (string, error) {
	if strings.Contains(written, "://") {
		return "", &plugin.Refusal{
			Rule: ruleRemote, Message: fmt.Sprintf("the value file %q is not in the source tree", redactURL(written)), Why: whyConfined,
			Hint: "copy it into the tree",
		}
	}
	folder := r.folder
	if path.IsAbs(written) {
		folder, written = ".", strings.TrimLeft(written, "/")
	}
	name, err := within(folder, written)
	if err != nil {
		return "", refuseRead(err, plugin.Origin{})
	}
	return name, nil
}

// glob lists the files that match, below the pattern's fixed part.
func (r *helmRelease) glob(pattern string) ([]string, error) {
	if !doublestar.ValidatePattern(pattern) {
		return nil, invalid(plugin.Origin{}, fmt.Sprintf("the value file pattern %q is not a glob", pattern), nil)
	}
	base, _ := doublestar.SplitPattern(pattern)
	walk := fileWalk{tree: r.tree}
	if r.tree.isDir(base) {
		if err := walk.folder(base, 0); err != nil {
			return nil, err
		}
	}
	matches := slices.DeleteFunc(walk.files, func(name string) bool { return !doublestar.MatchUnvalidated(pattern, name) })
	slices.Sort(matches)
	if len(matches) == 0 && !r.parameters.IgnoreMissingValueFiles {
		return nil, &plugin.Refusal{Rule: ruleMissing, Message: fmt.Sprintf("no value file matches %q", pattern), Hint: "add one, or set ignoreMissingValueFiles"}
	}
	return matches, nil
}

// fileWalk lists the regular files below a folder; folders that are symlinks
// are not entered.
type fileWalk struct {
	tree  *tree
	files []string
}

func (w *fileWalk) folder(folder string, depth int) error {
	if depth > maxFolderDepth {
		return invalid(plugin.Origin{File: folder}, "folders are nested too deep", nil)
	}
	names, err := w.tree.readDir(folder)
	if err != nil {
		return refuseRead(err, plugin.Origin{File: folder})
	}
	for _, base := range names {
		name := path.Join(folder, base)
		info, err := w.tree.lstat(name)
		switch {
		case err != nil:
			return refuseRead(fmt.Errorf("reading %s: %w", name, reason(err)), plugin.Origin{File: name})
		case info.IsDir():
			if err := w.folder(name, depth+1); err != nil {
				return err
			}
		case w.tree.isFile(name):
			w.files = append(w.files, name)
		}
	}
	return nil
}
