package renderers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// decodeStream reads what a command line prints, as kubectl would: documents
// that hold nothing are no objects, lists are their items.
func decodeStream(stream []byte) ([]any, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
	var objects []any
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the stream: %w", err)
		}
		encoded, err := yaml.YAMLToJSON(document)
		if err != nil {
			return nil, fmt.Errorf("reading a document: %w", err)
		}
		value, err := normal(encoded)
		if err != nil {
			return nil, err
		}
		if value != nil {
			objects = append(objects, items(value)...)
		}
	}
}

func items(value any) []any {
	object, _ := value.(map[string]any)
	kind, _ := object["kind"].(string)
	members, isList := object["items"].([]any)
	if !isList || !strings.HasSuffix(kind, "List") {
		return []any{value}
	}
	var all []any
	for _, member := range members {
		all = append(all, items(member)...)
	}
	return all
}

func decodeObjects(objects []plugin.Object) ([]any, error) {
	var all []any
	for _, object := range objects {
		encoded, err := json.Marshal(object.Fields)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", object.ID(), err)
		}
		value, err := normal(encoded)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, nil
}

// normal keeps numbers as they are written in JSON, so that none is rounded
// before it is compared.
func normal(encoded []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	return value, nil
}

// maxDifferences keeps the report of one case readable.
const maxDifferences = 8

// differencesOf compares two lists of objects in order.
func differencesOf(theirs, ours []any) []string {
	found := diff("", theirs, ours)
	if len(theirs) != len(ours) {
		found = append([]string{fmt.Sprintf("theirs has %d objects, ours %d", len(theirs), len(ours))}, found...)
	}
	if len(found) > maxDifferences {
		found = append(found[:maxDifferences:maxDifferences], fmt.Sprintf("and %d more", len(found)-maxDifferences))
	}
	return found
}

func diff(at string, theirs, ours any) []string {
	switch theirs := theirs.(type) {
	case map[string]any:
		if ours, same := ours.(map[string]any); same {
			return diffMaps(at, theirs, ours)
		}
	case []any:
		if ours, same := ours.([]any); same {
			return diffLists(at, theirs, ours)
		}
	default:
		if theirs == ours {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: theirs %s, ours %s", at, short(theirs), short(ours))}
}

func diffMaps(at string, theirs, ours map[string]any) []string {
	keys := slices.Collect(maps.Keys(theirs))
	for key := range ours {
		if _, both := theirs[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var found []string
	for _, key := range keys {
		their, inTheirs := theirs[key]
		our, inOurs := ours[key]
		switch {
		case !inTheirs:
			found = append(found, fmt.Sprintf("%s.%s: only ours: %s", at, key, short(our)))
		case !inOurs:
			found = append(found, fmt.Sprintf("%s.%s: only theirs: %s", at, key, short(their)))
		default:
			found = append(found, diff(at+"."+key, their, our)...)
		}
	}
	return found
}

func diffLists(at string, theirs, ours []any) []string {
	var found []string
	for i := range max(len(theirs), len(ours)) {
		where := fmt.Sprintf("%s[%d]", at, i)
		switch {
		case i >= len(theirs):
			found = append(found, fmt.Sprintf("%s: only ours: %s", where, short(ours[i])))
		case i >= len(ours):
			found = append(found, fmt.Sprintf("%s: only theirs: %s", where, short(theirs[i])))
		default:
			found = append(found, diff(where, theirs[i], ours[i])...)
		}
	}
	return found
}

func short(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if len(encoded) > 120 {
		return string(encoded[:120]) + "..."
	}
	return string(encoded)
}
