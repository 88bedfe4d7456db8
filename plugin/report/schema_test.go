package report_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

const schemaFile = "../../docs/schema/report.json"

// schema is the part of JSON Schema 2020-12 that the report needs. Objects are
// not closed: fields may be added under the same version.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Format      string             `json:"format,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
}

// enums are the closed sets of values, made from the types that write them.
func enums() map[reflect.Type][]string {
	var effects []string
	for _, effect := range report.Effects() {
		effects = append(effects, string(effect))
	}
	return map[reflect.Type][]string{
		reflect.TypeFor[report.Effect]():       effects,
		reflect.TypeFor[plugin.Level]():        {plugin.Deny.String(), plugin.Undetermined.String(), plugin.Warn.String(), plugin.Info.String()},
		reflect.TypeFor[plugin.Outcome]():      {plugin.Denied.String(), plugin.Unanswered.String(), plugin.Allowed.String()},
		reflect.TypeFor[plugin.DigestSource](): {string(plugin.DigestWritten), string(plugin.DigestResolved), string(plugin.DigestLocked), string(plugin.DigestStale)},
		reflect.TypeFor[plugin.EvidenceKind](): {string(plugin.EvidenceSignature), string(plugin.EvidenceAttestation), string(plugin.EvidenceStatic)},
	}
}

func schemaOf(typ reflect.Type, docs map[string]string) *schema {
	if values, closed := enums()[typ]; closed {
		return &schema{Type: "string", Enum: values}
	}
	if typ == reflect.TypeFor[time.Time]() {
		return &schema{Type: "string", Format: "date-time"}
	}
	switch typ.Kind() {
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Slice:
		return &schema{Type: "array", Items: schemaOf(typ.Elem(), docs)}
	case reflect.Pointer:
		return schemaOf(typ.Elem(), docs)
	case reflect.Struct:
		return schemaOfStruct(typ, docs)
	default:
		panic(fmt.Sprintf("the schema has no word for %s", typ))
	}
}

func schemaOfStruct(typ reflect.Type, docs map[string]string) *schema {
	out := &schema{Type: "object", Properties: map[string]*schema{}}
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		property := schemaOf(field.Type, docs)
		property.Description = docs[typ.Name()+"."+field.Name]
		out.Properties[name] = property
		if options == "" {
			out.Required = append(out.Required, name)
		}
	}
	slices.Sort(out.Required)
	return out
}

// fieldDocs reads the doc comments of struct fields, so that schema and code
// say the same.
func fieldDocs(t *testing.T, patterns ...string) map[string]string {
	t.Helper()
	docs := map[string]string{}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files match %s: %v", pattern, err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(node ast.Node) bool {
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
			})
		}
	}
	return docs
}

func reportSchema(t *testing.T) *schema {
	t.Helper()
	// The report's own types come last: plugin has an Image and a Use too.
	out := schemaOf(reflect.TypeFor[report.Document](), fieldDocs(t, "../*.go", "rolls.go", "json.go"))
	out.Schema = "https://json-schema.org/draft/2020-12/schema"
	out.ID = "https://" + report.Schema
	out.Title = "assay report"
	out.Description = "What assay says about one application. It holds no manifest and no secret."
	out.Properties["schema"].Enum = []string{report.Schema}
	return out
}

func TestSchema_GeneratedFileIsInStepWithTheTypes(t *testing.T) {
	data, err := json.MarshalIndent(reportSchema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, schemaFile, append(data, '\n'))
}

// check lists where a value is not what the schema says. A property that the
// schema does not know is an error here: our own reports have none.
func check(s *schema, value any, at string) []string {
	var wrong []string
	switch value := value.(type) {
	case map[string]any:
		if s.Type != "object" {
			return []string{at + " is an object"}
		}
		for _, name := range s.Required {
			if _, there := value[name]; !there {
				wrong = append(wrong, at+" lacks "+name)
			}
		}
		for name, member := range value {
			if s.Properties[name] == nil {
				wrong = append(wrong, at+" has the unknown "+name)
				continue
			}
			wrong = append(wrong, check(s.Properties[name], member, at+"."+name)...)
		}
		return wrong
	case []any:
		if s.Type != "array" {
			return []string{at + " is a list"}
		}
		for i, item := range value {
			wrong = append(wrong, check(s.Items, item, fmt.Sprintf("%s[%d]", at, i))...)
		}
		return wrong
	case string:
		if s.Type != "string" || s.Enum != nil && !slices.Contains(s.Enum, value) {
			return []string{fmt.Sprintf("%s is %q", at, value)}
		}
		return nil
	case bool:
		if s.Type != "boolean" {
			return []string{at + " is a boolean"}
		}
		return nil
	case float64:
		if s.Type != "integer" {
			return []string{at + " is a number"}
		}
		return nil
	}
	return []string{fmt.Sprintf("%s is %v", at, value)}
}

func TestSchema_EveryReportConforms(t *testing.T) {
	cases := verdicts(t)
	cases["zero"] = &plugin.Verdict{}
	for name, v := range cases {
		var value any
		if err := json.Unmarshal(write(t, "json", report.Options{}, v), &value); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range check(reportSchema(t), value, name) {
			t.Error(wrong)
		}
	}
}

func TestSchema_CheckNoticesWhatDoesNotConform(t *testing.T) {
	for _, text := range []string{`{}`, `{"outcome":"maybe"}`, `{"extra":1}`, `{"findings":{}}`, `{"findings":[null]}`, `{"allowed":"yes"}`} {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		s := reportSchema(t)
		if text != "{}" {
			s.Required = nil // one fault at a time
		}
		if len(check(s, value, "report")) == 0 {
			t.Errorf("%s conforms", text)
		}
	}
}
