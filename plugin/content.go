package plugin

import (
	"crypto/sha256"
	"encoding/hex"
)

// fillContent writes the content hash of every finding about an object.
func (r *run) fillContent() {
	byID := map[ObjectID][]int{}
	for i, object := range r.objects {
		id := object.ID()
		byID[id] = append(byID[id], i)
	}
	findings := r.verdict.Findings
	for i := range findings {
		if finding := &findings[i]; finding.Content == "" && !finding.Object.IsZero() {
			finding.Content = r.contentOf(byID[finding.Object], finding.Field)
		}
	}
}

// contentOf hashes what an exception for a finding is bound to. Objects that
// share an identity are hashed together, so that an exception for the one does
// not cover its double.
func (r *run) contentOf(objects []int, field string) string {
	if len(objects) == 0 {
		return ""
	}
	hash := sha256.New()
	for _, i := range objects {
		text, err := content(r.objects[i], field)
		if err != nil {
			return "" // no hash, no exception bound to one
		}
		hash.Write(text)
		if len(objects) > 1 {
			hash.Write([]byte("\n"))
		}
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}

// content is the compact JSON of the field, of the whole object without one or
// with one that cannot be read. An absent field is null. A Secret is always
// hashed whole and masked: the hash of a short password is as good as the
// password.
func content(object Object, field string) ([]byte, error) {
	if isSecret(object.ID()) {
		return appendJSON(nil, MaskObject(object).Fields)
	}
	path, err := parsePath(field)
	if err != nil {
		return appendJSON(nil, object.Fields)
	}
	value, _ := lookup(object.Fields, path)
	return appendJSON(nil, value)
}
