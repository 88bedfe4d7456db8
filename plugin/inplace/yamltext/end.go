package yamltext

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

var errLongText = errors.New("a text without quotes goes over several lines within brackets")

// isAbsent reports whether a value is null as nothing was written.
func isAbsent(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" && node.Value == ""
}

// inlineEnd is the offset behind a node that is not spread by indentation: what
// stands in brackets or quotes, or on one line.
func (t *Text) inlineEnd(node *yaml.Node) (int, error) {
	at, err := t.offset(node)
	if err != nil {
		return 0, err
	}
	switch {
	case node.Kind == yaml.AliasNode:
		return at + 1 + len(node.Value), nil
	case node.Kind == yaml.MappingNode || node.Kind == yaml.SequenceNode:
		end, err := t.bracketEnd(node)
		return end.close + 1, err
	case node.Style&yaml.DoubleQuotedStyle != 0:
		return t.quoteEnd(at, '"')
	case node.Style&yaml.SingleQuotedStyle != 0:
		return t.quoteEnd(at, '\'')
	case bytes.HasPrefix(t.data[at:], []byte(node.Value)):
		return at + len(node.Value), nil
	}
	return 0, errLongText
}

func (t *Text) quoteEnd(at int, quote byte) (int, error) {
	if at >= len(t.data) || t.data[at] != quote {
		return 0, errors.New("the end of a quoted text is not known")
	}
	for i := at + 1; i < len(t.data); i++ {
		switch {
		case t.data[i] == '\\' && quote == '"':
			i++
		case t.data[i] != quote:
		case quote == '\'' && i+1 < len(t.data) && t.data[i+1] == quote:
			i++
		default:
			return i + 1, nil
		}
	}
	return 0, errors.New("the end of a quoted text is not known")
}

// brackets are where a mapping or list in brackets ends.
type brackets struct {
	// close is the closing bracket's offset, last the one behind the last member
	// (or behind the opening bracket).
	close, last int
}

func (t *Text) bracketEnd(node *yaml.Node) (brackets, error) {
	at, err := t.offset(node)
	if err != nil {
		return brackets{}, err
	}
	if at >= len(t.data) || t.data[at] != '{' && t.data[at] != '[' {
		return brackets{}, errors.New("a bracket is not where it was expected")
	}
	found := brackets{last: at + 1}
	if count := len(node.Content); count > 0 {
		child := node.Content[count-1]
		if node.Kind == yaml.MappingNode && isAbsent(child) {
			return brackets{}, errors.New("the last value within brackets is missing")
		}
		if found.last, err = t.inlineEnd(child); err != nil {
			return brackets{}, err
		}
	}
	found.close = t.skip(found.last)
	if found.close < len(t.data) && t.data[found.close] == ',' {
		found.close = t.skip(found.close + 1)
	}
	if found.close >= len(t.data) || t.data[found.close] != '}' && t.data[found.close] != ']' {
		return brackets{}, errors.New("a bracket is not where it was expected")
	}
	return found, nil
}

// skip goes over white space and comments.
func (t *Text) skip(at int) int {
	for at < len(t.data) {
		switch {
		case isBlank(t.data[at]):
			at++
		case t.data[at] == '#' && isBlank(t.data[at-1]):
			at = t.after(t.line(at))
		default:
			return at
		}
	}
	return at
}

// lastLine is the last line that a node's text takes; column is that of the
// mapping or list that it is a member of.
func (t *Text) lastLine(node *yaml.Node, column int) (int, error) {
	switch {
	case node.Kind != yaml.ScalarNode && node.Kind != yaml.AliasNode && node.Style&yaml.FlowStyle == 0 && len(node.Content) > 0:
		last, key := node.Content[len(node.Content)-1], node
		if node.Kind == yaml.MappingNode {
			key = node.Content[len(node.Content)-2]
		}
		if isAbsent(last) {
			return max(key.Line, last.Line), nil
		}
		return t.lastLine(last, node.Content[0].Column-dashWidth(node))
	case node.Kind == yaml.ScalarNode && node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return t.lastOfBlock(node, column), nil
	case node.Kind == yaml.ScalarNode && node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0:
		return t.lastOfPlain(node, column), nil
	}
	end, err := t.inlineEnd(node)
	if err != nil {
		return 0, err
	}
	return t.line(end - 1), nil
}

// dashWidth is how far the members of a list stand behind its column.
func dashWidth(node *yaml.Node) int {
	if node.Kind == yaml.SequenceNode {
		return node.Content[0].Column - node.Column
	}
	return 0
}

// indentation counts the spaces in front of a line.
func indentation(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

// lastOfBlock is the last line of a literal or folded text. Empty lines behind
// it belong to it only where its header keeps them ("+"); a line of more spaces
// than the text is indented by is not empty.
func (t *Text) lastOfBlock(node *yaml.Node, column int) int {
	header, _, _ := strings.Cut(string(t.content(node.Line)[max(0, min(node.Column-1, len(t.content(node.Line)))):]), "#")
	keeps := strings.Contains(header, "+")
	last, indented := node.Line, 0
	for line := node.Line + 1; line <= len(t.lines); line++ {
		content := t.content(line)
		blank := len(bytes.TrimSpace(content)) == 0
		if !blank && indented == 0 {
			indented = indentation(content)
		}
		empty := blank && (indented == 0 || len(content) <= indented)
		if !blank && indentation(content) < column {
			break
		}
		if (!empty || keeps) && t.lines[line-1] < len(t.data) {
			last = line
		}
	}
	return last
}

// lastOfPlain is the last line of a text without quotes.
func (t *Text) lastOfPlain(node *yaml.Node, column int) int {
	last := node.Line
	if !strings.ContainsAny(node.Value, " \n") { // such a text is on one line
		return last
	}
	for line := node.Line + 1; line <= len(t.lines); line++ {
		content := t.content(line)
		trimmed := bytes.TrimSpace(content)
		if len(trimmed) == 0 {
			continue
		}
		if indentation(content) < column || trimmed[0] == '#' {
			break
		}
		last = line
	}
	return last
}
