// Package jsonschema makes the JSON schemas of reports from their Go types, for
// the tests that write docs/schema and hold reports to it.
package jsonschema

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Schema is the part of JSON Schema 2020-12 that reports need. Objects are not
// closed: fields may be added under the same version.
type Schema struct {
	Schema      string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Format      string             `json:"format,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
}

// Maker makes schemas.
type Maker struct {
	// Enums are the closed sets of values, by the types that write them.
	Enums map[reflect.Type][]string
	// Docs are the comments of fields, see [FieldDocs].
	Docs map[string]string
}

// Document is the schema of a whole document with that identifier, which stands
// in its field "schema".
func (m Maker) Document(typ reflect.Type, id string) *Schema {
	out := m.of(typ)
	out.Schema = "https://json-schema.org/draft/2020-12/schema"
	out.ID = "https://" + id
	out.Properties["schema"].Enum = []string{id}
	return out
}

func (m Maker) of(typ reflect.Type) *Schema {
	if values, closed := m.Enums[typ]; closed {
		return &Schema{Type: "string", Enum: values}
	}
	if typ == reflect.TypeFor[time.Time]() {
		return &Schema{Type: "string", Format: "date-time"}
	}
	switch typ.Kind() {
	case reflect.String:
		return &Schema{Type: "string"}
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &Schema{Type: "integer"}
	case reflect.Slice:
		return &Schema{Type: "array", Items: m.of(typ.Elem())}
	case reflect.Pointer:
		return m.of(typ.Elem())
	case reflect.Struct:
		out := &Schema{Type: "object", Properties: map[string]*Schema{}}
		m.fields(out, typ)
		slices.Sort(out.Required)
		return out
	default:
		panic(fmt.Sprintf("the schema has no word for %s", typ))
	}
}

func (m Maker) fields(out *Schema, typ reflect.Type) {
	for field := range typ.Fields() {
		if field.Anonymous && field.Tag.Get("json") == "" {
			m.fields(out, field.Type)
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		property := m.of(field.Type)
		property.Description = m.Docs[typ.Name()+"."+field.Name]
		out.Properties[name] = property
		if options == "" {
			out.Required = append(out.Required, name)
		}
	}
}

// FieldDocs reads the doc comments of struct fields by "Type.Field", so that
// schema and code say the same. Of types with the same name the last pattern's
// count.
func FieldDocs(patterns ...string) (map[string]string, error) {
	docs := map[string]string{}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("reading the comments of fields: no files match %s: %w", pattern, err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				return nil, fmt.Errorf("reading the comments of fields: %w", err)
			}
			ast.Inspect(parsed, func(node ast.Node) bool { return noteFields(docs, node) })
		}
	}
	return docs, nil
}

func noteFields(docs map[string]string, node ast.Node) bool {
	spec, isType := node.(*ast.TypeSpec)
	if !isType {
		return true
	}
	if body, isStruct := spec.Type.(*ast.StructType); isStruct {
		for _, field := range body.Fields.List {
			for _, name := range field.Names {
				docs[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
			}
		}
	}
	return true
}

// Check lists where a decoded value is not what the schema says. A property that
// the schema does not know is an error here: our own reports have none.
func (s *Schema) Check(value any, at string) []string {
	wrong := func(is bool, what string) []string {
		if is {
			return nil
		}
		return []string{at + " is " + what}
	}
	switch value := value.(type) {
	case map[string]any:
		if s.Type != "object" {
			return []string{at + " is an object"}
		}
		return s.checkMembers(value, at)
	case []any:
		if s.Type != "array" {
			return []string{at + " is a list"}
		}
		var all []string
		for i, item := range value {
			all = append(all, s.Items.Check(item, fmt.Sprintf("%s[%d]", at, i))...)
		}
		return all
	case string:
		return wrong(s.Type == "string" && (s.Enum == nil || slices.Contains(s.Enum, value)), fmt.Sprintf("%q", value))
	case bool:
		return wrong(s.Type == "boolean", "a boolean")
	case float64:
		return wrong(s.Type == "integer", "a number")
	}
	return []string{fmt.Sprintf("%s is %v", at, value)}
}

func (s *Schema) checkMembers(members map[string]any, at string) []string {
	var wrong []string
	for _, name := range s.Required {
		if _, there := members[name]; !there {
			wrong = append(wrong, at+" lacks "+name)
		}
	}
	for name, member := range members {
		if s.Properties[name] == nil {
			wrong = append(wrong, at+" has the unknown "+name)
			continue
		}
		wrong = append(wrong, s.Properties[name].Check(member, at+"."+name)...)
	}
	return wrong
}
