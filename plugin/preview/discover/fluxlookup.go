package discover

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/fluxcd/pkg/sourceignore"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// Manifests are the objects in the YAML files of a tree that definitions name:
// sources of Flux, ConfigMaps, Secrets and GatedSources. The tree is read at the
// first question. It may be used by many goroutines.
type Manifests struct {
	root   *os.Root
	limits plugin.Limits
	once   sync.Once
	// where holds the places of objects; their content is read when it is asked for.
	where map[manifestKey][]manifestPlace
	// ignore are the .sourceignore files.
	ignore []plugin.FluxIgnore
	guard  sync.Mutex
	// asked are the objects that were asked for; nobody changes them.
	asked map[plugin.Origin]plugin.Object
}

// mostAsked bounds the objects that are kept.
const mostAsked = 1_000

// manifestKey names an object whatever its namespace: a kustomization may set
// that.
type manifestKey struct{ group, kind, name string }

type manifestPlace struct {
	namespace string
	origin    plugin.Origin
}

// NewManifests reads nothing yet.
func NewManifests(root *os.Root, limits plugin.Limits) *Manifests {
	return &Manifests{root: root, limits: limits}
}

// manifestMarks are the texts of which a file has one when it holds an object
// that is kept.
func manifestMarks() [][]byte {
	return [][]byte{[]byte("kind: ConfigMap"), []byte("kind: Secret"), []byte(groupSource + "/"), []byte(groupOwn + "/")}
}

func isKept(id plugin.ObjectID) bool {
	switch id.Group() {
	case "":
		return id.Kind == "ConfigMap" || id.Kind == "Secret"
	case groupOwn:
		return id.Kind == "GatedSource"
	}
	return id.Group() == groupSource
}

// scan finds the places. Files that cannot be read hold nothing that is found:
// templates of charts are such.
func (m *Manifests) scan(ctx context.Context) {
	m.where = map[manifestKey][]manifestPlace{}
	_ = fs.WalkDir(m.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return fs.SkipAll
		case err != nil: // a folder that cannot be listed
			return fs.SkipDir
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		case entry.Name() == sourceignore.IgnoreFile:
			if data, ok := readBounded(m.root, name, m.limits); ok {
				m.ignore = append(m.ignore, plugin.FluxIgnore{Folder: path.Dir(name), Patterns: string(data)})
			}
			return nil
		case !isYAML(name):
			return nil
		}
		for _, object := range m.file(ctx, name, manifestMarks()) {
			if id := object.ID(); isKept(id) {
				key := manifestKey{id.Group(), id.Kind, id.Name}
				m.where[key] = append(m.where[key], manifestPlace{id.Namespace, object.Origin})
			}
		}
		return nil
	})
}

func isYAML(name string) bool {
	extension := path.Ext(name)
	return extension == ".yaml" || extension == ".yml"
}

// file reads the objects of a file that has one of the marks.
func (m *Manifests) file(ctx context.Context, name string, marks [][]byte) []plugin.Object {
	data, ok := readBounded(m.root, name, m.limits)
	if !ok || !slices.ContainsFunc(marks, func(mark []byte) bool { return bytes.Contains(data, mark) }) {
		return nil
	}
	rendering, err := render.New(render.Options{Limits: m.limits}).Render(ctx, plugin.Source{
		Root: m.root, Path: name, Parameters: plugin.Parameters{Kind: render.KindDirectory},
	})
	if err != nil {
		return nil
	}
	return rendering.Objects
}

// places are where objects of that kind and name stand.
func (m *Manifests) places(ctx context.Context, id plugin.ObjectID) []manifestPlace {
	m.once.Do(func() { m.scan(ctx) })
	return m.where[manifestKey{id.Group(), id.Kind, id.Name}]
}

// ignored are the .sourceignore files, those of outer folders first.
func (m *Manifests) ignored(ctx context.Context) []plugin.FluxIgnore {
	m.once.Do(func() { m.scan(ctx) })
	return m.ignore
}

// read reads the object at a place.
func (m *Manifests) read(ctx context.Context, id plugin.ObjectID, at plugin.Origin) (plugin.Object, bool) {
	m.guard.Lock()
	defer m.guard.Unlock()
	if object, kept := m.asked[at]; kept {
		return object, true
	}
	for _, object := range m.file(ctx, at.File, manifestMarks()) {
		if got := object.ID(); object.Origin == at && got.Kind == id.Kind && got.Name == id.Name {
			if m.asked == nil || len(m.asked) >= mostAsked {
				m.asked = map[plugin.Origin]plugin.Object{}
			}
			m.asked[at] = object
			return object, true
		}
	}
	return plugin.Object{}, false
}

// shared counts the folders that two paths begin with together.
func shared(a, b string) int {
	left, right := strings.Split(a, "/"), strings.Split(b, "/")
	count := 0
	for count < min(len(left), len(right)) && left[count] == right[count] {
		count++
	}
	return count
}

func inNamespace(object plugin.Object, namespace string) plugin.Object {
	if namespace == "" || object.ID().Namespace == namespace {
		return object
	}
	object = object.DeepCopy()
	if metadata, ok := object.Fields["metadata"].(map[string]any); ok {
		metadata["namespace"] = namespace
	}
	return object
}

// lookup finds an object that something in the file near names. What stands in
// the same rendering counts first. Otherwise, of several in the tree the one
// whose folder is nearest counts, as clusters have each their own; where two are
// equally near they have to say the same. One without a namespace is taken where
// none has the right one: a kustomization may set it.
func (s *fluxSearch) lookup(id plugin.ObjectID, near string) (plugin.Object, lookedUp) {
	given := s.besides(id)
	if len(s.parents) > 0 && len(given) == 1 {
		return inNamespace(given[0], id.Namespace), isThere
	}
	given = append(given, s.elsewheres(id)...)
	var candidates []manifestPlace
	add := func(at manifestPlace) {
		if !slices.ContainsFunc(candidates, func(c manifestPlace) bool { return c == at }) {
			candidates = append(candidates, at)
		}
	}
	for _, object := range given {
		add(manifestPlace{object.ID().Namespace, object.Origin})
	}
	for _, at := range s.manifests().places(s.ctx, id) {
		add(at)
	}
	var found []plugin.Object
	for _, at := range s.nearest(candidates, id.Namespace, near) {
		before := len(found)
		for _, object := range given {
			if (manifestPlace{object.ID().Namespace, object.Origin}) == at {
				found = append(found, object)
			}
		}
		if object, there := s.manifests().read(s.ctx, id, at.origin); there && len(found) == before {
			found = append(found, object)
		}
	}
	switch {
	case len(found) == 0:
		return plugin.Object{}, isNowhere
	case slices.ContainsFunc(found[1:], func(o plugin.Object) bool { return !sameContent(o, found[0]) }):
		return plugin.Object{}, isAmbiguous
	}
	return inNamespace(found[0], id.Namespace), isThere
}

func (s *fluxSearch) manifests() *Manifests {
	if s.tree.Manifests == nil {
		s.tree.Manifests = NewManifests(s.tree.Root, s.tree.Limits)
	}
	return s.tree.Manifests
}

// sameContent compares what objects say besides what they are called.
func sameContent(a, b plugin.Object) bool {
	content := func(o plugin.Object) map[string]any {
		fields := maps.Clone(o.Fields)
		delete(fields, "metadata")
		return fields
	}
	return reflect.DeepEqual(content(a), content(b))
}

// besides are the objects of the search with that kind and name, in that
// namespace or in none.
func (s *fluxSearch) besides(id plugin.ObjectID) []plugin.Object {
	if s.beside == nil {
		s.beside = indexOf(s.objects)
	}
	return named(s.beside, id)
}

// elsewheres are such objects of other renderings.
func (s *fluxSearch) elsewheres(id plugin.ObjectID) []plugin.Object {
	if s.elsewhere == nil {
		s.elsewhere = indexOf(s.tree.Rendered)
	}
	return named(s.elsewhere, id)
}

func indexOf(objects []plugin.Object) map[manifestKey][]plugin.Object {
	index := map[manifestKey][]plugin.Object{}
	for _, object := range objects {
		if id := object.ID(); isKept(id) {
			key := manifestKey{id.Group(), id.Kind, id.Name}
			index[key] = append(index[key], object)
		}
	}
	return index
}

func named(index map[manifestKey][]plugin.Object, id plugin.ObjectID) []plugin.Object {
	return slices.DeleteFunc(slices.Clone(index[manifestKey{id.Group(), id.Kind, id.Name}]), func(object plugin.Object) bool {
		namespace := object.ID().Namespace
		return namespace != id.Namespace && namespace != ""
	})
}

// lookedUp is what came of looking for an object.
type lookedUp int

const (
	isNowhere lookedUp = iota
	isThere
	// isAmbiguous is one that several files define, none of them nearer than all
	// others.
	isAmbiguous
)

// why is the reason for which something is not seen.
func (l lookedUp) why() string {
	if l == isAmbiguous {
		return "several files of this repository define it, and none of them is nearest"
	}
	return "no file of this repository defines it"
}

// nearest are the places in the namespace, or in none where there is no such,
// that are nearest to what was rendered, and of these those nearest to the file.
func (s *fluxSearch) nearest(all []manifestPlace, namespace, file string) []manifestPlace {
	in := func(namespace string) []manifestPlace {
		return slices.DeleteFunc(slices.Clone(all), func(p manifestPlace) bool { return p.namespace != namespace })
	}
	candidates := in(namespace)
	if len(candidates) == 0 {
		candidates = in("")
	}
	for _, near := range []string{s.tree.Near, file} {
		most := 0
		for _, each := range candidates {
			most = max(most, shared(path.Dir(each.origin.File), path.Dir(near)))
		}
		candidates = slices.DeleteFunc(candidates, func(p manifestPlace) bool { return shared(path.Dir(p.origin.File), path.Dir(near)) < most })
	}
	return candidates
}
