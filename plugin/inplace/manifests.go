package inplace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
)

// maxRounds bounds how often a plan is made smaller until it proves right.
const maxRounds = 4

const hintByHand = "write the settings yourself"

// manifests plans additions to the files of a plain directory. What does not
// prove right is left, and the rest is planned again.
func (m *maker) manifests(ctx context.Context, todo []task) error {
	for range maxRounds {
		files, written := m.editFiles(todo)
		if len(files) == 0 {
			return nil
		}
		wrong, err := m.prove(ctx, proof{files: files, written: written, first: m.filled})
		if err != nil {
			return err
		}
		if len(wrong) == 0 {
			m.plan.Files = files
			m.count(written)
			return nil
		}
		todo = m.without(todo, wrong)
	}
	return errors.New("hardening in place: the edited files do not render to what hardening makes; nothing was written")
}

// without leaves the objects that did not prove right.
func (m *maker) without(todo []task, wrong map[int]string) []task {
	var rest []task
	for _, each := range todo {
		if reason, is := wrong[each.index]; is {
			m.leave(each, reason, hintByHand)
			continue
		}
		rest = append(rest, each)
	}
	return rest
}

// editFiles edits every file that one of the tasks is about, and says which of
// them the new files hold.
func (m *maker) editFiles(todo []task) (files []File, written []task) {
	byFile := map[string][]task{}
	var added []task
	for _, each := range todo {
		if each.index >= len(m.filled.Before) {
			added = append(added, each)
			continue
		}
		byFile[each.object.Origin.File] = append(byFile[each.object.Origin.File], each)
	}
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		file, done := m.editFile(name, byFile[name])
		if len(done) > 0 {
			files, written = append(files, file), append(written, done...)
		}
	}
	taken := map[string]bool{}
	for _, each := range added {
		file, err := m.newFile(each, taken)
		if err != nil {
			m.leave(each, err.Error(), hintByHand)
			continue
		}
		taken[file.Path] = true
		files, written = append(files, file), append(written, each)
	}
	return files, written
}

// editFile edits one file. Objects that cannot be edited are left.
func (m *maker) editFile(name string, todo []task) (File, []task) {
	refuse := func(err error) (File, []task) {
		for _, each := range todo {
			m.leave(each, fmt.Sprintf("%s cannot be edited: %v", name, err), hintByHand)
		}
		return File{}, nil
	}
	data, err := m.read(name)
	if err != nil {
		return refuse(err)
	}
	text, err := yamltext.Parse(data)
	if err != nil {
		return refuse(err)
	}
	places, err := m.placesIn(name, text)
	if err != nil {
		return refuse(err)
	}
	var edits []yamltext.Edit
	var done []task
	for _, each := range todo {
		own, err := editsOf(text, places[each.index], each)
		if err != nil {
			m.leave(each, err.Error(), hintByHand)
			continue
		}
		edits, done = append(edits, own...), append(done, each)
	}
	if len(done) == 0 {
		return File{}, nil
	}
	edited, err := text.Apply(edits)
	if err != nil {
		todo = done
		return refuse(err)
	}
	return File{Path: name, Old: data, New: edited}, done
}

func editsOf(text *yamltext.Text, at yamltext.Object, each task) ([]yamltext.Edit, error) {
	var edits []yamltext.Edit
	for _, change := range each.changes {
		edit := yamltext.Edit{Document: at.Document, Path: append(slices.Clone(at.Path), change.path...), Value: change.value}
		if err := text.Locate(edit); err != nil {
			return nil, err
		}
		edits = append(edits, edit)
	}
	return edits, nil
}

// placesIn finds each rendered object of a file in its text: they stand there
// in the order of the rendering.
func (m *maker) placesIn(name string, text *yamltext.Text) (map[int]yamltext.Object, error) {
	objects := text.Objects()
	places := map[int]yamltext.Object{}
	next := 0
	for i, object := range m.filled.Before {
		if object.Origin.File != name {
			continue
		}
		id := object.ID()
		if next >= len(objects) || objects[next].Kind != id.Kind || objects[next].Name != id.Name || objects[next].APIVersion != id.APIVersion {
			return nil, fmt.Errorf("it is not clear where %s stands in it", id)
		}
		places[i] = objects[next]
		next++
	}
	if next != len(objects) {
		return nil, errors.New("it holds an object that was not rendered")
	}
	return places, nil
}

// newFile holds an object that hardening added, in a file of its own. Its
// namespace is in the name where another has the name without.
func (m *maker) newFile(each task, taken map[string]bool) (File, error) {
	id := each.object.ID()
	long := id
	long.Name = id.Namespace + "-" + id.Name
	var name string
	for _, called := range []plugin.ObjectID{id, long} {
		name = path.Join(path.Clean(m.source.Path), fileName(called))
		data, err := m.read(name)
		if err != nil {
			return File{}, err
		}
		if data != nil || taken[name] {
			continue
		}
		text, err := plugin.YAMLEncoding{}.Encode([]plugin.Object{each.object})
		if err != nil {
			return File{}, err
		}
		return File{Path: name, New: text}, nil
	}
	return File{}, fmt.Errorf("%s is there already", name)
}
