package plugin

import (
	"fmt"
	"strings"
)

// claimDeclared claims the fields that the gate declares for the object at
// path.
func (s *search) claimDeclared(fields map[string]any, path []step) {
	id := Object{Fields: fields}.ID()
	for _, field := range s.declared {
		if field.Kind != id.Kind || field.Group != id.Group() {
			continue
		}
		places, err := field.places()
		if err != nil {
			continue // Find reported it
		}
		if field.Tag == "" && field.Digest == "" {
			for _, matched := range expand(fields, places[0]) {
				s.claim(place{path: at(path, matched...), prefix: field.Prefix})
			}
			continue
		}
		for _, parent := range expand(fields, places[0][:len(places[0])-1]) {
			s.claimParts(at(path, parent...), places)
		}
	}
}

// claimParts claims a split reference below parent. A tag or digest without
// the repository is half a reference, not none.
func (s *search) claimParts(parent []step, places [3][]step) {
	where := place{path: at(parent, places[0][len(places[0])-1])}
	if places[1] != nil {
		where.tag = at(parent, places[1]...)
	}
	if places[2] != nil {
		where.digest = at(parent, places[2]...)
	}
	if !s.claim(where) {
		s.claimSplit(where, "")
	}
}

// claimSplit joins a reference that is split over fields.
func (s *search) claimSplit(where place, repository string) {
	field := formatPath(where.path)
	tag, err := s.part(where.tag)
	if err != nil {
		s.invalid(field, repository, err.Error())
		return
	}
	digest, err := s.part(where.digest)
	if err != nil {
		s.invalid(field, repository, err.Error())
		return
	}
	if repository == "" && tag == "" && digest == "" {
		return
	}
	if repository == "" || tag == "" && digest == "" {
		s.report(Finding{
			Rule: "image/invalid", Field: field, Image: repository,
			Message: fmt.Sprintf("the image is only half written: repository %q, tag %q, digest %q", repository, tag, digest),
			Why:     "the controller fills in the rest, so that nobody can say which image will run",
			Hint:    "set the repository, and the tag or the digest",
		})
		return
	}
	written := repository
	if tag != "" {
		written += ":" + tag
	}
	if digest != "" {
		if !strings.HasPrefix(digest, "sha256:") {
			digest = "sha256:" + digest // the Prometheus operator's "sha" is bare
		}
		written += "@" + digest
	}
	s.record(where, written)
}

// part reads one field of a split reference; an absent one is empty.
func (s *search) part(path []step) (string, error) {
	if path == nil {
		return "", nil
	}
	s.claimed[formatPath(path)] = true
	value, _ := lookup(s.object.Fields, path)
	switch value := value.(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	}
	return "", fmt.Errorf("%s is %s, not a string", formatPath(path), typeName(value))
}

// write puts the pinned reference where the author's stood: as one text, or
// with the digest in its own field, or behind the tag when there is no such
// field.
func (p place) write(fields map[string]any, pinned Image) error {
	switch {
	case p.digest != nil:
		digest := pinned.Digest
		if before, _ := lookup(fields, p.digest); isBareDigest(before) {
			digest = strings.TrimPrefix(digest, "sha256:")
		}
		return setValue(fields, p.digest, digest)
	case p.tag != nil:
		tag, _ := lookup(fields, p.tag)
		text, _ := tag.(string)
		text, _, _ = strings.Cut(text, "@")
		return setValue(fields, p.tag, text+"@"+pinned.Digest)
	}
	return setValue(fields, p.path, p.prefix+pinned.Pinned())
}

func isBareDigest(value any) bool {
	text, ok := value.(string)
	return ok && text != "" && !strings.HasPrefix(text, "sha256:")
}
