package gate

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/schema/gate.json and the table of docs/gate.md anew")

const schemaFile = "../../docs/schema/gate.json"

// schemaWriter makes a JSON schema (2020-12) of the types that Load reads. It
// is a test, as nothing needs the schema at run time: editors read the file.
type schemaWriter struct {
	// docs has the comment of "Type" and of "Type.Field".
	docs map[string]string
	defs map[string]any
}

func TestSchema_IsCurrent(t *testing.T) {
	writer := schemaWriter{docs: comments(t), defs: map[string]any{}}
	text, err := json.MarshalIndent(writer.whole(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(schemaFile)
	if err != nil || string(old) != string(text) {
		t.Errorf("docs/schema/gate.json is not what the types say (%v); write it with: go test ./plugin/gate -update", err)
	}
}

func TestSchema_DescribesEveryField(t *testing.T) {
	writer := schemaWriter{docs: comments(t), defs: map[string]any{}}
	writer.whole()
	for name, definition := range writer.defs {
		properties, _ := definition.(map[string]any)["properties"].(map[string]any)
		if len(properties) == 0 {
			t.Errorf("%s has no fields", name)
		}
	}
	for _, field := range []string{"Spec.Base", "Waiver.Until", "Registry.Prefix", "KeyRef.Data"} {
		if writer.docs[field] == "" {
			t.Errorf("%s lost its comment", field)
		}
	}
}

func (w schemaWriter) whole() map[string]any {
	kind := func(name, description string, apiVersions []string, spec reflect.Type) map[string]any {
		return map[string]any{
			"type": "object", "description": description, "additionalProperties": false,
			"required": []string{"apiVersion", "kind", "metadata", "spec"},
			"properties": map[string]any{
				"apiVersion": map[string]any{"enum": apiVersions}, "kind": map[string]any{"const": name},
				"metadata": w.of(reflect.TypeFor[Metadata]()), "spec": w.of(spec),
			},
		}
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "the kinds of a gate's configuration that assay decodes itself",
		"oneOf": []any{
			kind("Gate", w.docs["Gate"], []string{APIVersion}, reflect.TypeFor[Spec]()),
			kind("Waivers", w.docs["Waivers"], []string{APIVersion}, reflect.TypeFor[WaiversSpec]()),
			kind("ClusterImagePolicy", w.docs["ClusterImagePolicy"], []string{"policy.sigstore.dev/v1alpha1", "policy.sigstore.dev/v1beta1"}, reflect.TypeFor[ImagePolicySpec]()),
			kind("TrustRoot", w.docs["TrustRoot"], []string{"policy.sigstore.dev/v1alpha1"}, reflect.TypeFor[TrustRootSpec]()),
		},
		"$defs": w.defs,
	}
}

func (w schemaWriter) of(value reflect.Type) map[string]any {
	switch value {
	case reflect.TypeFor[Duration]():
		return map[string]any{"type": "string", "description": w.docs["Duration"], "pattern": `^([0-9]+d|([0-9.]+(ns|us|µs|ms|s|m|h))+)$`}
	case reflect.TypeFor[Date]():
		return map[string]any{"type": "string", "format": "date"}
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	}
	switch value.Kind() {
	case reflect.Pointer:
		return w.of(value.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": w.of(value.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": w.of(value.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int64:
		return map[string]any{"type": "integer", "minimum": 1}
	case reflect.Struct:
		w.define(value)
		return map[string]any{"$ref": "#/$defs/" + value.Name()}
	}
	return map[string]any{"type": "string"}
}

func (w schemaWriter) define(structure reflect.Type) {
	if w.defs[structure.Name()] != nil {
		return
	}
	properties, required := map[string]any{}, []string{}
	definition := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	w.defs[structure.Name()] = definition
	for _, field := range fieldsOf(structure) {
		property := w.of(structure.Field(field.index).Type)
		if field.enum != nil {
			property["enum"] = field.enum
		}
		if doc := w.docs[structure.Name()+"."+structure.Field(field.index).Name]; doc != "" {
			property["description"] = doc
		}
		if field.required {
			required = append(required, field.name)
		}
		properties[field.name] = property
	}
	if len(required) > 0 {
		definition["required"] = required
	}
	if doc := w.docs[structure.Name()]; doc != "" {
		definition["description"] = doc
	}
}

// comments reads the doc comments of this package's types and their fields.
func comments(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	for _, name := range []string{"gate.go", "imagepolicy.go", "tenant.go", "waiverterms.go", "waivers.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			general, ok := declaration.(*ast.GenDecl)
			if !ok || general.Tok != token.TYPE {
				continue
			}
			spec, _ := general.Specs[0].(*ast.TypeSpec)
			docs[spec.Name.Name] = flat(general.Doc.Text())
			if structure, ok := spec.Type.(*ast.StructType); ok {
				fieldComments(docs, spec.Name.Name, structure)
			}
		}
	}
	return docs
}

func fieldComments(docs map[string]string, structure string, fields *ast.StructType) {
	for _, field := range fields.Fields.List {
		for _, name := range field.Names {
			docs[structure+"."+name.Name] = flat(field.Doc.Text() + field.Comment.Text())
		}
	}
}

func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

var ruleTable = regexp.MustCompile(`(?s)(<!-- rules -->\n).*(<!-- end of rules -->)`)

func TestDocs_TableOfRulesIsCurrent(t *testing.T) {
	const file = "../../docs/gate.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{"| field of spec | how gates add up | left out of a base gate | left out of another gate |", "|---|---|---|---|"}
	for _, rule := range FieldRules() {
		other := rule.Other
		if other == "" {
			other = "no opinion"
		}
		lines = append(lines, "| `"+strings.Join([]string{rule.Field + "`", rule.Rule, rule.Base, other}, " | ")+" |")
	}
	table := strings.Join(lines, "\n") + "\n"
	want := ruleTable.ReplaceAllStringFunc(string(page), func(string) string { return "<!-- rules -->\n" + table + "<!-- end of rules -->" })
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		page = []byte(want)
	}
	if !strings.Contains(string(page), table) {
		t.Error("the table of docs/gate.md is not that of FieldRules; write it with: go test ./plugin/gate -update")
	}
	for _, kind := range []string{"Gate", "Waivers", "ClusterImagePolicy", "TrustRoot", "ValidatingAdmissionPolicy"} {
		if !slices.Contains(strings.Fields(strings.ReplaceAll(string(page), "`", " ")), kind) {
			t.Errorf("docs/gate.md does not say that %s is read", kind)
		}
	}
}
