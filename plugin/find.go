package plugin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// ImageFinder finds every image of the rendered objects: in Pod-shaped places
// of any kind, in the fields of known custom resources, and in the fields that
// a gate declares.
type ImageFinder struct {
	// Fields are the gate's declarations for kinds that assay does not know.
	Fields []ImageField
	// Undeclared is the level of image/undeclared; the zero value denies, Info
	// is for a gate that ignores it.
	Undeclared Level
}

// ImageField declares where a kind of custom resource names an image.
type ImageField struct {
	// Group and Kind select objects; Group is empty for the core group.
	Group, Kind string
	// Path is the field that holds the whole reference, or, with Tag or Digest
	// set, its repository. "[*]" steps through lists and maps, "[name=VALUE]"
	// to the items of a list that are so named:
	// spec.template.containers[*].image, spec.args[*],
	// spec.containers[*].env[name=SIDECAR_IMAGE].value.
	Path string
	// Tag and Digest are paths relative to Path's parent, for references that
	// are split over fields.
	Tag, Digest string
	// Prefix is the text in front of the reference when Path is an argument:
	// "--sidecar-image=".
	Prefix string
}

// Validate reports whether the paths can be read and Kind is set.
func (f ImageField) Validate() error {
	if f.Kind == "" {
		return fmt.Errorf("reading image field %q: kind is missing", f.Path)
	}
	_, err := f.places()
	return err
}

// places reads the field's paths: the reference or repository, the tag, the
// digest.
func (f ImageField) places() ([3][]step, error) {
	var places [3][]step
	for i, text := range []string{f.Path, f.Tag, f.Digest} {
		if text == "" && i > 0 {
			continue
		}
		path, err := parsePath(text)
		if err != nil {
			return places, fmt.Errorf("reading image field %s/%s: %w", f.Group, f.Kind, err)
		}
		places[i] = path
	}
	split := f.Tag != "" || f.Digest != ""
	switch {
	case split && f.Prefix != "":
		return places, fmt.Errorf("reading image field %s/%s: prefix is for whole references, tag and digest for split ones", f.Group, f.Kind)
	case split && places[0][len(places[0])-1].kind != keyStep:
		return places, fmt.Errorf("reading image field %s/%s: the repository's path %q ends in a list; it must end in a field beside tag and digest", f.Group, f.Kind, f.Path)
	}
	return places, nil
}

// Find returns one image for each unique reference as written, sorted by it,
// and findings about references that cannot be parsed (image/invalid), places
// that look like images but are declared nowhere (image/undeclared), and kinds
// that make Pods from an image that they do not name (image/implicit).
func (f ImageFinder) Find(objects []Object) ([]Image, []Finding) {
	found := findings{tables: newTables(), images: map[string]*Image{}}
	fields := f.readable(&found)
	for i, object := range objects {
		search := search{
			findings: &found, declared: fields, undeclared: f.Undeclared,
			index: i, object: object, id: object.ID(), claimed: map[string]bool{},
		}
		search.run()
	}
	images := make([]Image, 0, len(found.images))
	for _, image := range found.images {
		slices.SortFunc(image.Uses, func(a, b Use) int {
			return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Field, b.Field))
		})
		images = append(images, *image)
	}
	slices.SortFunc(images, func(a, b Image) int { return cmp.Compare(a.Written, b.Written) })
	SortFindings(found.list)
	return images, found.list
}

func (f ImageFinder) readable(found *findings) []ImageField {
	var fields []ImageField
	for _, field := range f.Fields {
		if err := field.Validate(); err != nil {
			found.list = append(found.list, Finding{
				Rule: "image/invalid", Message: err.Error(), Hint: "correct the entry of images.fields in the gate",
			})
			continue
		}
		fields = append(fields, field)
	}
	return fields
}

// findings collects what all objects hold.
type findings struct {
	tables

	images map[string]*Image
	list   []Finding
}

// search looks through one object.
type search struct {
	*findings

	declared   []ImageField
	undeclared Level
	index      int
	object     Object
	id         ObjectID
	claimed    map[string]bool
}

// run claims the places that are known to hold images first, so that what is
// left may be suspected.
func (s *search) run() {
	s.claimDeclared(s.object.Fields, nil)
	if holdsText(s.id) {
		return
	}
	s.claimKnown(s.object.Fields, nil)
	trail := make([]step, 0, usualDepth)
	s.claimShapes(s.object.Fields, trail, scope{groups: []string{s.id.Group()}, patterns: holdsPatterns(s.id), strict: isWorkload(s.id)})
	kind, _ := s.kind(s.id)
	s.suspect(s.object.Fields, trail, !isBuiltIn(s.id.Group()) && !kind.opaque)
}

// usualDepth is how deep most objects are; the walks share one path so long.
const usualDepth = 24

// place is where a reference stands: whole, behind a prefix, or split.
type place struct {
	path, tag, digest []step
	prefix, container string
}

// claim takes the reference that stands at a place. It reports whether there
// was one.
func (s *search) claim(where place) bool {
	field := formatPath(where.path)
	if s.claimed[field] {
		return true
	}
	value, found := lookup(s.object.Fields, where.path)
	if !found || value == nil {
		return false
	}
	text, ok := value.(string)
	if !ok {
		s.claimed[field] = true
		s.invalid(field, "", fmt.Sprintf("the image is %s, not a string", typeName(value)))
		return true
	}
	if !strings.HasPrefix(text, where.prefix) {
		return false
	}
	s.claimed[field] = true
	written := strings.TrimPrefix(text, where.prefix)
	if where.tag != nil || where.digest != nil {
		s.claimSplit(where, text)
		return true
	}
	if written == "" {
		return false
	}
	s.record(where, written)
	return true
}

// record keeps a use of a reference as written.
func (s *search) record(where place, written string) {
	field := formatPath(where.path)
	reference, err := ParseReference(written)
	if err != nil {
		message := err.Error()
		if strings.ContainsAny(written, "{$") {
			message += ": what is filled in at run time can be neither pinned nor verified"
		}
		s.invalid(field, written, message)
		return
	}
	image := s.images[written]
	if image == nil {
		image = &Image{Written: written, Reference: reference}
		s.images[written] = image
	}
	fields := s.object.Fields
	image.Uses = append(image.Uses, Use{
		Object: s.index, ID: s.id, Origin: s.object.Origin, Field: field, Container: where.container,
		set: func(pinned Image) error { return where.write(fields, pinned) },
	})
}

func (s *search) invalid(field, written, message string) {
	s.report(Finding{
		Rule: "image/invalid", Field: field, Image: written, Message: message,
		Why:  "an image that cannot be read can be neither pinned nor verified",
		Hint: "write the reference as registry/repository:tag, in lower case",
	})
}

// report adds a finding about the object.
func (s *search) report(finding Finding) {
	finding.Object, finding.Origin = s.id, s.object.Origin
	finding.Image, finding.Message = RedactReference(finding.Image), RedactText(finding.Message)
	s.list = append(s.list, finding)
}

func typeName(value any) string {
	switch value.(type) {
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	case bool:
		return "a boolean"
	}
	return "a number"
}
