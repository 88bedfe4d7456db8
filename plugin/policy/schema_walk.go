package policy

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	quantities "k8s.io/apimachinery/pkg/api/resource"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// The names of the schemas that have a meaning beyond their text.
const (
	schemaIntOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
	schemaQuantity    = "io.k8s.apimachinery.pkg.api.resource.Quantity"
)

// schemaWalk compares an object with a schema of the API server's own. A null
// is a field that was left out, as in the API server's decoder.
type schemaWalk struct {
	schemas *apiserver.SchemaTable
	said    *saying
	// typed is set when the API's own type has read the object: only what is
	// missing is still to be said.
	typed bool
}

// object walks an object of a kind. Its status is left out: the API server
// resets it when an object is created (the kinds' strategies, PrepareForCreate).
func (w schemaWalk) object(name string, fields map[string]any) {
	fields = maps.Clone(fields)
	delete(fields, "status")
	w.value("", fields, &apiserver.OpenSchema{Ref: name})
}

// value compares one value. References may run in a circle, the value does
// not.
func (w schemaWalk) value(path string, value any, of *apiserver.OpenSchema) {
	name := ""
	for of != nil && (of.Ref != "" || len(of.AllOf) == 1) {
		if of.Ref == "" {
			of = of.AllOf[0]
			continue
		}
		name, of = of.Ref, w.schemas.Schema(of.Ref)
	}
	if of == nil || value == nil || w.said.full() {
		return
	}
	switch {
	case name == schemaQuantity:
		w.quantity(path, value)
	case name == schemaIntOrString:
		if !isInteger(value) && !isKind[string](value) {
			w.mistyped(path, value, "a whole number or a string")
		}
	case of.Type == "object":
		w.fields(path, name, value, of)
	case of.Type == "array":
		w.items(path, value, of)
	default:
		w.scalar(path, value, of)
	}
}

func (w schemaWalk) fields(path, name string, value any, of *apiserver.OpenSchema) {
	fields, is := value.(map[string]any)
	if !is {
		w.mistyped(path, value, "an object")
		return
	}
	for _, required := range of.Required {
		if fields[required] == nil && !slices.Contains(mayBeMissing()[name], required) {
			w.said.missing(plugin.JoinField(path, required))
		}
	}
	free := of.Properties == nil && of.AdditionalProperties == nil
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		property, known := of.Properties[key]
		switch {
		case known:
			w.value(plugin.JoinField(path, key), fields[key], property)
		case of.AdditionalProperties != nil:
			w.value(plugin.JoinField(path, key), fields[key], of.AdditionalProperties)
		case !free && !w.typed:
			w.said.unknownField(plugin.JoinField(path, key))
		}
	}
}

func (w schemaWalk) items(path string, value any, of *apiserver.OpenSchema) {
	list, is := value.([]any)
	if !is {
		w.mistyped(path, value, "a list")
		return
	}
	for i, item := range list {
		w.value(fmt.Sprintf("%s[%d]", path, i), item, of.Items)
	}
}

func (w schemaWalk) scalar(path string, value any, of *apiserver.OpenSchema) {
	text, isText := value.(string)
	switch of.Type {
	case "string":
		if !isText {
			w.mistyped(path, value, "a string")
		} else if problem := formatProblem(of.Format, text); problem != "" && !w.typed {
			w.said.wrong(path, "%s is not %s", w.shown(text), problem)
		}
	case "boolean":
		if !isKind[bool](value) {
			w.mistyped(path, value, "true or false")
		}
	case "integer":
		if !isInteger(value) {
			w.mistyped(path, value, "a whole number")
		} else if number := floatOf(value); of.Format == "int32" && (number > math.MaxInt32 || number < math.MinInt32) { // the API's own type cuts it off
			w.said.wrong(path, "%v does not fit into 32 bits", value)
		}
	case "number":
		if !isInteger(value) && !isKind[float64](value) {
			w.mistyped(path, value, "a number")
		}
	}
	if len(of.Enum) > 0 && !w.typed && !slices.Contains(of.Enum, value) {
		w.said.wrong(path, "%v is none of %v", value, of.Enum)
	}
}

func (w schemaWalk) quantity(path string, value any) {
	text := fmt.Sprint(value)
	if !isKind[string](value) && !isInteger(value) && !isKind[float64](value) {
		w.mistyped(path, value, "a quantity")
	} else if _, err := quantities.ParseQuantity(text); err != nil && !w.typed {
		w.said.wrong(path, "%s is not a quantity, such as 500m or 1Gi", w.shown(text))
	}
}

func (w schemaWalk) mistyped(path string, value any, want string) {
	if !w.typed {
		w.said.wrong(path, "%s stands where %s is expected", schemaTypeOf(value), want)
	}
}

// shown is a value in a message; those of a Secret are shown to nobody.
func (w schemaWalk) shown(text string) string {
	if w.said.id.Kind == "Secret" {
		return "the value"
	}
	return strconv.Quote(text)
}

func isKind[T any](value any) bool {
	_, is := value.(T)
	return is
}

// isInteger also takes a whole number with a fraction of zero, as JSON has one
// kind of number.
func isInteger(value any) bool {
	switch number := value.(type) {
	case int64, int:
		return true
	case float64:
		return number == math.Trunc(number)
	}
	return false
}

func floatOf(value any) float64 {
	switch number := value.(type) {
	case int64:
		return float64(number)
	case int:
		return float64(number)
	case float64:
		return number
	}
	return 0
}

func schemaTypeOf(value any) string {
	switch value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "true or false"
	}
	return "a number"
}

// formatProblem names the format that a text has not; empty when it has.
func formatProblem(format, text string) string {
	switch format {
	case "date-time":
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			return "a time, such as 2026-01-02T15:04:05Z"
		}
	case "byte":
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return "base64"
		}
	}
	return ""
}

// mayBeMissing are the fields that the documents call required and that the API
// server takes without, as their empty value means something: the documents
// list what its Go types always write (docs/parity.md).
func mayBeMissing() map[string][]string {
	return map[string][]string{
		"io.k8s.api.core.v1.HTTPHeader":                  {"value"},
		"io.k8s.api.core.v1.Sysctl":                      {"value"},
		"io.k8s.api.core.v1.ISCSIVolumeSource":           {"lun"},
		"io.k8s.api.core.v1.ISCSIPersistentVolumeSource": {"lun"},
		"io.k8s.api.core.v1.LimitRangeSpec":              {"limits"},
		"io.k8s.api.core.v1.SleepAction":                 {"seconds"},
		"io.k8s.api.core.v1.PreferredSchedulingTerm":     {"preference"},
		"io.k8s.api.core.v1.Event":                       {"metadata"},
		"io.k8s.api.storage.v1.CSINodeSpec":              {"drivers"},
		"io.k8s.api.storage.v1.CSINode":                  {"spec"},
		"io.k8s.api.storage.v1.CSIDriver":                {"spec"},
	}
}
