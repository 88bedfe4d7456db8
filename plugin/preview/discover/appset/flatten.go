package appset

import (
	"fmt"
	"strconv"
)

// flatten makes one level of nested mappings and lists: "a.b.0". Mappings and
// lists without members vanish, every other value is written as fmt's %v does
// (a number of a million is "1e+06"), as Argo CD has it.
func flatten(nested map[string]any) map[string]string {
	flat := map[string]string{}
	flattenInto(flat, nested, "")
	return flat
}

func flattenInto(flat map[string]string, nested any, prefix string) {
	switch nested := nested.(type) {
	case map[string]any:
		for name, member := range nested {
			flattenInto(flat, member, prefix+name+".")
		}
	case []any:
		for i, item := range nested {
			flattenInto(flat, item, prefix+strconv.Itoa(i)+".")
		}
	default:
		flat[prefix[:len(prefix)-1]] = fmt.Sprintf("%v", nested)
	}
}

// withoutLabelMaps turns mappings of text into mappings, so that a selector can
// name what is in them.
func withoutLabelMaps(params map[string]any) map[string]any {
	plain := make(map[string]any, len(params))
	for name, value := range params {
		switch value := value.(type) {
		case map[string]string:
			members := make(map[string]any, len(value))
			for inner, text := range value {
				members[inner] = text
			}
			plain[name] = members
		case map[string]any:
			plain[name] = withoutLabelMaps(value)
		default:
			plain[name] = value
		}
	}
	return plain
}
