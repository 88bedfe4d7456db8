package inplace

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
)

// change is one value that hardening filled in: a name that was not there or
// was null, or an item behind a list's last one.
type change struct {
	path  []any
	value any
}

// errOtherChange is a change that hardening never makes: it fills in alone.
var errOtherChange = errors.New("the change is more than an addition")

// changesOf compares an object before and after hardening.
func changesOf(before, after any) ([]change, error) { return compare(nil, before, after) }

func compare(path []any, before, after any) ([]change, error) {
	var changes []change
	switch after := after.(type) {
	case map[string]any:
		was, isMap := before.(map[string]any)
		if !isMap {
			return nil, errOtherChange
		}
		if len(after) < len(was) {
			return nil, errOtherChange
		}
		for _, name := range slices.Sorted(maps.Keys(after)) {
			at := along(path, name)
			if was[name] == nil {
				if after[name] != nil {
					changes = append(changes, change{at, after[name]})
				}
				continue
			}
			deeper, err := compare(at, was[name], after[name])
			if err != nil {
				return nil, err
			}
			changes = append(changes, deeper...)
		}
		return changes, nil
	case []any:
		was, isList := before.([]any)
		if !isList || len(after) < len(was) {
			return nil, errOtherChange
		}
		for i, item := range after {
			if i >= len(was) {
				changes = append(changes, change{along(path, yamltext.End{}), item})
				continue
			}
			deeper, err := compare(along(path, i), was[i], item)
			if err != nil {
				return nil, err
			}
			changes = append(changes, deeper...)
		}
		return changes, nil
	}
	if !reflect.DeepEqual(before, after) {
		return nil, errOtherChange
	}
	return nil, nil
}

func along(path []any, step any) []any { return append(slices.Clone(path), step) }

// describe is "field: value", the value as JSON. Items of lists go by their
// names, where they have one.
func (c change) describe(object any) string {
	var field strings.Builder
	at := object
	for _, step := range c.path {
		switch step := step.(type) {
		case string:
			members, _ := at.(map[string]any)
			at = members[step]
			if strings.ContainsAny(step, "./") {
				fmt.Fprintf(&field, "[%q]", step)
				continue
			}
			if field.Len() > 0 {
				field.WriteByte('.')
			}
			field.WriteString(step)
		case int:
			items, _ := at.([]any)
			at = items[step]
			if members, _ := at.(map[string]any); members["name"] != nil {
				fmt.Fprintf(&field, "[name=%v]", members["name"])
				continue
			}
			fmt.Fprintf(&field, "[%d]", step)
		case yamltext.End:
			field.WriteString("[+]")
		}
	}
	return field.String() + ": " + plugin.Compact(c.value)
}
