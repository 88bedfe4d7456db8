package migrate

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
	"github.com/assay-gitops/assay/plugin/render"
)

// Problem is something that stands in the way.
type Problem struct {
	// Where is the file and the line, as far as it is known; Field is the place in
	// the object.
	Where               plugin.Origin
	Field, Reason, Hint string
}

// File is one file with Applications.
type File struct {
	// Path is relative to the root. New is Old where nothing is to be done.
	Path     string
	Old, New []byte
	// Sources counts what is rewritten.
	Sources int
	// Proven counts sources, of sets those of each Application, that render to
	// the same objects.
	Proven int
	// Refused cannot be carried over; Different renders to something else;
	// Unproven could not be compared.
	Refused, Different, Unproven []Problem
	// Varies are fields of proven sources that are another value each time that
	// the source is rendered, as it was written, too.
	Varies []Problem

	// document is set for a text that is no file of the tree.
	document bool
}

// rewriting is one file.
type rewriting struct {
	*mover

	file         *File
	text         *yamltext.Text
	replacements []yamltext.Replacement
}

// rewrite makes the new text, or says what is refused.
func (m *mover) rewrite(file *File) {
	text, err := yamltext.Parse(file.Old)
	r := &rewriting{mover: m, file: file, text: text}
	if err != nil {
		r.refuse(0, "", err.Error(), "correct it; what a template renders to is changed in the template, by hand")
		return
	}
	for _, object := range text.Objects() {
		if !strings.HasPrefix(object.APIVersion, "argoproj.io/") {
			continue
		}
		switch object.Kind {
		case "Application":
			r.spec(object.Document, append(slices.Clone(object.Path), "spec"), "spec")
		case "ApplicationSet":
			r.set(object.Document, object.Path)
		}
	}
	if len(file.Refused) > 0 {
		return
	}
	made, err := text.Replace(r.replacements)
	if err != nil {
		r.refuse(0, "", "rewriting it: "+err.Error(), "write it in the plain form, each field on a line of its own")
		return
	}
	file.New, file.Sources = made, len(r.replacements)
}

func (r *rewriting) refuse(line int, field, reason, hint string) {
	r.file.Refused = append(r.file.Refused, Problem{plugin.Origin{File: r.file.Path, Line: line}, field, reason, hint})
}

// set rewrites the template of an ApplicationSet and those of its generators.
func (r *rewriting) set(document int, path []any) {
	if !r.written(document, append(slices.Clone(path), "spec")) {
		return
	}
	spec, err := r.text.Mapping(document, append(slices.Clone(path), "spec"))
	if err != nil {
		r.refuse(0, "spec", err.Error(), "write the ApplicationSet out")
		return
	}
	if patch := member(spec, "templatePatch"); patch.Value != "" {
		for _, block := range []string{"source", "helm:", "kustomize:", "directory:"} {
			if strings.Contains(patch.Value, block) {
				r.refuse(patch.Line, "spec.templatePatch", "it changes a source, and is text until it is rendered", "write the plugin's parameters in it by hand, or move it into the template")
				break
			}
		}
	}
	if r.written(document, append(slices.Clone(path), "spec", "template")) {
		r.spec(document, append(slices.Clone(path), "spec", "template", "spec"), "spec.template.spec")
	}
	r.generators(document, append(slices.Clone(path), "spec", "generators"), member(spec, "generators"))
}

// generators look for templates of their own, however deep.
func (r *rewriting) generators(document int, path []any, node *yaml.Node) {
	for i := range node.Content {
		switch {
		case node.Kind == yaml.SequenceNode:
			r.generators(document, append(slices.Clone(path), i), node.Content[i])
		case node.Kind != yaml.MappingNode || i%2 == 1:
		case node.Content[i].Value == "template" && member(node.Content[i+1], "spec").Kind == yaml.MappingNode:
			spec := append(slices.Clone(path), "template", "spec")
			r.spec(document, spec, dotted(spec))
		case node.Content[i].Value != "elements" && node.Content[i].Value != "values":
			r.generators(document, append(slices.Clone(path), node.Content[i].Value), node.Content[i+1])
		}
	}
}

func dotted(path []any) string {
	var out strings.Builder
	for i, step := range path {
		if name, is := step.(string); is {
			if i > 0 {
				out.WriteByte('.')
			}
			out.WriteString(name)
		} else {
			fmt.Fprintf(&out, "[%v]", step)
		}
	}
	return out.String()
}

// place is where a source stands.
type place struct {
	path []any
	at   string
	node *yaml.Node
	read render.ArgoSource
}

// written reports whether the last member of a path is there.
func (r *rewriting) written(document int, path []any) bool {
	holder, err := r.text.Mapping(document, path[:len(path)-1])
	name, named := path[len(path)-1].(string)
	return err != nil || !named || holder.Kind != yaml.MappingNode || slices.ContainsFunc(holder.Content, func(node *yaml.Node) bool { return node.Value == name })
}

// spec rewrites the sources of one Application or template.
func (r *rewriting) spec(document int, path []any, at string) {
	if !r.written(document, path) {
		return // a patch of something else, or of metadata
	}
	spec, err := r.text.Mapping(document, path)
	if err != nil {
		r.refuse(0, at, err.Error(), "write the source out")
		return
	}
	var places []place
	has := func(name string) bool { return member(spec, name).Kind != yaml.ScalarNode }
	if has("source") && has("sources") {
		r.refuse(member(spec, "source").Line, at+".source", "there is sources too, and Argo CD passes over source", "keep one of them")
		return
	}
	add := func(at string, steps ...any) {
		places = append(places, place{path: append(slices.Clone(path), steps...), at: at})
	}
	if has("source") {
		add(at+".source", "source")
	}
	for i := range member(spec, "sources").Content {
		add(fmt.Sprintf("%s.sources[%d]", at, i), "sources", i)
	}
	if hydrator := member(spec, "sourceHydrator"); member(hydrator, "drySource").Kind == yaml.MappingNode {
		add(at+".sourceHydrator.drySource", "sourceHydrator", "drySource")
	}
	references := map[string]render.ArgoSource{}
	for i := range places {
		if !r.read(document, &places[i]) {
			return
		}
		if ref := places[i].read.Ref; ref != "" {
			references[ref] = places[i].read
		}
	}
	for _, each := range places {
		r.source(document, each, references)
	}
}

// read reads a source; false when it cannot be.
func (r *rewriting) read(document int, p *place) bool {
	node, err := r.text.Mapping(document, p.path)
	if err != nil {
		r.refuse(0, p.at, err.Error(), "write the source out, without aliases and merges")
		return false
	}
	p.node = node
	var written map[string]any
	if err := node.Decode(&written); err != nil {
		r.refuse(node.Line, p.at, "it cannot be read: "+err.Error(), "write it as an Application of argoproj.io/v1alpha1 does")
		return false
	}
	source, unknown, err := render.DecodeArgoSource(written)
	for _, field := range unknown {
		r.refuse(node.Line, p.at+"."+field, "there is no such field, and Argo CD passes over it", "correct its name, or remove it")
	}
	for _, finding := range plugin.FindingsFromError("migrate", err) {
		r.refuse(node.Line, p.at, finding.Message, finding.Hint)
	}
	p.read = source
	return err == nil && len(unknown) == 0
}

// source rewrites one source; one that is there to be referred to, and one that
// is the plugin's already, stays.
func (r *rewriting) source(document int, p place, references map[string]render.ArgoSource) {
	if p.read.Ref != "" && p.read.Path == "" && p.read.Chart == "" {
		return
	}
	var found []string
	for _, block := range []string{render.KindHelm, render.KindKustomize, render.KindDirectory} {
		if member(p.node, block).Kind == yaml.MappingNode {
			found = append(found, block)
		}
	}
	if existing := p.read.Plugin; existing != nil {
		own := existing.Name == render.ArgoPluginName || strings.HasPrefix(existing.Name, render.ArgoPluginName+"-v")
		switch {
		case !own:
			r.refuse(p.node.Line, p.at+".plugin.name", fmt.Sprintf("it is %q, and what another plugin renders is not known here", existing.Name), "write what it does as a helm, kustomize or directory block first")
		case len(found) > 0:
			r.refuse(p.node.Line, p.at+"."+found[0], "there is a plugin too, and Argo CD renders with one tool", "keep one of them")
		}
		return
	}
	if len(found) > 1 {
		r.refuse(p.node.Line, p.at, "it has the blocks "+strings.Join(found, " and ")+", and Argo CD renders with one tool", "keep one of them")
		return
	}
	kind := ""
	if len(found) == 1 {
		kind = found[0]
	}
	c := &carrying{text: r.text, source: p.read, references: references, at: p.at, refuse: r.refuse, checkout: r.Elsewhere, own: r.Own, limits: r.Limits}
	if kind != "" {
		c.block = member(p.node, kind)
	}
	r.replacements = append(r.replacements, yamltext.Replacement{Document: document, Path: p.path, Old: kind, New: "plugin", Value: c.plugin(kind)})
}
