package render

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

var faultPattern = regexp.MustCompile(`(?s)^(?:yaml: )?(?:line (\d+): )?(.*)$`)

// yamlFault is what a YAML library says, taken apart.
type yamlFault struct {
	// line is counted from the beginning of the text that the library was given;
	// 0 is unknown.
	line    int
	message string
}

func newYAMLFault(text string) *yamlFault {
	match := faultPattern.FindStringSubmatch(text)
	fault := &yamlFault{message: match[2]}
	fault.line, _ = strconv.Atoi(match[1])
	if strings.Contains(fault.message, "did not find expected") { // the parser counts from 0, the scanner from 1
		fault.line++
	}
	return fault
}

func (f *yamlFault) Error() string {
	if f.line == 0 {
		return f.message
	}
	return "line " + strconv.Itoa(f.line) + " of it: " + f.message
}

// located moves a refusal to the line of its file on which the YAML is broken.
// text is the document that begins on the refusal's line.
func located(err error, text []byte) error {
	var refusal *plugin.Refusal
	var fault *yamlFault
	if !errors.As(err, &refusal) || !errors.As(refusal.Cause, &fault) || refusal.Origin.Line == 0 {
		return err
	}
	moved := *refusal
	moved.Cause = errors.New(fault.message)
	moved.Origin.Line = fault.lineIn(text, refusal.Origin.Line)
	return &moved
}

// lineIn counts from the beginning of the file, when a document's content
// begins on the line from. What is missing at the end of a text is missed on
// its last line.
func (f *yamlFault) lineIn(text []byte, from int) int {
	if f.line == 0 {
		return from
	}
	last := bytes.Count(bytes.TrimRight(text, " \t\r\n"), []byte("\n")) + 1
	return max(from, from+min(f.line, last)-contentLine(text))
}

// contentLine is the line of a document's text on which its content begins.
func contentLine(text []byte) int {
	line := 0
	for raw := range bytes.Lines(text) {
		line++
		if hasContent(raw) {
			return line
		}
	}
	return 1
}

func hasContent(line []byte) bool {
	trimmed := bytes.TrimSpace(line)
	return len(trimmed) > 0 && trimmed[0] != '#' && trimmed[0] != '%'
}
