package render

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/assay-gitops/assay/plugin"
)

// keysTwice adds a finding for each key that stands twice in one object of
// JSON that was read already; the last one counted.
func (s *stream) keysTwice(text []byte, at plugin.Origin) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var objects []*jsonObject
	for {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		delimiter, isDelimiter := token.(json.Delim)
		switch {
		case delimiter == '{' || delimiter == '[':
			objects = append(objects, &jsonObject{list: delimiter == '[', seen: map[string]bool{}})
			continue
		case isDelimiter:
			objects = objects[:len(objects)-1]
		case len(objects) > 0 && objects[len(objects)-1].isKey():
			object := objects[len(objects)-1]
			key, _ := token.(string)
			if object.seen[key] {
				s.keyTwice(key, text[:decoder.InputOffset()], at)
			}
			object.seen[key], object.value = true, true
			continue
		}
		if len(objects) > 0 {
			objects[len(objects)-1].value = false
		}
	}
}

// jsonObject is an object or a list that is being read.
type jsonObject struct {
	list bool
	seen map[string]bool
	// value is set between a key and its value.
	value bool
}

func (o *jsonObject) isKey() bool { return !o.list && !o.value }

func (s *stream) keyTwice(key string, before []byte, at plugin.Origin) {
	if at.Line > 0 {
		at.Line += bytes.Count(before, []byte("\n"))
	}
	s.findings = append(s.findings, plugin.Finding{
		Rule: ruleDuplicateKey, Level: plugin.Warn, Origin: at, Message: fmt.Sprintf("a key stands twice in one mapping: %q", key),
		Why: "the last value counts and the first is lost without a word", Hint: "remove one of them",
	})
}
