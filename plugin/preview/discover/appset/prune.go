package appset

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func structure[T any]() reflect.Type { return reflect.TypeFor[T]() }

// prune is a value without the fields that a type does not have, and their
// paths, sorted.
func prune(value any, as reflect.Type, path string) (any, []string) {
	if as.Kind() == reflect.Pointer {
		as = as.Elem()
	}
	switch value := value.(type) {
	case map[string]any:
		if as.Kind() == reflect.Struct && !isOpen(as) {
			return pruneFields(value, as, path)
		}
	case []any:
		if as.Kind() == reflect.Slice && as.Elem().Kind() != reflect.Uint8 {
			return pruneItems(value, as.Elem(), path)
		}
	}
	return value, nil
}

// isOpen are the types that take any content, or decode themselves.
func isOpen(as reflect.Type) bool {
	switch as {
	case structure[runtime.RawExtension](), structure[intstr.IntOrString](), structure[metav1.Time](), structure[metav1.FieldsV1]():
		return true
	}
	return false
}

func pruneFields(value map[string]any, as reflect.Type, path string) (any, []string) {
	fields := fieldsOf(as)
	known := make(map[string]any, len(value))
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(value)) {
		at := path + "." + name
		field, is := fields[name]
		if !is {
			unknown = append(unknown, at)
			continue
		}
		member, more := prune(value[name], field, at)
		known[name] = member
		unknown = append(unknown, more...)
	}
	return known, unknown
}

func pruneItems(value []any, as reflect.Type, path string) (any, []string) {
	known := make([]any, len(value))
	var unknown []string
	for i, item := range value {
		pruned, more := prune(item, as, fmt.Sprintf("%s[%d]", path, i))
		known[i] = pruned
		unknown = append(unknown, more...)
	}
	return known, unknown
}

// fieldsOf are a struct's fields by their names in JSON.
func fieldsOf(as reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range as.NumField() {
		field := as.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" && field.Anonymous {
			maps.Copy(fields, fieldsOf(field.Type))
			continue
		}
		fields[name] = field.Type
	}
	return fields
}

// typeMismatch names the field in which a value has the wrong type. The library
// names Go's types, of which nobody knows.
func typeMismatch(err error) error {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return fmt.Errorf("reading it: %w", err)
	}
	return fmt.Errorf("reading it: %s is a %s, and must be %s", mismatch.Field, mismatch.Value, nameOf(mismatch.Type))
}

func nameOf(wanted reflect.Type) string {
	switch wanted.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Int32:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	}
	return "a mapping"
}
