package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// fillContent writes the content hash of every finding about an object. When
// the run is stopped on the way, the rest has none.
func (r *run) fillContent(ctx context.Context) {
	contents := newContents(r.objects)
	findings := r.verdict.Findings
	for i := range findings {
		if ctx.Err() != nil {
			r.undecided(ctx, findings[i:])
			return
		}
		if finding := &findings[i]; finding.Content == "" && !finding.Object.IsZero() {
			finding.Content = contents.of(ctx, finding.Object, finding.Field)
		}
	}
}

// contents hashes what exceptions are bound to, each text once: an application
// chooses how many findings there are about one object, and how large it is.
type contents struct {
	objects []Object
	byID    map[ObjectID][]int
	known   map[contentKey]string
}

// contentKey is an object and the part of it that is hashed.
type contentKey struct {
	object ObjectID
	part   string
}

func newContents(objects []Object) *contents {
	c := &contents{objects: objects, byID: map[ObjectID][]int{}, known: map[contentKey]string{}}
	for i, object := range objects {
		id := object.ID()
		c.byID[id] = append(c.byID[id], i)
	}
	return c
}

// of hashes what an exception for a finding is bound to. Objects that share an
// identity are hashed whole and together, so that an exception for the one does
// not cover its double. It is empty when there is nothing to bind to.
func (c *contents) of(ctx context.Context, id ObjectID, field string) string {
	objects := c.byID[id]
	if len(objects) == 0 {
		return ""
	}
	var part []step // the whole object
	if len(objects) == 1 && !isSecret(id) {
		part = contentPart(c.objects[objects[0]].Fields, field)
	}
	key := contentKey{id, formatPath(part)}
	if _, known := c.known[key]; !known {
		c.known[key] = c.hash(ctx, objects, part)
	}
	return c.known[key]
}

// hash is empty when a value cannot be written or the run is stopped: no hash,
// no exception bound to one.
func (c *contents) hash(ctx context.Context, objects []int, part []step) string {
	hash := sha256.New()
	for _, i := range objects {
		object := MaskObject(c.objects[i]) // the hash of a short password is as good as the password
		value, _ := lookup(object.Fields, part)
		text, err := appendJSON(nil, value)
		if err != nil || ctx.Err() != nil {
			return ""
		}
		hash.Write(text)
		if len(objects) > 1 {
			hash.Write([]byte("\n"))
		}
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}

// contentPart is the part of an object that a finding about the field is bound
// to: the whole container around the field, so that an exception for one
// container does not cover another that takes its place; else the field's
// value; else, as an absent value says nothing of its surroundings, the object
// that would hold it. A field that cannot be read stands for the whole object.
func contentPart(fields map[string]any, field string) []step {
	path, err := parsePath(field)
	if err != nil {
		return nil
	}
	if end := containerEnd(path); end > 0 {
		path = path[:end]
	}
	value, _ := lookup(fields, path)
	for len(path) > 0 && value == nil {
		path = path[:len(path)-1]
		value, _ = lookup(fields, path)
	}
	return path
}

// containerEnd is the length of the path of the outermost container that the
// path leads into; zero when there is none.
func containerEnd(path []step) int {
	lists := []string{"containers", "initContainers", "ephemeralContainers", "steps", "sidecars"}
	for i := 1; i < len(path); i++ {
		if path[i].kind == indexStep && path[i-1].kind == keyStep && slices.Contains(lists, path[i-1].key) {
			return i + 1
		}
	}
	return 0
}
