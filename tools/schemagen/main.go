// Command schemagen writes the schemas of the API server's own kinds, from the
// OpenAPI documents that Kubernetes publishes with its source
// (api/openapi-spec/v3), into one compressed file. Kept is what judging and
// merging need: types, formats, properties, required fields, references,
// defaults and how lists and maps are merged; descriptions, paths and what only
// clients use are left out.
package main

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: schemagen FOLDER VERSION OUTPUT (the folder api/openapi-spec/v3 of k8s.io/kubernetes, and its version)")
		os.Exit(64)
	}
	if err := generate(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

// schema is what is kept of a schema.
type schema struct {
	Ref                  string             `json:"$ref,omitempty"`
	AllOf                []schema           `json:"allOf,omitempty"`
	OneOf                []schema           `json:"oneOf,omitempty"`
	Type                 string             `json:"type,omitempty"`
	Format               string             `json:"format,omitempty"`
	Enum                 []any              `json:"enum,omitempty"`
	Required             []string           `json:"required,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties,omitempty"`
	Default              json.RawMessage    `json:"default,omitempty"`
	ListType             string             `json:"x-kubernetes-list-type,omitempty"`
	ListMapKeys          []string           `json:"x-kubernetes-list-map-keys,omitempty"`
	MapType              string             `json:"x-kubernetes-map-type,omitempty"`
	PatchStrategy        string             `json:"x-kubernetes-patch-strategy,omitempty"`
	PatchMergeKey        string             `json:"x-kubernetes-patch-merge-key,omitempty"`
}

// component is a schema of a document and the kinds that it describes.
type component struct {
	schema
	Kinds []struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
}

// document is the part of an OpenAPI document that is read.
type document struct {
	Components struct{ Schemas map[string]component }
}

func generate(folder, version, output string) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*__v*_openapi.json"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("finding OpenAPI documents in %s: there are none (%w)", folder, errors.Join(err, os.ErrNotExist))
	}
	all := map[string]component{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		var read document
		if err := json.Unmarshal(data, &read); err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		maps.Copy(all, read.Components.Schemas)
	}
	text, err := render(all, version)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	writer, err := flate.NewWriter(&packed, flate.BestCompression)
	if err == nil {
		_, err = writer.Write(text)
	}
	if err := cmp.Or(err, writer.Close()); err != nil {
		return fmt.Errorf("compressing the schemas: %w", err)
	}
	if err := os.WriteFile(output, packed.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the schemas: %w", err)
	}
	fmt.Printf("%s: %d bytes, %d before compressing\n", output, packed.Len(), len(text))
	return nil
}

// render is the text of the file: the version, a line for each kind, an empty
// line, and a line for each schema that a kind needs.
func render(all map[string]component, version string) ([]byte, error) {
	needed := map[string]bool{}
	var kinds []string
	for name, each := range all {
		if len(each.Kinds) != 1 || strings.HasSuffix(each.Kinds[0].Kind, "List") || each.Properties["metadata"] == nil {
			continue // lists, and what all groups share: DeleteOptions, WatchEvent
		}
		of := each.Kinds[0]
		kinds = append(kinds, fmt.Sprintf("%s/%s/%s\t%s", of.Group, of.Version, of.Kind, name))
		need(all, name, needed)
	}
	slices.Sort(kinds)
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s\n%s\n\n", version, strings.Join(kinds, "\n"))
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		withoutEmptyDefaults(all[name].Properties)
		line, err := json.Marshal(all[name].schema)
		if err != nil {
			return nil, fmt.Errorf("writing schema %s: %w", name, err)
		}
		fmt.Fprintf(&text, "%s\t%s\n", name, bytes.ReplaceAll(line, []byte("#/components/schemas/"), nil))
	}
	return text.Bytes(), nil
}

// withoutEmptyDefaults leaves out the default of objects, which is always empty:
// merging reads those of keys.
func withoutEmptyDefaults(properties map[string]*schema) {
	for _, property := range properties {
		if string(property.Default) == "{}" {
			property.Default = nil
		}
	}
}

// need marks a schema and all that it refers to.
func need(all map[string]component, name string, needed map[string]bool) {
	if needed[name] {
		return
	}
	needed[name] = true
	encoded, err := json.Marshal(all[name].schema)
	if err != nil {
		return // render writes the same and says so
	}
	for _, after := range strings.Split(string(encoded), `"#/components/schemas/`)[1:] {
		reference, _, _ := strings.Cut(after, `"`)
		need(all, reference, needed)
	}
}
