package appset

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// git gives the folders or the files of a repository that its patterns take.
func (e *expander) git(interpolated generator, at place) ([]map[string]any, error) {
	asked := interpolated.Git
	tree, err := e.tree(asked, at)
	if err != nil {
		return nil, err
	}
	if e.read.Template.Spec.Project == "" { // by its project Argo CD chooses what it reads a repository with
		return nil, &hintedError{err: errors.New("spec.template.spec.project is empty, and Argo CD gives a Git generator nothing without one"), hint: `write "default"`}
	}
	switch {
	case len(asked.Directories) > 0:
		return e.gitDirectories(asked, tree, at)
	case len(asked.Files) > 0:
		return e.gitFiles(asked, tree)
	}
	return nil, &hintedError{err: fmt.Errorf("it has neither directories nor files"), hint: "write one of them, each entry with a path"}
}

// tree is what a generator looks into.
func (e *expander) tree(asked *gitGenerator, at place) (*listing, error) {
	why := errors.New("the repository is not at hand")
	if e.input.Tree != nil {
		root, err := e.input.Tree(e.ctx, asked.RepoURL, asked.Revision)
		if err == nil && root != nil {
			if e.listings[root] == nil {
				e.listings[root] = &listing{root: root}
			}
			return e.listings[root], nil
		}
		why = cmp.Or(err, why)
	}
	if e.ctx.Err() != nil {
		return nil, fmt.Errorf("opening %s: %w", plugin.RedactURL(asked.RepoURL), e.ctx.Err())
	}
	return nil, &unseenError{
		reason: fmt.Sprintf("%s asks %s at %s, which cannot be looked into, and its Applications are not seen: %v", at.path, plugin.RedactURL(asked.RepoURL), cmp.Or(asked.Revision, "HEAD"), why),
		hint:   "name the address of this repository with --repository, a copy of another one with --source, or fetch the revision",
	}
}

// gitDirectories takes folders by path.Match, in which a star ends at a slash.
func (e *expander) gitDirectories(asked *gitGenerator, tree *listing, at place) ([]map[string]any, error) {
	folders, err := tree.folders(e.ctx)
	if err != nil {
		return nil, err
	}
	for i, item := range asked.Directories {
		if _, err := path.Match(item.Path, ""); err != nil {
			e.problem(fmt.Sprintf("%s.directories[%d].path: %q is no pattern, and Argo CD takes no folder by it", at.path, i, item.Path), "close the bracket, or write a backslash before it")
		}
	}
	var params []map[string]any
	for _, folder := range folders {
		if !takesFolder(asked.Directories, folder) {
			continue
		}
		one := pathParams(folder, "", asked.PathParamPrefix, e.read.GoTemplate)
		if err := e.addValues(asked.Values, one); err != nil {
			return nil, fmt.Errorf("%s: %w", folder, err)
		}
		params = append(params, one)
	}
	return params, nil
}

// takesFolder: what one entry excludes, no other includes.
func takesFolder(items []gitItem, folder string) bool {
	included := false
	for _, item := range items {
		if match, err := path.Match(item.Path, folder); err != nil || !match {
			continue
		}
		if item.Exclude {
			return false
		}
		included = true
	}
	return included
}

// gitFiles takes files by Git's pathspecs, in which a star goes through slashes,
// and reads each as one set of parameters or a list of them.
func (e *expander) gitFiles(asked *gitGenerator, tree *listing) ([]map[string]any, error) {
	files, err := tree.files(e.ctx)
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, exclude := range []bool{false, true} {
		for i, item := range asked.Files {
			if item.Exclude != exclude {
				continue
			}
			spec, err := newPathspec(item.Path)
			if err != nil {
				return nil, fmt.Errorf("files[%d].path: %w", i, err)
			}
			for _, file := range files {
				if spec.matches(file) {
					taken[file] = !exclude
				}
			}
		}
	}
	maps.DeleteFunc(taken, func(_ string, is bool) bool { return !is })
	var params []map[string]any
	for _, file := range slices.Sorted(maps.Keys(taken)) {
		more, err := e.gitFile(asked, tree, file)
		if err != nil {
			return nil, fmt.Errorf("unable to process file %q: %w", file, err)
		}
		params = append(params, more...)
	}
	return params, nil
}

func (e *expander) gitFile(asked *gitGenerator, tree *listing, file string) ([]map[string]any, error) {
	text, err := e.readFile(tree, file)
	if err != nil {
		return nil, err
	}
	found, err := e.parametersIn(text)
	if err != nil {
		return nil, &hintedError{err: err, hint: "write a mapping or a list of mappings, as YAML or JSON, or leave the file out with exclude: true"}
	}
	var params []map[string]any
	for _, object := range found {
		one := map[string]any{}
		if e.read.GoTemplate {
			maps.Copy(one, object)
		} else {
			for name, value := range flatten(object) {
				one[name] = value
			}
		}
		maps.Copy(one, pathParams(path.Dir(file), path.Base(file), asked.PathParamPrefix, e.read.GoTemplate))
		if err := e.addValues(asked.Values, one); err != nil {
			return nil, err
		}
		params = append(params, one)
	}
	return params, nil
}

// parametersIn is a file's mapping, or its list of them; an empty file is one
// mapping without anything.
func (e *expander) parametersIn(text []byte) ([]map[string]any, error) {
	var one map[string]any
	failed := e.unmarshal(text, &one)
	if failed == nil {
		return []map[string]any{one}, nil
	}
	var several []map[string]any
	if err := e.unmarshal(text, &several); err != nil {
		return nil, fmt.Errorf("it is neither a mapping nor a list of mappings: %w", err)
	}
	return several, nil
}

// pathParams are the parameters about a path. A file has its name as well.
func pathParams(folder, file, prefix string, goTemplate bool) map[string]any {
	base := path.Base(folder)
	if !goTemplate {
		return flatPathParams(folder, file, prefix)
	}
	about := map[string]any{
		"path": folder, "basename": base, "basenameNormalized": sanitize(base), "segments": strings.Split(folder, "/"),
	}
	if file != "" {
		about["filename"], about["filenameNormalized"] = file, sanitize(file)
	}
	if prefix != "" {
		return map[string]any{prefix: map[string]any{"path": about}}
	}
	return map[string]any{"path": about}
}

func flatPathParams(folder, file, prefix string) map[string]any {
	name := "path"
	if prefix != "" {
		name = prefix + ".path"
	}
	base := path.Base(folder)
	params := map[string]any{name: folder, name + ".basename": base, name + ".basenameNormalized": sanitize(base)}
	if file != "" {
		params[name+".filename"], params[name+".filenameNormalized"] = file, sanitize(file)
	}
	for i, segment := range strings.Split(folder, "/") {
		if segment != "" {
			params[name+"["+strconv.Itoa(i)+"]"] = segment
		}
	}
	return params
}
