package inplace

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
	"github.com/assay-gitops/assay/plugin/render"
)

// componentFolder is the component's, beside the kustomization.
const componentFolder = "hardening"

// componentHead is how a component begins that this package wrote. Another one
// is never touched.
const componentHead = `# Written by "assay harden --in-place", which writes this folder anew each time.
`

// kustomization is the one that is hardened.
type kustomization struct {
	// file is its path, folder the component's.
	file, folder string
	// data is its text, text the same parsed.
	data []byte
	text *yamltext.Text
	// fields are its fields, own those without the component.
	fields map[string]any
	// stale are the files of a component of ours that is there.
	stale map[string][]byte
	// listed is set when the kustomization names the component.
	listed bool
}

// component plans a component that patches what the kustomization brings. One
// that is there already is written anew as a whole.
func (m *maker) component(ctx context.Context) error {
	k, err := m.readKustomization()
	if err != nil {
		return err
	}
	bare, err := k.overlay(m.source, k.without(componentFolder))
	if err != nil {
		return err
	}
	if k.listed {
		if m.filled, err = fill(ctx, m.hardening, bare); err != nil {
			return err
		}
	}
	m.plan.Left = nil
	todo := m.todo()
	todo, err = m.nameTargets(ctx, k, todo)
	if err != nil {
		return err
	}
	for range maxRounds {
		files, written, err := m.componentFiles(k, todo)
		if err != nil || len(written) == 0 {
			return err
		}
		wrong, err := m.prove(ctx, proof{files: files, written: written, first: m.filled})
		if err != nil {
			return fmt.Errorf("rendering the kustomization with the component: %w; nothing was written", err)
		}
		if len(wrong) == 0 {
			m.plan.Files = files
			m.count(written)
			return nil
		}
		todo = m.without(todo, wrong)
	}
	return errors.New("hardening in place: the component does not make what hardening makes; nothing was written")
}

func (m *maker) readKustomization() (*kustomization, error) {
	name, found := render.KustomizationOf(m.source, m.limits)
	if !found {
		return nil, errors.New("hardening in place: the folder has no kustomization file")
	}
	refuse := func(err error) (*kustomization, error) {
		return nil, fmt.Errorf("hardening in place: %s cannot be edited: %w", name, err)
	}
	k := &kustomization{file: name, folder: path.Join(path.Dir(name), componentFolder), stale: map[string][]byte{}}
	var err error
	if k.data, err = m.read(name); err != nil {
		return refuse(err)
	}
	if k.text, err = yamltext.Parse(k.data); err != nil {
		return refuse(err)
	}
	if err := yaml.Unmarshal(k.data, &k.fields); err != nil {
		return refuse(err)
	}
	components, _ := k.fields["components"].([]any)
	k.listed = slices.ContainsFunc(components, names(componentFolder))
	return k, m.readStale(k)
}

// names reports whether a list's entry names a folder beside the kustomization.
func names(folder string) func(any) bool {
	return func(entry any) bool {
		text, _ := entry.(string)
		return path.Clean(text) == folder
	}
}

// readStale reads a component that is there. It must be one of ours.
func (m *maker) readStale(k *kustomization) error {
	head, err := m.read(path.Join(k.folder, "kustomization.yaml"))
	if err != nil {
		return err
	}
	folder, err := m.source.Root.Open(k.folder)
	if err != nil {
		return nil // there is no such folder; what is in the way otherwise, writing will say
	}
	defer func() { _ = folder.Close() }()
	entries, err := folder.Readdirnames(-1)
	if err != nil {
		return fmt.Errorf("hardening in place: listing %s: %w", k.folder, err)
	}
	if !strings.HasPrefix(string(head), componentHead) {
		return fmt.Errorf("hardening in place: %s is there and was not written by this command; move it away", k.folder)
	}
	for _, entry := range entries {
		name := path.Join(k.folder, entry)
		if k.stale[name], err = m.read(name); err != nil {
			return err
		}
	}
	return nil
}

// without are the kustomization's fields without a component.
func (k *kustomization) without(folder string) map[string]any {
	fields := map[string]any{}
	for name, value := range k.fields {
		fields[name] = value
	}
	if components, is := fields["components"].([]any); is {
		fields["components"] = slices.DeleteFunc(slices.Clone(components), names(folder))
	}
	return fields
}

// overlay is the source with other fields in its kustomization.
func (k *kustomization) overlay(source plugin.Source, fields map[string]any) (plugin.Source, error) {
	text, err := yaml.Marshal(fields)
	if err != nil {
		return source, fmt.Errorf("writing %s: %w", k.file, err)
	}
	source.Overlay = map[string][]byte{k.file: text}
	return source, nil
}

// componentFiles are the component's, the kustomization's that names it, and
// those of an older component that are not needed any more.
func (m *maker) componentFiles(k *kustomization, todo []task) (files []File, written []task, err error) {
	var resources, patches []any
	taken := map[string]bool{"kustomization.yaml": true}
	for _, each := range todo {
		name := each.fileName(taken)
		text, entry, err := each.patch(name)
		if err != nil {
			m.leave(each, err.Error(), hintByHand)
			continue
		}
		taken[name] = true
		if each.index >= len(m.filled.Before) {
			resources = append(resources, name)
		} else {
			patches = append(patches, entry)
		}
		files, written = append(files, k.part(name, text)), append(written, each)
	}
	if len(written) == 0 {
		return nil, nil, nil
	}
	fields := map[string]any{"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
	if len(resources) > 0 {
		fields["resources"] = resources
	}
	if len(patches) > 0 {
		fields["patches"] = patches
	}
	text, err := yaml.Marshal(fields)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the component: %w", err)
	}
	files = append(files, k.part("kustomization.yaml", append([]byte(componentHead), text...)))
	edited, err := k.edited()
	if err != nil {
		return nil, nil, err
	}
	files = append(files, edited)
	for name, data := range k.stale {
		if !taken[path.Base(name)] {
			files = append(files, File{Path: name, Old: data})
		}
	}
	return files, written, nil
}

// part is a file of the component.
func (k *kustomization) part(name string, text []byte) File {
	at := path.Join(k.folder, name)
	return File{Path: at, Old: k.stale[at], New: text}
}

// edited is the kustomization's file with the component in its list.
func (k *kustomization) edited() (File, error) {
	file := File{Path: k.file, Old: k.data, New: k.data}
	if k.listed {
		return file, nil
	}
	edit := yamltext.Edit{Path: []any{"components"}, Value: []any{componentFolder}}
	if k.fields["components"] != nil {
		edit = yamltext.Edit{Path: []any{"components", yamltext.End{}}, Value: componentFolder}
	}
	var err error
	if file.New, err = k.text.Apply([]yamltext.Edit{edit}); err != nil {
		return file, fmt.Errorf("hardening in place: %s cannot be edited: %w", k.file, err)
	}
	return file, nil
}
