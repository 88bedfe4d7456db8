package plugin

import (
	"fmt"
	"strings"
)

// Object is one rendered Kubernetes object.
type Object struct {
	// Fields is the object's content in JSON's types: map[string]any, []any,
	// string, bool, int64, float64 and nil. Stages that change an object replace
	// maps and slices, they never share them between objects.
	Fields map[string]any
	// Origin is where the object came from, as far as the renderer can know.
	Origin Origin
}

// Origin names a place in the source tree.
type Origin struct {
	// File is a slash-separated path relative to the root of the source tree.
	File string `json:"file,omitempty"`
	// Line counts from 1; zero means unknown.
	Line int `json:"line,omitempty"`
}

// String is file:line, file, or the empty string.
func (o Origin) String() string {
	if o.File == "" || o.Line == 0 {
		return o.File
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// ObjectID identifies an object within one rendering.
type ObjectID struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}

// IsZero reports whether the id names no object.
func (id ObjectID) IsZero() bool { return id == ObjectID{} }

// Group is the API group; empty for the core group.
func (id ObjectID) Group() string {
	group, _, found := strings.Cut(id.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

// String is the form used in messages: kind/name, with the namespace in front
// of the name when there is one.
func (id ObjectID) String() string {
	if id.IsZero() {
		return ""
	}
	kind := strings.ToLower(id.Kind)
	if id.Namespace == "" {
		return kind + "/" + id.Name
	}
	return kind + "/" + id.Namespace + "/" + id.Name
}

// ID reads the identity from the object's fields. Absent or mistyped fields
// are empty.
func (o Object) ID() ObjectID {
	id := ObjectID{}
	id.APIVersion, _ = o.Fields["apiVersion"].(string)
	id.Kind, _ = o.Fields["kind"].(string)
	metadata, _ := o.Fields["metadata"].(map[string]any)
	id.Namespace, _ = metadata["namespace"].(string)
	id.Name, _ = metadata["name"].(string)
	if id.Name == "" {
		id.Name, _ = metadata["generateName"].(string)
	}
	return id
}

// DeepCopy returns an object that shares nothing with o.
func (o Object) DeepCopy() Object {
	fields, _ := deepCopy(o.Fields).(map[string]any)
	return Object{Fields: fields, Origin: o.Origin}
}

func deepCopy(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if value == nil {
			return value
		}
		out := make(map[string]any, len(value))
		for key, member := range value {
			out[key] = deepCopy(member)
		}
		return out
	case []any:
		if value == nil {
			return value
		}
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = deepCopy(item)
		}
		return out
	}
	return value
}

func deepCopies(objects []Object) []Object {
	copied := make([]Object, len(objects))
	for i, object := range objects {
		copied[i] = object.DeepCopy()
	}
	return copied
}
