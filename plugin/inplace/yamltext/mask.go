package yamltext

import (
	"bytes"
)

// hidden stands in the place of each line of a Secret.
const hidden = "(a line of a Secret)"

// HideSecrets returns the text with every line of its Secrets hidden, for a
// person to read. What cannot be read is hidden whole.
func HideSecrets(data []byte) []byte {
	t, err := Parse(data)
	if err != nil {
		return []byte(hidden + "\n")
	}
	hide := map[int]bool{}
	for _, object := range t.Objects() {
		if object.Kind != "Secret" {
			continue
		}
		last, err := t.lastLine(object.node, 1)
		if err != nil {
			last = len(t.lines)
		}
		for line := object.node.Line; line <= last; line++ {
			hide[line] = true
		}
	}
	var out bytes.Buffer
	for line := 1; line <= len(t.lines); line++ {
		whole := t.data[t.lines[line-1]:t.after(line)]
		if !hide[line] {
			out.Write(whole)
			continue
		}
		out.WriteString(hidden)
		out.Write(whole[len(bytes.TrimRight(whole, "\r\n")):])
	}
	return out.Bytes()
}
