package render

import (
	"strings"

	yaml3 "go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// lines finds the line of an entry in a kustomization, for messages.
type lines struct {
	file string
	root *yaml3.Node
}

func newLines(data []byte, file string) *lines {
	var document yaml3.Node
	l := &lines{file: file}
	if err := yaml3.Unmarshal(data, &document); err == nil && len(document.Content) == 1 {
		l.root = document.Content[0]
	}
	return l
}

func (l *lines) value(field string) *yaml3.Node {
	if l.root == nil || l.root.Kind != yaml3.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(l.root.Content); i += 2 {
		if strings.EqualFold(l.root.Content[i].Value, field) {
			return l.root.Content[i+1]
		}
	}
	return nil
}

func (l *lines) field(field string) plugin.Origin {
	if node := l.value(field); node != nil {
		return plugin.Origin{File: l.file, Line: node.Line}
	}
	return plugin.Origin{File: l.file}
}

// item is the line of an entry: the scalar with that text below the list's
// item, or the item itself. Deprecated fields were moved, so any other scalar
// with that text will do.
func (l *lines) item(text, field string, index int) plugin.Origin {
	at := plugin.Origin{File: l.file}
	if node := l.value(field); node != nil && index < len(node.Content) {
		at.Line = node.Content[index].Line
		if line := findScalar(node.Content[index], text); line > 0 {
			at.Line = line
			return at
		}
	}
	if line := findScalar(l.root, text); line > 0 {
		at.Line = line
	}
	return at
}

// textBelow is the line above the first one of an entry that is a text of
// several lines, or linesUnknown for one whose lines are not the file's.
func (l *lines) textBelow(field string, index int) int {
	node := l.value(field)
	if node == nil || index >= len(node.Content) || node.Content[index].Style&yaml3.LiteralStyle == 0 {
		return linesUnknown
	}
	return node.Content[index].Line
}

func findScalar(node *yaml3.Node, text string) int {
	if node == nil {
		return 0
	}
	if node.Kind == yaml3.ScalarNode && node.Value == text {
		return node.Line
	}
	for _, child := range node.Content {
		if line := findScalar(child, text); line > 0 {
			return line
		}
	}
	return 0
}
