package page

import (
	"strings"
	"unicode/utf8"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// objectView is one object that differs.
type objectView struct {
	Name, Was, Kind, Status, Mark, Effect, Where, Size string
	Open                                               bool
	Authored, Injected, Noise                          []fieldView
	Folded                                             string
}

// fieldView is one difference. The path and the values come in parts, of which
// the middle is what a reader looks for.
type fieldView struct {
	Before, Key string // the path
	Mark        string
	Was, Now    *parts
	Lines       []lineView
	Hidden      string
	Cut         bool
	Reason      string
	Long        bool
}

// parts is a value: what it shares with the other side at its beginning, what
// differs, and what it shares at its end.
type parts struct{ Head, Middle, Tail string }

// lineView is a run of lines of one class.
type lineView struct{ Class, Text string }

// objectViews shows objects while there is room, and counts the others.
func objectViews(objects []change.Object, room *int) (views []objectView, cut int) {
	const few, short = 20, 12
	for i, object := range objects {
		for _, field := range object.Fields {
			*room -= weight(field)
		}
		if *room < 0 {
			return views, len(objects) - i
		}
		v := objectView{
			Name: plain(object.ID.String()), Kind: plain(object.ID.Kind), Status: string(object.Status), Mark: markOf(object.Status), Effect: effect(object), Where: plain(object.Origin.String()),
			Size: report.Plural(len(object.Fields), "field"), Open: len(objects) <= few && len(object.Fields) <= short && object.Status == change.Changed,
		}
		if object.WasID != nil {
			v.Was = plain(object.WasID.String())
		}
		v.fields(object)
		views = append(views, v)
	}
	return views, 0
}

// weight is about how many bytes a field takes in the page.
func weight(f change.Field) int {
	const markup = 150
	sum := markup + len(f.Path) + len(f.Was) + len(f.Now)
	for _, line := range f.Lines {
		sum += len(line) + 1
	}
	return sum
}

func (v *objectView) fields(object change.Object) {
	for _, field := range object.Fields {
		view := newFieldView(field)
		switch {
		case field.Noise != "":
			v.Noise = append(v.Noise, view)
		case field.Injected:
			v.Injected = append(v.Injected, view)
		default:
			v.Authored = append(v.Authored, view)
		}
	}
	if object.Folded > 0 {
		v.Folded = plain(noise(object))
	}
}

func newFieldView(f change.Field) fieldView {
	path := plugin.PlainText(f.Path)
	at := lastKey(path)
	v := fieldView{Before: path[:at], Key: path[at:], Mark: markOf(f.Status), Cut: f.Cut, Reason: plain(f.Noise)}
	if masked(f) {
		v.Hidden = notShown
		return v
	}
	v.Lines = lineViews(f.Lines)
	was, now := plugin.PlainText(f.Was), plugin.PlainText(f.Now)
	head, tail := shared(was, now)
	if f.Was != "" {
		v.Was = &parts{was[:head], was[head : len(was)-tail], was[len(was)-tail:]}
	}
	if f.Now != "" {
		v.Now = &parts{now[:head], now[head : len(now)-tail], now[len(now)-tail:]}
	}
	const inline = 60
	v.Long = len(was)+len(now) > inline
	return v
}

// lastKey is where the last key of a path begins; brackets and quotes may hold
// dots.
func lastKey(path string) int {
	at, depth := 0, 0
	for i := range len(path) {
		switch path[i] {
		case '[':
			depth++
		case ']':
			depth = max(depth-1, 0)
		case '.':
			if depth == 0 {
				at = i + 1
			}
		}
	}
	return at
}

// shared is how many bytes two values have in common at the beginning and at the
// end; none when one is absent or they have little in common.
func shared(was, now string) (head, tail int) {
	if was == "" || now == "" {
		return 0, 0
	}
	for head < min(len(was), len(now)) && was[head] == now[head] {
		head++
	}
	for head > 0 && !boundary(was, head) {
		head--
	}
	for tail < min(len(was), len(now))-head && was[len(was)-1-tail] == now[len(now)-1-tail] {
		tail++
	}
	for tail > 0 && !boundary(was, len(was)-tail) {
		tail--
	}
	if head+tail < 2 { // the quotes of a text alone
		return 0, 0
	}
	return head, tail
}

func boundary(text string, at int) bool { return at == len(text) || utf8.RuneStart(text[at]) }

// lineViews joins neighbours of one class, as a browser pays for each element.
func lineViews(lines []string) []lineView {
	var out []lineView
	var run strings.Builder
	for i, line := range lines {
		run.WriteString(tabbed(line))
		run.WriteByte('\n')
		if class := lineClass(line); i == len(lines)-1 || lineClass(lines[i+1]) != class {
			out = append(out, lineView{class, run.String()})
			run.Reset()
		}
	}
	return out
}

func lineClass(line string) string {
	switch line[:min(len(line), 1)] {
	case "+":
		return "ins"
	case "-":
		return "del"
	case "@":
		return "at"
	}
	return "same"
}

// tabbed is a line of text in which tabs are kept.
func tabbed(line string) string {
	cells := strings.Split(line, "\t")
	for i := range cells {
		cells[i] = plugin.PlainText(cells[i])
	}
	return strings.Join(cells, "\t")
}

// markOf is a sign for what the change does.
func markOf(status change.Status) string {
	switch status {
	case change.Added:
		return "+"
	case change.Removed:
		return "\u2212"
	case change.Renamed:
		return "\u2192"
	case change.Changed, change.Same:
	}
	return "\u00b1"
}
