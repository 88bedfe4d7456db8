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
	// named are the places by what stands there; known keeps what one file holds.
	named map[placeName]*samePlaces
	known map[string][]place
	// added counts the places.
	added int
	root  string
}

// place is where an object stands and what it is called there.
type place struct {
	kind, name string
	origin     plugin.Origin
	// order is the place's number.
	order int
}

type placeName struct{ kind, name string }

// samePlaces are the places of one kind and name in order, the first of which
// are taken by an object each.
type samePlaces struct {
	list  []place
	taken int
}

// next is the first place that no object took yet, else the first.
func (s *samePlaces) next() (found place, taken bool) {
	if s.taken < len(s.list) {
		return s.list[s.taken], false
	}
	return s.list[0], true
}

// folder adds what one kustomization brings, in kustomize's order. It runs
// after a build that succeeded, so folders do not go in a circle.
func (x *placeIndex) folder(folder string) {
	page, visited := x.walk.pages[folder]
	if !visited {
		return
	}
	if x.named == nil {
		x.named, x.root = map[placeName]*samePlaces{}, page.lines.file
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

func (x *placeIndex) add(found place) {
	name := placeName{found.kind, found.name}
	if x.named[name] == nil {
		x.named[name] = &samePlaces{}
	}
	found.order = x.added
	x.added++
	x.named[name].list = append(x.named[name].list, found)
}

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
	for length := len(id.Name); length >= 0; length-- {
		if best := x.ofLength(id, length); best != nil {
			found, taken := best.next()
			if !taken {
				best.taken++
			}
			return found.origin
		}
	}
	return plugin.Origin{File: x.root}
}

// ofLength returns the places of the best name of one length: a look at each
// part of the object's name, however many places there are.
func (x *placeIndex) ofLength(id plugin.ObjectID, length int) *samePlaces {
	var best *samePlaces
	for start := 0; start+length <= len(id.Name); start++ {
		candidate := x.named[placeName{id.Kind, id.Name[start : start+length]}]
		if candidate == nil {
			continue
		}
		if best == nil {
			best = candidate
			continue
		}
		at, taken := best.next()
		other, otherTaken := candidate.next()
		if taken && !otherTaken || taken == otherTaken && other.order < at.order {
			best = candidate
		}
	}
	return best
}
