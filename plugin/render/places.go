package render

import (
	"path"
	"regexp"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// placeIndex knows where the objects of a kustomization stand, in the order in
// which kustomize reads them. kustomize can note that itself
// (buildMetadata: originAnnotations), but then it also notes every
// transformation, which costs a third of the build, and the annotation is
// there for patches to see.
type placeIndex struct {
	walk     *kustomizeWalk
	inflated map[string][]string
	// byKind lists places in order; known keeps what one file holds.
	byKind map[string][]*place
	known  map[string][]place
	root   string
}

// place is where an object stands and what it is called there.
type place struct {
	kind, name string
	origin     plugin.Origin
	taken      bool
}

// folder adds what one kustomization brings, in kustomize's order. It runs
// after a build that succeeded, so folders do not go in a circle.
func (x *placeIndex) folder(folder string) {
	page, visited := x.walk.pages[folder]
	if !visited {
		return
	}
	if x.byKind == nil {
		x.byKind, x.root = map[string][]*place{}, page.lines.file
	}
	x.entries(folder, page.k.Resources)
	for i, generator := range page.k.ConfigMapGenerator {
		x.add(place{kind: "ConfigMap", name: generator.Name, origin: page.lines.item(generator.Name, "configMapGenerator", i)})
	}
	for i, generator := range page.k.SecretGenerator {
		x.add(place{kind: "Secret", name: generator.Name, origin: page.lines.item(generator.Name, "secretGenerator", i)})
	}
	for _, file := range x.inflated[folder] {
		x.file(file)
	}
	x.entries(folder, page.k.Components)
}

func (x *placeIndex) entries(folder string, entries []string) {
	for _, entry := range entries {
		name := path.Join(folder, entry)
		if x.walk.files.isFile(name) {
			x.file(name)
		} else {
			x.folder(name)
		}
	}
}

func (x *placeIndex) add(found place) { x.byKind[found.kind] = append(x.byKind[found.kind], &found) }

func (x *placeIndex) file(name string) {
	places, known := x.known[name]
	if !known {
		data, err := x.walk.files.read(name)
		if err != nil {
			return
		}
		places = readPlaces(data, name, x.walk.files.tree.limits)
		if from, generated := x.walk.files.generated[name]; generated {
			for i := range places {
				places[i].origin = from
			}
		}
		x.known[name] = places
	}
	for _, found := range places {
		x.add(found)
	}
}

var (
	kindPattern = regexp.MustCompile(`(?m)^kind:[ \t]*["']?([^\s"'#]+)`)
	namePattern = regexp.MustCompile(`(?m)^metadata:[ \t]*(?:#.*)?\r?\n(?:  +.*\n|[ \t]*\r?\n)*?  ?name:[ \t]*["']?([^\s"'#]+)`)
)

// readPlaces finds the objects of one file: by a look at the text of plain
// ones, else by decoding.
func readPlaces(data []byte, file string, limits plugin.Limits) []place {
	var places []place
	for _, document := range splitDocuments(data) {
		at := plugin.Origin{File: file, Line: document.line}
		kind, name := submatch(kindPattern, document.text), submatch(namePattern, document.text)
		if name != "" && kind != "" && !strings.HasSuffix(kind, "List") {
			places = append(places, place{kind: kind, name: name, origin: at})
			continue
		}
		stream := stream{limits: limits, lenient: true, file: file}
		decoded, err := decodeYAML(document.text, limits, at)
		if err != nil || stream.add(decoded.value, at) != nil {
			continue // kustomize reads it in another way; its line stays unknown
		}
		for _, object := range stream.objects {
			id := object.ID()
			places = append(places, place{kind: id.Kind, name: id.Name, origin: at})
		}
	}
	return places
}

func submatch(pattern *regexp.Regexp, text []byte) string {
	if match := pattern.FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return ""
}

// find returns the place of a built object. On the way its name may have got a
// prefix and a suffix, so the longest name that it holds is its own; of
// several, the first that no object took yet. An object that fits nowhere
// comes from the root kustomization.
func (x *placeIndex) find(id plugin.ObjectID) plugin.Origin {
	var best *place
	for _, candidate := range x.byKind[id.Kind] {
		if !strings.Contains(id.Name, candidate.name) {
			continue
		}
		if best == nil || len(candidate.name) > len(best.name) || len(candidate.name) == len(best.name) && best.taken && !candidate.taken {
			best = candidate
		}
	}
	if best == nil {
		return plugin.Origin{File: x.root}
	}
	best.taken = true
	return best.origin
}
