package render

import (
	"bytes"
	"fmt"
	"regexp"

	yaml3 "go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

var (
	anchorPattern = regexp.MustCompile(`(?m)(^|[\s\[{,])&[0-9A-Za-z_-]`)
	aliasPattern  = regexp.MustCompile(`(?m)(^|[\s\[{,])\*[0-9A-Za-z_-]`)
)

// checkBounds refuses YAML that a library is about to decode when it nests too
// deep or expands too far. Most files pass by a look at their text alone.
func checkBounds(text []byte, limits plugin.Limits, origin plugin.Origin) error {
	if mayNest(text, limits.YAMLDepth) {
		return checkNodes(text, limits, origin)
	}
	return checkAliases(text, limits, origin)
}

// mayNest overestimates depth: brackets anywhere, and the indentation and
// dashes of the deepest line.
func mayNest(text []byte, limit int64) bool {
	brackets := int64(bytes.Count(text, []byte("[")) + bytes.Count(text, []byte("{")))
	if brackets*2 > limit {
		return true
	}
	for line := range bytes.Lines(text) {
		indent := len(line) - len(bytes.TrimLeft(line, " -?"))
		if int64(indent)+brackets+2 > limit {
			return true
		}
	}
	return false
}

// checkAliases refuses documents whose aliases expand beyond the limit, before
// anything expands them.
func checkAliases(text []byte, limits plugin.Limits, origin plugin.Origin) error {
	if bytes.IndexByte(text, '*') < 0 || bytes.IndexByte(text, '&') < 0 || !aliasPattern.Match(text) || !anchorPattern.Match(text) {
		return nil
	}
	return checkNodes(text, limits, origin)
}

// checkNodes parses without expanding and measures depth and size as if
// aliases were expanded.
func checkNodes(text []byte, limits plugin.Limits, origin plugin.Origin) error {
	for _, document := range splitDocuments(text) {
		var node yaml3.Node
		if err := yaml3.Unmarshal(document.text, &node); err != nil {
			if origin.Line > 0 || origin.File == "" {
				return yamlError(err, limits, origin)
			}
			return located(yamlError(err, limits, plugin.Origin{File: origin.File, Line: document.line}), document.text)
		}
		measure := measure{sizes: map[*yaml3.Node]int64{}, limits: limits, origin: origin}
		if _, err := measure.size(&node, 0); err != nil {
			return err
		}
	}
	return nil
}

// measure counts a document's nodes, each anchor once.
type measure struct {
	sizes  map[*yaml3.Node]int64
	limits plugin.Limits
	origin plugin.Origin
}

func (m *measure) size(node *yaml3.Node, depth int64) (int64, error) {
	if depth > m.limits.YAMLDepth {
		return 0, overLimit("yamlDepth", m.limits, m.origin)
	}
	if node.Kind == yaml3.AliasNode {
		if size, known := m.sizes[node.Alias]; known {
			return size, nil
		}
		return 0, invalid(m.origin, fmt.Sprintf("the alias *%s contains itself", node.Value), nil)
	}
	total := int64(1)
	for _, child := range node.Content {
		size, err := m.size(child, depth+1)
		if err != nil {
			return 0, err
		}
		if total += size; total > m.limits.YAMLNodes {
			return 0, overLimit("yamlNodes", m.limits, m.origin)
		}
	}
	if node.Anchor != "" {
		m.sizes[node] = total
	}
	return total, nil
}
