package plugin

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	imageKey = regexp.MustCompile(`^(?:images?|\w+Images?|[\w.-]+[_-]images?)(?:[_-]?(?:[Nn]ame|[Rr]ef|[Rr]eference|[Uu]r[li]|UR[LI]|[Rr]epo|[Rr]epository))?$`)
	imageEnv = regexp.MustCompile(`(?i)^(?:IMAGE|\w+_IMAGE|RELATED_IMAGE_\w+)$`)
	imageArg = regexp.MustCompile(`^--?(?:[A-Za-z0-9_.-]*-)?image(=|$)`)
)

// suspect reports what looks like an image in places that nobody declared. In
// custom resources that is any field with a telling name; in all objects it is
// environment variables, arguments and annotations.
func (s *search) suspect(value any, path []step, custom bool) {
	switch value := value.(type) {
	case map[string]any:
		if !custom && len(path) > 0 && isEmbedded(value) {
			custom = !isBuiltIn(Object{Fields: value}.ID().Group())
		}
		for name, member := range value {
			where := along(path, key(name))
			switch name {
			case "env":
				s.suspectEnv(member, where)
			case "args", "command":
				s.suspectArgs(member, where)
			case "annotations":
				s.suspectAnnotations(member, where)
			case "rbd": // a Ceph block device calls its volume an image
				continue
			}
			if custom && strings.Contains(name, "mage") && imageKey.MatchString(name) {
				s.suspectField(member, where)
			}
			s.suspect(member, where, custom)
		}
	case []any:
		for i, item := range value {
			s.suspect(item, along(path, index(i)), custom)
		}
	}
}

// suspectField looks at the value of a field with a telling name, and at
// everything below it. In a policy only what reads as a reference is suspected:
// the rest says what to match.
func (s *search) suspectField(value any, path []step) {
	switch value := value.(type) {
	case string:
		if !holdsPatterns(s.id) && namesImage(value) || readsAsImage(value) {
			s.undeclare(value, ImageField{Path: pattern(path)}, path)
		}
	case []any:
		for i, item := range value {
			s.suspectField(item, at(path, index(i)))
		}
	case map[string]any:
		s.suspectParts(value, path)
	}
}

// suspectParts looks at a map that describes an image, or several by name.
func (s *search) suspectParts(parts map[string]any, path []step) {
	where := at(path, key("repository"))
	if repository, _ := parts["repository"].(string); namesImage(repository) && !s.claimed[formatPath(where)] {
		field := ImageField{Path: pattern(where)}
		if _, found := parts["tag"]; found {
			field.Tag = "tag"
		}
		if _, found := parts["digest"]; found {
			field.Digest = "digest"
		}
		s.undeclare(repository, field, where)
		return // one finding is enough for what stands beside it
	}
	if holdsPatterns(s.id) {
		return
	}
	for name, member := range parts {
		if !slices.Contains(besideImage(), strings.ToLower(name)) {
			s.suspectField(member, at(path, key(name)))
		}
	}
}

func (s *search) suspectEnv(value any, path []step) {
	items, _ := value.([]any)
	for i, item := range items {
		variable, _ := item.(map[string]any)
		name, _ := variable["name"].(string)
		text, _ := variable["value"].(string)
		if imageEnv.MatchString(name) {
			field := ImageField{Path: pattern(at(path, step{kind: whereStep, key: "name", value: name}, key("value")))}
			s.suspectText(text, field, at(path, index(i), key("value")))
		}
	}
}

func (s *search) suspectArgs(value any, path []step) {
	items, _ := value.([]any)
	for i, item := range items {
		argument, _ := item.(string)
		if !strings.Contains(argument, "image") || !imageArg.MatchString(argument) {
			continue
		}
		if name, text, joined := strings.Cut(argument, "="); joined {
			field := ImageField{Path: pattern(at(path, step{kind: everyStep})), Prefix: name + "="}
			s.suspectText(text, field, at(path, index(i)))
			continue
		}
		if i+1 < len(items) {
			text, _ := items[i+1].(string)
			where := at(path, index(i+1))
			s.suspectText(text, ImageField{Path: pattern(path) + "[" + strconv.Itoa(i+1) + "]"}, where)
		}
	}
}

// suspectAnnotations looks for images that an annotation hands to a webhook
// which injects containers.
func (s *search) suspectAnnotations(value any, path []step) {
	annotations, _ := value.(map[string]any)
	for name, value := range annotations {
		text, _ := value.(string)
		short := name[strings.LastIndexByte(name, '/')+1:]
		if imageKey.MatchString(short) {
			where := at(path, key(name))
			s.suspectText(text, ImageField{Path: pattern(where)}, where)
		}
	}
}

// suspectText reports the text if it reads as an image.
func (s *search) suspectText(text string, field ImageField, path []step) {
	if readsAsImage(text) {
		s.undeclare(text, field, path)
	}
}

// undeclare reports the text unless it is claimed.
func (s *search) undeclare(text string, field ImageField, path []step) {
	where := formatPath(path)
	if s.claimed[where] {
		return
	}
	s.claimed[where] = true
	field.Group, field.Kind = s.id.Group(), s.id.Kind
	finding := Finding{
		Rule: "image/undeclared", Level: s.undeclared, Field: where, Image: text,
		Message: "this looks like an image, and nothing declares it as one",
		Why:     "an image that assay does not know of is neither pinned nor verified",
		Hint:    "add to the gate's images.fields: " + field.entry(),
	}
	if _, err := ParseReference(text); err != nil {
		finding.Message = "this stands where an image is named, nothing declares it as one, and it cannot be read as a reference: " + err.Error()
		finding.Hint = "write it as registry/repository:tag, in lower case, and " + finding.Hint
	}
	s.report(finding)
}

// entry is the field as it is written in a gate.
func (f ImageField) entry() string {
	parts := []string{"kind: " + f.Kind, "path: " + strconv.Quote(f.Path)}
	if f.Group != "" {
		parts = slices.Insert(parts, 0, "group: "+f.Group)
	}
	for _, part := range [][2]string{{"tag", f.Tag}, {"digest", f.Digest}, {"prefix", f.Prefix}} {
		if part[1] != "" {
			parts = append(parts, fmt.Sprintf("%s: %q", part[0], part[1]))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// pattern is the path with every index of a list opened up.
func pattern(path []step) string {
	open := slices.Clone(path)
	for i := range open {
		if open[i].kind == indexStep {
			open[i] = step{kind: everyStep}
		}
	}
	return formatPath(open)
}
