package policy

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/assay-gitops/assay/plugin"
)

// unreadable says why the API server cannot read an object, and in which field.
func unreadable(kind schema.GroupVersionKind, fields map[string]any, err error) (message, field string) {
	const who = "the API server cannot read this object: "
	secret := kind.Kind == "Secret"
	if typed, unknown := scheme.Scheme.New(kind); unknown == nil {
		if found, ok := findMisfit(fields, reflect.TypeOf(typed), secret); ok {
			return who + found.String(), found.path
		}
	}
	if secret {
		return who + "a field has another type than the API's", "" // the error may quote a value
	}
	return who + err.Error(), ""
}

// unreadable says why a template cannot be read as a Pod's.
func (t template) unreadable(err error) string {
	found, ok := findMisfit(t.fields, reflect.TypeFor[corev1.PodTemplateSpec](), false)
	if !ok {
		return err.Error()
	}
	if !t.partial {
		found.path = strings.TrimPrefix(t.path+"."+found.path, ".")
	}
	return found.String()
}

// misfit is a field whose value has another type than the API's. The API's own
// decoder names neither.
type misfit struct {
	path  string
	value any
	// expected is the API's type in words, fix what to write.
	expected, fix string
}

// String names the field, what stands there and what is expected.
func (m misfit) String() string {
	return fmt.Sprintf("%s is %s, %s is expected; %s", m.path, typeInWords(m.value), m.expected, m.fix)
}

// findMisfit walks a value beside the type that it is to be read into, in the
// order of names, and returns the first field that does not fit. A secret value
// is quoted nowhere.
func findMisfit(value any, of reflect.Type, secret bool) (misfit, bool) {
	return misfitSearch{secret: secret}.walk(value, of, "")
}

type misfitSearch struct{ secret bool }

func (s misfitSearch) walk(value any, of reflect.Type, path string) (misfit, bool) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if value == nil {
		return misfit{}, false
	}
	if reader, ok := reflect.New(of).Interface().(json.Unmarshaler); ok {
		encoded, err := json.Marshal(value)
		if err != nil || reader.UnmarshalJSON(encoded) != nil {
			return misfit{path: path, value: value, expected: readerInWords(of), fix: "correct the value"}, true
		}
		return misfit{}, false
	}
	switch of.Kind() {
	case reflect.Struct:
		return s.walkMembers(value, path, func(name string) (reflect.Type, bool) { return memberType(of, name) })
	case reflect.Map:
		return s.walkMembers(value, path, func(string) (reflect.Type, bool) { return of.Elem(), true })
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			return misfitBytes(value, path)
		}
		return s.walkItems(value, of.Elem(), path)
	}
	return s.leaf(value, of, path)
}

func (s misfitSearch) walkMembers(value any, path string, typeOf func(name string) (reflect.Type, bool)) (misfit, bool) {
	members, ok := value.(map[string]any)
	if !ok {
		return misfit{path: path, value: value, expected: "a mapping", fix: "write names with values below it"}, true
	}
	for _, name := range sortedKeys(members) {
		if member, known := typeOf(name); known {
			if found, ok := s.walk(members[name], member, plugin.JoinField(path, name)); ok {
				return found, true
			}
		}
	}
	return misfit{}, false
}

func (s misfitSearch) walkItems(value any, of reflect.Type, path string) (misfit, bool) {
	items, ok := value.([]any)
	if !ok {
		return misfit{path: path, value: value, expected: "a list", fix: "write each item after a dash"}, true
	}
	for i, item := range items {
		if found, ok := s.walk(item, of, fmt.Sprintf("%s[%d]", path, i)); ok {
			return found, true
		}
	}
	return misfit{}, false
}

func misfitBytes(value any, path string) (misfit, bool) {
	text, ok := value.(string)
	if _, err := base64.StdEncoding.DecodeString(text); ok && err == nil {
		return misfit{}, false
	}
	return misfit{path: path, value: value, expected: "base64", fix: "encode it, or write it under stringData in a Secret"}, true
}

// leaf compares a value with one of Go's simple types, as the API's decoder
// does: nothing but a whole number in another notation is converted.
func (s misfitSearch) leaf(value any, of reflect.Type, path string) (misfit, bool) {
	found := misfit{path: path, value: value}
	switch of.Kind() {
	case reflect.String:
		found.expected, found.fix = "a string", s.quoted(value, path)
		_, fits := value.(string)
		return found, !fits
	case reflect.Bool:
		found.expected, found.fix = "a boolean", "write true or false, without quotes"
		_, fits := value.(bool)
		return found, !fits
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		found.expected, found.fix = "a whole number", s.unquoted(value, path)
		number, isFloat := value.(float64)
		_, isInt := value.(int64)
		return found, !isInt && (!isFloat || number != math.Trunc(number))
	case reflect.Float32, reflect.Float64:
		found.expected, found.fix = "a number", s.unquoted(value, path)
		_, isFloat := value.(float64)
		_, isInt := value.(int64)
		return found, !isInt && !isFloat
	}
	return misfit{}, false
}

// hidden reports whether the value may be a credential: of a Secret all are, of
// a Pod those of the environment, elsewhere those whose name says so.
func (s misfitSearch) hidden(path string) bool {
	name := strings.TrimSuffix(path[strings.LastIndexByte(path, '.')+1:], `"]`)
	return s.secret || strings.Contains(path, "env[") || namesCredential(name)
}

// quoted says how to write a value as a string.
func (s misfitSearch) quoted(value any, path string) string {
	fix := "write it in quotes"
	switch value := value.(type) {
	case bool:
		return `write it in quotes (YAML 1.1 reads true, y, yes, on and false, n, no, off without quotes as booleans)`
	case int64:
		if !s.hidden(path) {
			fix = fmt.Sprintf("write %q", strconv.FormatInt(value, 10))
		}
	case float64:
		if !s.hidden(path) {
			fix = fmt.Sprintf("write %q", strconv.FormatFloat(value, 'f', -1, 64))
		}
	case map[string]any, []any:
		fix = "write one value; text of several lines begins after |"
	}
	return fix
}

// unquoted says how to write a value as a number.
func (s misfitSearch) unquoted(value any, path string) string {
	text, isText := value.(string)
	if number, err := strconv.ParseInt(text, 10, 64); isText && err == nil && !s.hidden(path) {
		return fmt.Sprintf("write %d, without quotes", number)
	}
	return "write a number, without quotes"
}

// memberType is the type of a struct's member by its name in JSON; members of
// an embedded struct without a name count as its own.
func memberType(of reflect.Type, name string) (reflect.Type, bool) {
	for i := range of.NumField() {
		field := of.Field(i)
		written, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		inlined := written == "" && (field.Anonymous || strings.Contains(options, "inline"))
		if inlined && field.Type.Kind() == reflect.Struct {
			if found, ok := memberType(field.Type, name); ok {
				return found, true
			}
			continue
		}
		if written == name && name != "-" {
			return field.Type, true
		}
	}
	return nil, false
}

// readerInWords says what a type that reads itself accepts.
func readerInWords(of reflect.Type) string {
	switch of.Name() {
	case "Quantity":
		return "a quantity such as 500m or 64Mi"
	case "IntOrString":
		return "a whole number or a string"
	case "Time", "MicroTime":
		return "a time such as 2026-01-31T00:00:00Z"
	}
	return "a " + of.Name()
}

func typeInWords(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return "empty"
}
