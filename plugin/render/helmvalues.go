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
// value files, inline values, --set, --set-string, --set-file.
func (r *helmRelease) mergeValues() (map[string]any, error) {
	values := map[string]any{}
	files, err := r.valueFiles()
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		data, err := r.valueFile(name)
		if err != nil {
			return nil, err
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
	for _, setting := range r.parameters.SetFile {
		if err := r.setFile(setting, values); err != nil {
			return nil, err
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

// setFile sets a value to what stands in a file.
func (r *helmRelease) setFile(setting string, values map[string]any) error {
	var problem error
	err := strvals.ParseIntoFile(setting, values, func(written []rune) (any, error) {
		name, err := r.valuePath(string(written))
		if err != nil {
			problem = err
			return nil, err
		}
		data, err := r.valueFile(name)
		problem = err
		return string(data), err
	})
	if problem != nil {
		return problem
	}
	if err != nil {
		return invalid(plugin.Origin{}, "reading a value of --set-file", err)
	}
	return nil
}

// valueFiles resolves the parameters' value files to files of the tree. A path
// that begins with a slash starts at the tree's root, as for Argo CD. A glob
// stands for its matches in lexical order; a file that is also named by itself
// counts only there, and one that is named twice where it stands first.
func (r *helmRelease) valueFiles() ([]string, error) {
	explicit := map[string]bool{}
	for _, written := range r.parameters.ValueFiles {
		if name, err := r.valuePath(written); err == nil && !isGlob(name) {
			explicit[name] = true
		}
	}
	var files []string
	add := func(name string) {
		if !slices.Contains(files, name) {
			files = append(files, name)
		}
	}
	for _, written := range r.parameters.ValueFiles {
		name, err := r.valuePath(written)
		if err != nil {
			return nil, err
		}
		if isGlob(name) {
			matches, err := r.glob(name)
			if err != nil {
				return nil, err
			}
			for _, match := range matches {
				if !explicit[match] {
					add(match)
				}
			}
			continue
		}
		has, err := r.hasValueFile(name)
		switch {
		case err != nil:
			return nil, err
		case has:
			add(name)
		}
	}
	return files, nil
}

// hasValueFile reports whether a value file is there; that it is not is an error
// unless the parameters pass over it.
func (r *helmRelease) hasValueFile(name string) (bool, error) {
	if inChart, packed := r.packed(name); packed {
		_, err := r.inArchive(inChart)
		if errors.Is(err, fs.ErrNotExist) && r.parameters.IgnoreMissingValueFiles {
			return false, nil
		}
		return err == nil, refuseRead(err, plugin.Origin{File: name})
	}
	_, err := r.tree.stat(name)
	if errors.Is(err, fs.ErrNotExist) && r.parameters.IgnoreMissingValueFiles {
		return false, nil
	}
	return err == nil, refuseRead(err, plugin.Origin{File: name})
}

// valueFile reads a value file of the tree or of a packaged chart.
func (r *helmRelease) valueFile(name string) ([]byte, error) {
	if inChart, packed := r.packed(name); packed {
		data, err := r.inArchive(inChart)
		return data, refuseRead(err, plugin.Origin{File: name})
	}
	data, err := r.tree.readFile(name)
	return data, refuseRead(err, plugin.Origin{File: name})
}

// packed reports whether a path leads into a packaged chart, and where in it.
func (r *helmRelease) packed(name string) (string, bool) {
	inChart, below := strings.CutPrefix(name, r.folder+"/")
	return inChart, below && r.tree.isFile(r.folder)
}

// inArchive reads a file of a packaged chart; fs.ErrNotExist when it has none.
func (r *helmRelease) inArchive(name string) ([]byte, error) {
	files, err := r.readChart()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if file.name == name {
			return file.data, nil
		}
	}
	return nil, fmt.Errorf("the chart has no file %s: %w", name, fs.ErrNotExist)
}

func isGlob(written string) bool { return strings.ContainsAny(written, "*?[") }

func (r *helmRelease) valuePath(written string) (string, error) {
	if strings.Contains(written, "://") {
		return "", &plugin.Refusal{
			Rule: ruleRemote, Message: fmt.Sprintf("the value file %q is not in the source tree", redactURL(written)), Why: whyConfined,
			Hint: "copy it into the tree",
		}
	}
	folder := r.folder
	if reference, rest, found := strings.Cut(written, "/"); found {
		if referred, known := r.parameters.References[strings.TrimPrefix(reference, "$")]; known && strings.HasPrefix(reference, "$") {
			folder, written = referred, strings.TrimLeft(rest, "/")
		}
	}
	if path.IsAbs(written) {
		folder, written = r.top(), strings.TrimLeft(written, "/")
	}
	name, err := within(folder, written)
	if err != nil {
		return "", refuseRead(err, plugin.Origin{})
	}
	return name, nil
}

// top is where paths with a slash in front start: the tree's root, or that of a
// packaged chart, which is a repository of its own to Argo CD.
func (r *helmRelease) top() string {
	if r.tree.isFile(r.folder) {
		return r.folder
	}
	return "."
}

// glob lists the files that match. Folders that are symlinks are not entered
// below the pattern's fixed part.
func (r *helmRelease) glob(pattern string) ([]string, error) {
	if !doublestar.ValidatePattern(pattern) {
		return nil, invalid(plugin.Origin{}, fmt.Sprintf("the value file pattern %q is not a glob", pattern), nil)
	}
	matches, err := r.matching(pattern)
	if err != nil {
		return nil, err
	}
	if len(matches) == 0 && !r.parameters.IgnoreMissingValueFiles {
		return nil, &plugin.Refusal{Rule: ruleMissing, Message: fmt.Sprintf("no value file matches %q", pattern), Hint: "add one, or set ignoreMissingValueFiles"}
	}
	return matches, nil
}

func (r *helmRelease) matching(pattern string) ([]string, error) {
	inChart, packed := r.packed(pattern)
	if !packed {
		matches, err := doublestar.Glob(treeFiles{r.tree}, pattern, doublestar.WithFilesOnly(), doublestar.WithNoFollow())
		if err != nil {
			return nil, invalid(plugin.Origin{}, fmt.Sprintf("looking for value files by %q", pattern), err)
		}
		return matches, nil
	}
	files, err := r.readChart()
	if err != nil {
		return nil, err
	}
	var matches []string
	for _, file := range files {
		if doublestar.MatchUnvalidated(inChart, file.name) {
			matches = append(matches, path.Join(r.folder, file.name))
		}
	}
	slices.Sort(matches)
	return matches, nil
}
