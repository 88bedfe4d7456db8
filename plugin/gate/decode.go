package gate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// budget bounds how much one document may unfold to through aliases.
type budget struct{ nodes, depth, limit int64 }

func (b *budget) fresh() *budget { return &budget{nodes: b.nodes, depth: b.depth, limit: b.nodes} }

// decoder reads one document into Go values. Unlike yaml.Unmarshal it knows
// the line of everything, reports all mistakes and takes no mistake silently.
type decoder struct {
	doc      *document
	problems *problems
	budget   *budget
	// fromCluster passes over what an API server adds to an object: status and
	// the metadata that it fills in.
	fromCluster bool
}

// part is a top-level key and where its value goes.
type part struct {
	key  string
	into any
}

func (d *decoder) add(at plugin.Origin, field, message, hint string) {
	if field != "" {
		message = field + ": " + message
	}
	d.problems.add(at, message, hint)
}

func (d *decoder) origin(node *yaml.Node) plugin.Origin {
	return plugin.Origin{File: d.doc.file, Line: node.Line}
}

// object reads the top level.
func (d *decoder) object(parts ...part) {
	seen := map[string]bool{}
	for key, value := range d.pairs(d.doc.root, func() string { return "" }) {
		index := slices.IndexFunc(parts, func(p part) bool { return p.key == key.Value })
		switch {
		case index >= 0:
			seen[key.Value] = true
			d.value(value, reflect.ValueOf(parts[index].into).Elem(), key.Value)
		case key.Value == "apiVersion" || key.Value == "kind":
		case key.Value == "status" && d.fromCluster:
		default:
			d.add(d.origin(key), "", fmt.Sprintf("unknown field %q", key.Value), "known are apiVersion, kind, metadata and spec")
		}
	}
	for _, part := range parts {
		if !seen[part.key] {
			d.add(d.origin(d.doc.root), part.key, "is required", "write it")
		}
	}
}

// pairs yields the keys and values of a mapping, each key once, and reports
// the rest.
func (d *decoder) pairs(mapping *yaml.Node, field func() string) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		seen := map[string]int{}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			key, value := mapping.Content[i], mapping.Content[i+1]
			switch {
			case key.ShortTag() == "!!merge":
				d.add(d.origin(key), field(), "merge keys (<<) are not read", "write the fields out")
				continue
			case key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str":
				d.add(d.origin(key), field(), fmt.Sprintf("the key %q is no text", key.Value), "quote it")
				continue
			case seen[key.Value] > 0:
				d.add(d.origin(key), field(), fmt.Sprintf("%q is written twice, first in line %d", key.Value, seen[key.Value]), "keep one")
				continue
			}
			seen[key.Value] = key.Line
			if !yield(key, value) {
				return
			}
		}
	}
}

// enter steps into a node: it counts it, follows an alias and refuses null.
func (d *decoder) enter(node *yaml.Node, field string) (*yaml.Node, bool) {
	d.doc.lines[field] = node.Line
	d.budget.nodes--
	if d.budget.nodes < 0 {
		if d.budget.nodes == -1 {
			d.add(d.origin(node), field, fmt.Sprintf("the document unfolds to more than %d nodes (limit yamlNodes)", d.budget.limit), "write fewer aliases")
		}
		return nil, false
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node == nil || node.Kind == yaml.AliasNode || node.ShortTag() == "!!null" {
		d.add(d.doc.at(field), field, "has no value", "give it one or leave it out")
		return nil, false
	}
	if ownTag(node) {
		d.add(d.doc.at(field), field, "has the tag "+node.Tag, "write the value without a tag")
		return nil, false
	}
	return node, true
}

// ownTag reports whether a collection says that it is something else than an
// object or a list.
func ownTag(node *yaml.Node) bool {
	tag := node.ShortTag()
	return node.Kind == yaml.MappingNode && tag != "!!map" || node.Kind == yaml.SequenceNode && tag != "!!seq"
}

func (d *decoder) value(node *yaml.Node, into reflect.Value, field string) {
	node, ok := d.enter(node, field)
	if !ok {
		return
	}
	if read := scalarReader(into.Type()); read != nil {
		d.scalar(node, into, field, read)
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.structure(node, into.Elem(), field)
	case reflect.Struct:
		d.structure(node, into, field)
	case reflect.Slice:
		d.list(node, into, field)
	case reflect.Map:
		d.mapping(node, into, field)
	default:
		d.add(d.doc.at(field), field, "has a type that is not read: "+into.Type().String(), "this is a defect of assay, please report it")
	}
}

func (d *decoder) list(node *yaml.Node, into reflect.Value, field string) {
	if node.Kind != yaml.SequenceNode {
		d.add(d.doc.at(field), field, "is "+describe(node)+", not a list", "write a list")
		return
	}
	items := reflect.MakeSlice(into.Type(), 0, 0)
	for i, item := range node.Content {
		if d.budget.nodes < 0 {
			break
		}
		value := reflect.New(into.Type().Elem()).Elem()
		d.value(item, value, fmt.Sprintf("%s[%d]", field, i))
		items = reflect.Append(items, value)
	}
	into.Set(items)
}

func (d *decoder) mapping(node *yaml.Node, into reflect.Value, field string) {
	if node.Kind != yaml.MappingNode {
		d.add(d.doc.at(field), field, "is "+describe(node)+", not a mapping", "write key: value lines")
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for key, value := range d.pairs(node, func() string { return field }) {
		member := reflect.New(into.Type().Elem()).Elem()
		before := len(d.problems.list)
		d.value(value, member, field+"."+key.Value)
		if len(d.problems.list) == before {
			into.SetMapIndex(reflect.ValueOf(key.Value), member)
		}
	}
}

func (d *decoder) structure(node *yaml.Node, into reflect.Value, field string) {
	if node.Kind != yaml.MappingNode {
		d.add(d.doc.at(field), field, "is "+describe(node)+", not an object", "write key: value lines")
		return
	}
	if at := into.FieldByName("At"); at.IsValid() {
		at.Set(reflect.ValueOf(d.doc.at(field)))
	}
	fields := fieldsOf(into.Type())
	seen := map[string]bool{}
	for key, value := range d.pairs(node, func() string { return field }) {
		index := slices.IndexFunc(fields, func(f fieldOf) bool { return f.name == key.Value })
		if index < 0 {
			d.unknown(key, into.Type(), field)
			continue
		}
		seen[key.Value] = true
		full := field + "." + key.Value
		d.member(fields[index], value, into.Field(fields[index].index), full)
	}
	for _, known := range fields {
		if known.required && !seen[known.name] {
			d.add(d.doc.at(field), field+"."+known.name, "is required", "write it")
		}
	}
}

// member reads one field of a structure. What could not be read is told once:
// the empty value that it leaves is no second mistake.
func (d *decoder) member(field fieldOf, node *yaml.Node, into reflect.Value, full string) {
	before := len(d.problems.list)
	if as := scalarReader(into.Type()); as != nil && field.enum != nil {
		if node, ok := d.enter(node, full); ok {
			as.hint = "write " + oneOf(field.enum)
			d.scalar(node, into, full, as)
		}
	} else {
		d.value(node, into, full)
	}
	if len(d.problems.list) == before {
		d.checkField(field, into, full)
	}
}

func (d *decoder) unknown(key *yaml.Node, in reflect.Type, field string) {
	if d.fromCluster && in == reflect.TypeFor[Metadata]() && serverMetadata(key.Value) {
		return
	}
	if hint := notImplemented(in, key.Value); hint != "" {
		d.add(d.origin(key), field+"."+key.Value, "is not implemented", hint)
		return
	}
	var names []string
	for _, known := range fieldsOf(in) {
		names = append(names, known.name)
	}
	d.add(d.origin(key), field, fmt.Sprintf("unknown field %q", key.Value), "known are "+strings.Join(names, ", "))
}

func serverMetadata(key string) bool {
	return slices.Contains([]string{
		"creationTimestamp", "deletionTimestamp", "finalizers", "generation", "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid",
	}, key)
}
