package render

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// randomPattern are the template functions whose answer is another one each
// time: the clock, random data, made-up keys and salted hashes.
var randomPattern = regexp.MustCompile(`^(now|ago|rand[A-Z]\w*|gen[A-Z]\w*|uuidv4|bcrypt|htpasswd|shuffle|encryptAES)$`)

// randomCalls notes which such functions a rendering calls, wherever the text
// comes from that calls them: a template, a value or a file that tpl renders,
// or text that the chart puts together. It belongs to one rendering.
type randomCalls struct {
	called map[string]bool
}

func newRandomCalls() *randomCalls { return &randomCalls{called: map[string]bool{}} }

func (c *randomCalls) functions() template.FuncMap {
	return RandomFunctions(func(name string) { c.called[name] = true })
}

// RandomFunctions take the place of a template engine's own of the same names.
// They answer the same, and note is told the name of each whose answer is
// another one each time. keys and values come in order: for the engine's, any
// order is right, and it is another one each time.
func RandomFunctions(note func(name string)) template.FuncMap {
	functions := template.FuncMap{"keys": sortedKeys, "values": sortedValues}
	for name, function := range sprig.TxtFuncMap() {
		if randomPattern.MatchString(name) {
			functions[name] = noted(function, func() { note(name) }, func([]reflect.Value) bool { return true })
			continue
		}
		if dated, known := clockFunctions()[name]; known {
			functions[name] = noted(function, func() { note(name) }, func(arguments []reflect.Value) bool {
				return dated.asks(arguments[dated.argument].Interface())
			})
		}
	}
	return functions
}

// noted is function with a note of each call for which random says yes.
func noted(function any, note func(), random func([]reflect.Value) bool) any {
	inner := reflect.ValueOf(function)
	return reflect.MakeFunc(inner.Type(), func(arguments []reflect.Value) []reflect.Value {
		if random(arguments) {
			note()
		}
		if inner.Type().IsVariadic() {
			return inner.CallSlice(arguments)
		}
		return inner.Call(arguments)
	}).Interface()
}

// clockFunction looks at the clock for some values of one of its arguments.
type clockFunction struct {
	argument int
	asks     func(any) bool
}

// clockFunctions format a date, and take the time of the rendering for
// whatever is not one.
func clockFunctions() map[string]clockFunction {
	return map[string]clockFunction{
		"date": {1, isNoTime}, "dateInZone": {1, isNoTime}, "date_in_zone": {1, isNoTime},
		"htmlDate": {0, isNoTime}, "htmlDateInZone": {0, isNoTime}, "durationRound": {0, isTime},
	}
}

// isNoTime follows sprig's dateInZone.
func isNoTime(value any) bool {
	switch value.(type) {
	case time.Time, *time.Time, int64, int, int32:
		return false
	}
	return true
}

// isTime follows sprig's durationRound: a duration is rounded, a time is the
// duration since then.
func isTime(value any) bool {
	_, is := value.(time.Time)
	return is
}

func sortedKeys(dicts ...map[string]any) []string {
	keys := []string{}
	for _, dict := range dicts {
		keys = append(keys, slices.Sorted(maps.Keys(dict))...)
	}
	return keys
}

func sortedValues(dict map[string]any) []any {
	values := []any{}
	for _, key := range slices.Sorted(maps.Keys(dict)) {
		values = append(values, dict[key])
	}
	return values
}
