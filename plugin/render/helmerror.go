package render

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

var (
	templateLine     = regexp.MustCompile(`([^\s()"<>:]+):(\d+)(?::\d+)?(?:[:)\s]|$)`)
	executingPattern = regexp.MustCompile(`(?m)^\s*executing "[^\n]*" at (<[^\n]*>):$`)
	atPattern        = regexp.MustCompile(`(?s)^(?:parse|execution) error at \([^\s()]+\): (.*)$`)
	recursionPattern = regexp.MustCompile(`rendering template has a nested reference name: (.*): unable to execute template`)
	depthPattern     = regexp.MustCompile(`executing "([^"]*)" at [^\n]*:\s+exceeded maximum template depth`)
)

// errSecretValues stands in the place of what a template says of its failure:
// fail and the errors of functions repeat what they were given, in parts and in
// other forms.
var errSecretValues = errors.New("why is not shown, as values of the chart come from Secrets")

// templateError is what helm's engine says of a template that fails: it writes
// the way through all includes, and the last line is the one that failed.
type templateError struct {
	// text is the engine's own.
	text string
	// files maps the engine's names of the templates to the tree's.
	files map[string]string
	chart plugin.Origin
	// secret keeps what the template says to itself.
	secret bool
}

// refusal names the innermost template and its line, and says in one line what
// went wrong there.
func (e *templateError) refusal() *plugin.Refusal {
	places := e.places()
	refusal := &plugin.Refusal{
		Rule: ruleInvalid, Origin: e.chart, Message: "rendering the chart's templates",
		Hint: "mend the template, or the values that it is given; helm template shows the same error",
	}
	if len(places) > 0 {
		refusal.Origin = places[len(places)-1]
	}
	for _, pattern := range []*regexp.Regexp{recursionPattern, depthPattern} {
		if match := pattern.FindStringSubmatch(e.text); match != nil {
			refusal.Message = "the template " + strconv.Quote(match[1]) + " includes itself without end"
			refusal.Hint = "put the include into a condition that ends, or leave it out"
			return refusal
		}
	}
	if e.secret {
		refusal.Cause = errSecretValues
		return refusal
	}
	refusal.Cause = errors.New(e.message(places))
	return refusal
}

// message is the last thing that went wrong, where it did, and on whose
// behalf.
func (e *templateError) message(places []plugin.Origin) string {
	if match := atPattern.FindStringSubmatch(e.text); match != nil {
		return oneLine(match[1])
	}
	steps := executingPattern.FindAllStringSubmatchIndex(e.text, -1)
	if len(steps) == 0 {
		return oneLine(e.text)
	}
	last := steps[len(steps)-1]
	text := e.text[last[2]:last[3]] + ": " + oneLine(e.text[last[1]:])
	if len(places) < 2 {
		return text
	}
	return text + " (included from " + places[0].String() + ")"
}

// places are the lines of templates that the text names, in its order.
func (e *templateError) places() []plugin.Origin {
	var places []plugin.Origin
	for _, match := range templateLine.FindAllStringSubmatch(e.text, -1) {
		file, known := e.files[match[1]]
		if !known {
			continue
		}
		line, _ := strconv.Atoi(match[2])
		places = append(places, plugin.Origin{File: file, Line: line})
	}
	return places
}

// oneLine joins the lines of a text for reports, which show no line breaks.
func oneLine(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case strings.HasSuffix(out.String(), ":"):
			out.WriteString(" ")
		case out.Len() > 0:
			out.WriteString(" / ")
		}
		out.WriteString(line)
	}
	return out.String()
}
