package gate

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Duration is a time.Duration in Go's syntax ("36h") or days ("30d").
type Duration time.Duration

// Date is a day, "2006-01-02", in UTC; it lasts until the day's end.
type Date struct{ time.Time }

// scalarRead turns a scalar's text into a value; the error is what is wrong
// and its hint what to write.
type scalarRead struct {
	tags []string
	hint string
	read func(text string) (any, error)
}

func scalarReader(into reflect.Type) *scalarRead {
	switch into {
	case reflect.TypeFor[Duration]():
		return &scalarRead{[]string{"!!str"}, "write a duration such as 90s, 5m, 36h or 30d", func(text string) (any, error) { return ParseDuration(text) }}
	case reflect.TypeFor[Date]():
		return &scalarRead{[]string{"!!str", "!!timestamp"}, "write a day such as 2026-12-31", func(text string) (any, error) { return ParseDate(text) }}
	case reflect.TypeFor[time.Time]():
		return &scalarRead{[]string{"!!str", "!!timestamp"}, "write a time such as 2026-12-31T17:00:00Z", func(text string) (any, error) { return parseTime(text) }}
	}
	switch into.Kind() {
	case reflect.String:
		return &scalarRead{[]string{"!!str"}, "quote it if it is meant as text", func(text string) (any, error) { return text, nil }}
	case reflect.Bool:
		return &scalarRead{[]string{"!!bool"}, "write true or false", func(text string) (any, error) { return strconv.ParseBool(strings.ToLower(text)) }}
	case reflect.Int64:
		return &scalarRead{[]string{"!!int"}, "write a whole decimal number", parseInt}
	default:
		return nil
	}
}

func (d *decoder) scalar(node *yaml.Node, into reflect.Value, field string, as *scalarRead) {
	fits := false
	for _, tag := range as.tags {
		fits = fits || node.ShortTag() == tag
	}
	if node.Kind != yaml.ScalarNode || !fits {
		d.add(d.doc.at(field), field, "is "+describe(node), as.hint)
		return
	}
	value, err := as.read(node.Value)
	if err != nil {
		d.add(d.doc.at(field), field, err.Error(), as.hint)
		return
	}
	into.Set(reflect.ValueOf(value).Convert(into.Type()))
}

// describe names what a node is, for messages.
func describe(node *yaml.Node) string {
	if node.Kind == yaml.MappingNode {
		return "an object"
	}
	if node.Kind == yaml.SequenceNode {
		return "a list"
	}
	switch node.ShortTag() {
	case "!!str":
		return "text"
	case "!!bool":
		return fmt.Sprintf("the boolean %s", node.Value)
	case "!!int", "!!float":
		return fmt.Sprintf("the number %s", node.Value)
	case "!!timestamp":
		return "a time"
	}
	return "a value of type " + node.ShortTag()
}

// decimal is how numbers are written that every version of YAML and JSON reads
// the same way.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func parseInt(text string) (any, error) {
	if !decimal.MatchString(text) {
		return nil, fmt.Errorf("%q is no decimal number", text)
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is too large", text)
	}
	return number, nil
}

// maxDuration keeps sums of a time and a duration in range.
const maxDuration = 100 * 365 * 24 * time.Hour

// ParseDuration reads Go's syntax or whole days ("30d"). Only positive
// durations up to a hundred years are.
func ParseDuration(text string) (Duration, error) {
	duration, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var count uint64
		count, err = strconv.ParseUint(days, 10, 16)
		duration = time.Duration(count) * 24 * time.Hour
	}
	if err != nil {
		return 0, fmt.Errorf("%q is no duration", text)
	}
	if duration <= 0 || duration > maxDuration {
		return 0, fmt.Errorf("%q is not between one nanosecond and a hundred years", text)
	}
	return Duration(duration), nil
}

// ParseDate reads a day, "2006-01-02".
func ParseDate(text string) (Date, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("%q is no day", text)
	}
	return Date{day}, nil
}

// End is the first moment after the day, in UTC.
func (d Date) End() time.Time { return d.UTC().AddDate(0, 0, 1) }

// String is the day.
func (d Date) String() string { return d.Format(time.DateOnly) }

// MarshalYAML writes the day.
func (d Date) MarshalYAML() (any, error) { return d.String(), nil }

func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New(strconv.Quote(text) + " is no time of RFC 3339")
	}
	return at.UTC(), nil
}
