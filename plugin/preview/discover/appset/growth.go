package appset

import (
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// growth estimates what a function works on and answers, in bytes; more than
// the limit for whatever is beyond it. Most answers are about as long as the
// arguments; the others are counted here.
func growth(name string, arguments []reflect.Value, limit int64) int64 {
	given := int64(0)
	for _, argument := range arguments {
		if given = add(given, measureValue(argument, limit)); given > limit {
			return given
		}
	}
	return add(given, grows(name, arguments))
}

func grows(name string, arguments []reflect.Value) int64 {
	switch strings.TrimPrefix(name, "must") {
	case "until", "randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes", "untilStep":
		return counted(numbers(arguments))
	case "seq": // a step stands between the ends
		ends := numbers(arguments)
		return counted(slices.Delete(ends, min(1, len(ends)), max(len(ends)-1, min(1, len(ends)))))
	case "repeat":
		return times(number(arguments[0]), size(arguments[1]))
	case "indent", "nindent":
		return times(number(arguments[0]), lines(arguments[1]))
	case "replace":
		return times(occurrences(arguments[0], arguments[2]), size(arguments[1]))
	case "regexReplaceAll", "RegexReplaceAll", "regexReplaceAllLiteral", "RegexReplaceAllLiteral":
		return add(times(size(arguments[1])+1, size(arguments[2])+1), effort(arguments[0], arguments[1]))
	case "regexMatch", "RegexMatch", "regexFind", "RegexFind", "regexFindAll", "RegexFindAll", "regexSplit", "RegexSplit":
		return effort(arguments[0], arguments[1])
	case "split", "splitList", "splitn":
		return times(occurrences(arguments[0], arguments[len(arguments)-1]), 16)
	case "join":
		return times(members(arguments[1]), size(arguments[0]))
	case "wrapWith":
		return times(size(arguments[2]), size(arguments[1]))
	case "trimAll", "trimall":
		return effort(arguments[0], arguments[1])
	case "uniq", "Uniq":
		return times(members(arguments[0]), members(arguments[0])) / cheap
	case "without", "Without":
		return times(members(arguments[0]), members(arguments[1])) / cheap
	case "printf":
		return formatted(arguments)
	}
	return 0
}

// cheap is how many comparisons of two short values weigh as much as a byte.
const cheap = 64

// effort is the time of what goes over a text once for each byte of another.
func effort(a, b reflect.Value) int64 { return times(size(a), size(b)) / cheap }

// formatted counts a format's verbs: each may print all arguments, in its
// width.
func formatted(arguments []reflect.Value) int64 {
	format := text(arguments[0])
	printed := int64(0)
	for rest := format; ; {
		_, after, found := strings.Cut(rest, "%")
		if !found {
			break
		}
		verb := strings.TrimLeft(after, "+-# 0[]")
		width := int64(0)
		for len(verb) > 0 && strings.IndexByte("0123456789.*[]", verb[0]) >= 0 {
			switch {
			case verb[0] == '*':
				width = add(width, math.MaxInt32)
			case '0' <= verb[0] && verb[0] <= '9':
				width = min(add(times(width, 10), int64(verb[0]-'0')), math.MaxInt32)
			}
			verb = verb[1:]
		}
		printed, rest = add(printed, width), after
	}
	if !strings.Contains(format, "[") {
		return printed // each argument is printed once
	}
	return add(printed, times(int64(strings.Count(format, "%")), measureValue(arguments[1], math.MaxInt32)))
}

func counted(numbers []int64) int64 {
	switch len(numbers) {
	case 0:
		return 0
	case 1:
		return distance(0, numbers[0])
	case 2:
		return distance(numbers[0], numbers[1])
	}
	return distance(numbers[0], numbers[1]) // in steps of one at least
}

func distance(from, to int64) int64 {
	far := new(big.Int).Sub(big.NewInt(to), big.NewInt(from))
	if far.Abs(far); !far.IsInt64() {
		return math.MaxInt64
	}
	return times(far.Int64(), 8)
}

// numbers are the whole numbers among a function's arguments.
func numbers(arguments []reflect.Value) []int64 {
	var found []int64
	for _, argument := range arguments {
		if argument.Kind() == reflect.Slice {
			for i := range argument.Len() {
				found = append(found, number(argument.Index(i)))
			}
			continue
		}
		found = append(found, number(argument))
	}
	return found
}

func number(value reflect.Value) int64 {
	if value = concrete(value); value.IsValid() && value.CanInt() {
		return value.Int()
	}
	return 0
}

func concrete(value reflect.Value) reflect.Value {
	for value.IsValid() && (value.Kind() == reflect.Interface || value.Kind() == reflect.Pointer) {
		value = value.Elem()
	}
	return value
}

func text(value reflect.Value) string {
	if value = concrete(value); value.IsValid() && value.Kind() == reflect.String {
		return value.String()
	}
	return ""
}

func size(value reflect.Value) int64 { return int64(len(text(value))) }

func lines(value reflect.Value) int64 { return int64(strings.Count(text(value), "\n")) + 1 }

// occurrences counts a text in another; the empty one is everywhere.
func occurrences(of, in reflect.Value) int64 { return int64(strings.Count(text(in), text(of))) + 1 }

// members are those of a list or a mapping; one for everything else.
func members(value reflect.Value) int64 {
	switch value = concrete(value); value.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return int64(value.Len())
	}
	return 1
}

func times(a, b int64) int64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	if a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}

func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
