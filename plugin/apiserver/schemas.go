package apiserver

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// builtinPacked are the schemas of the API server's own kinds. `make generate`
// writes them from api/openapi-spec/v3 of k8s.io/kubernetes (tools/schemagen):
// 0.2 MB, 21 KB compressed.
//
//go:embed schemas.deflate
var builtinPacked []byte

// builtinMost bounds the unpacked text, so that a damaged file ends.
const builtinMost = 4 << 20

// OpenSchema is what is kept of a schema of an OpenAPI document.
type OpenSchema struct {
	Ref                  string                 `json:"$ref"`
	AllOf                []*OpenSchema          `json:"allOf"`
	OneOf                []*OpenSchema          `json:"oneOf"`
	Type                 string                 `json:"type"`
	Format               string                 `json:"format"`
	Enum                 []any                  `json:"enum"`
	Required             []string               `json:"required"`
	Properties           map[string]*OpenSchema `json:"properties"`
	Items                *OpenSchema            `json:"items"`
	AdditionalProperties *OpenSchema            `json:"additionalProperties"`
}

// SchemaTable holds schemas by name and parses those that are asked for.
type SchemaTable struct {
	Version string
	Kinds   map[schema.GroupVersionKind]string
	texts   map[string]string
	parsed  sync.Map // string to *OpenSchema
}

// Kind is the name of the kind's schema, or empty.
func (t *SchemaTable) Kind(kind schema.GroupVersionKind) string { return t.Kinds[kind] }

// Schema is nil where the table has none of that name.
func (t *SchemaTable) Schema(name string) *OpenSchema {
	if known, found := t.parsed.Load(name); found {
		parsed, _ := known.(*OpenSchema)
		return parsed
	}
	text, found := t.texts[name]
	if !found {
		return nil
	}
	parsed := &OpenSchema{}
	if err := json.Unmarshal([]byte(text), parsed); err != nil {
		panic(fmt.Errorf("reading the built-in schema %s: %w", name, err)) // a test reads all of them
	}
	t.parsed.Store(name, parsed)
	return parsed
}

// BuiltinSchemas unpacks the schemas when the first object asks for them.
//
//nolint:gochecknoglobals // a function, made once
var BuiltinSchemas = sync.OnceValue(func() *SchemaTable {
	table, err := readSchemas(builtinPacked)
	if err != nil {
		panic(err) // a test reads the file
	}
	return table
})

// KubernetesVersion is the one whose schemas and API versions are known, such
// as v1.37.2.
func KubernetesVersion() string { return BuiltinSchemas().Version }

// readSchemas reads a file of tools/schemagen: the version; a line for each
// kind, "group/version/Kind", a tab and the name of its schema; an empty line;
// a line for each schema, its name, a tab and its JSON.
func readSchemas(packed []byte) (*SchemaTable, error) {
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), builtinMost))
	if err != nil {
		return nil, fmt.Errorf("unpacking the built-in schemas: %w", err)
	}
	head, rest, found := strings.Cut(string(text), "\n\n")
	version, kinds, hasKinds := strings.Cut(head, "\n")
	if !found || !hasKinds {
		return nil, fmt.Errorf("reading the built-in schemas: the file has no kinds (%d bytes)", len(text))
	}
	table := &SchemaTable{Version: version, Kinds: map[schema.GroupVersionKind]string{}, texts: map[string]string{}}
	for line := range strings.SplitSeq(kinds, "\n") {
		kind, name, _ := strings.Cut(line, "\t")
		parts := strings.Split(kind, "/")
		if len(parts) != 3 {
			return nil, fmt.Errorf("reading the built-in schemas: %q is not group/version/kind", kind)
		}
		table.Kinds[schema.GroupVersionKind{Group: parts[0], Version: parts[1], Kind: parts[2]}] = name
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(rest, "\n"), "\n") {
		name, text, _ := strings.Cut(line, "\t")
		table.texts[name] = text
	}
	return table, nil
}
