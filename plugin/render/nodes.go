package render

import (
	"path"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/resmap"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// originAnnotation is where kustomize notes an object's file.
const originAnnotation = "config.kubernetes.io/origin"

// nodeReader takes the objects out of kustomize's nodes. Writing them as YAML
// and reading that again would cost more than the rest of the rendering.
type nodeReader struct {
	files  *kustomizeFiles
	folder string
	// keepOrigins leaves the annotation in, as the author asked for it.
	keepOrigins bool
	limits      plugin.Limits
	bytes       int64
	places      map[string][]place
}

func (r *nodeReader) objects(built resmap.ResMap) ([]plugin.Object, error) {
	objects := make([]plugin.Object, 0, built.Size())
	for _, resource := range built.Resources() {
		at := plugin.Origin{File: r.folder}
		var fields map[string]any
		if err := resource.YNode().Decode(&fields); err != nil {
			return nil, invalid(at, "reading "+resource.CurId().String()+" from kustomize", err)
		}
		if _, err := newNormaliser(r.limits, at).value(fields, 1); err != nil {
			return nil, err
		}
		if r.bytes += textSize(fields); r.bytes > r.limits.RenderedBytes {
			return nil, overLimit("renderedBytes", r.limits, at)
		}
		object := plugin.Object{Fields: fields}
		object.Origin = r.origin(object)
		objects = append(objects, object)
	}
	return objects, nil
}

// textSize is a lower bound of the bytes that a value takes as text.
func textSize(value any) int64 {
	switch value := value.(type) {
	case string:
		return int64(len(value)) + 2
	case map[string]any:
		total := int64(2)
		for key, member := range value {
			total += int64(len(key)) + 2 + textSize(member)
		}
		return total
	case []any:
		total := int64(2)
		for _, item := range value {
			total += textSize(item) + 2
		}
		return total
	}
	return 1
}

// origin reads kustomize's note and removes it.
func (r *nodeReader) origin(object plugin.Object) plugin.Origin {
	metadata, _ := object.Fields["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	written, noted := annotations[originAnnotation].(string)
	if noted && !r.keepOrigins {
		delete(annotations, originAnnotation)
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
	}
	note := struct {
		Path         string `yaml:"path"`
		ConfiguredIn string `yaml:"configuredIn"`
	}{}
	if !noted || kyaml.Unmarshal([]byte(written), &note) != nil {
		return plugin.Origin{File: r.rootFile()}
	}
	if note.Path == "" {
		return plugin.Origin{File: path.Join(r.folder, note.ConfiguredIn)}
	}
	file := path.Join(r.folder, note.Path)
	if from, generated := r.files.generated[file]; generated {
		return from
	}
	return plugin.Origin{File: file, Line: r.line(file, object.ID())}
}

func (r *nodeReader) rootFile() string {
	if name, found := r.files.kustomization(r.folder); found {
		return name
	}
	return r.folder
}

// place is where one document of a file begins and what it calls itself.
type place struct {
	kind, name string
	line       int
}

var (
	kindPattern = regexp.MustCompile(`(?m)^kind:[ \t]*["']?([^\s"'#]+)`)
	namePattern = regexp.MustCompile(`(?m)^metadata:[ \t]*(?:#.*)?\n(?:[ \t]+.*\n|[ \t]*\n)*?[ \t]+name:[ \t]*["']?([^\s"'#]+)`)
)

// line finds an object in its file. Its name may have got a prefix or suffix
// on the way; zero means that it is not plain which document it was.
func (r *nodeReader) line(file string, id plugin.ObjectID) int {
	places, known := r.places[file]
	if !known {
		data, err := r.files.read(file)
		if err != nil {
			return 0
		}
		for _, document := range splitDocuments(data) {
			places = append(places, place{kind: submatch(kindPattern, document.text), name: submatch(namePattern, document.text), line: document.line})
		}
		if r.places == nil {
			r.places = map[string][]place{}
		}
		r.places[file] = places
	}
	if len(places) == 1 {
		return places[0].line
	}
	best := place{}
	for _, place := range places {
		if place.kind == id.Kind && strings.Contains(id.Name, place.name) && len(place.name) > len(best.name) {
			best = place
		}
	}
	return best.line
}

func submatch(pattern *regexp.Regexp, text []byte) string {
	if match := pattern.FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return ""
}
