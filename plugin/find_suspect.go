package plugin

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	imageKey = regexp.MustCompile(`^(?:images?|image(?:Name|Ref)|\w+Images?|[\w.-]+[_-]images?)$`)
	imageEnv = regexp.MustCompile(`(?i)^(?:IMAGE|\w+_IMAGE|RELATED_IMAGE_\w+)$`)
	imageArg = regexp.MustCompile(`^--?(?:[A-Za-z0-9_.-]*-)?image(=|$)`)
	fileName = regexp.MustCompile(`(?i)^[^/:@]+\.(?:png|jpe?g|gif|svg|webp|ico|iso|img|qcow2|raw|vmdk|tar|gz)$`)
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

// suspectField looks at the value of a field with a telling name.
func (s *search) suspectField(value any, path []step) {
	switch value := value.(type) {
	case string:
		s.suspectText(value, ImageField{Path: pattern(path)}, path)
	case []any:
		for i, item := range value {
			s.suspectField(item, at(path, index(i)))
		}
	case map[string]any:
		repository, _ := value["repository"].(string)
		if repository == "" {
			return
		}
		where := at(path, key("repository"))
		field := ImageField{Path: pattern(where)}
		if _, found := value["tag"]; found {
			field.Tag = "tag"
		}
		if _, found := value["digest"]; found {
			field.Digest = "digest"
		}
		s.suspectText(repository, field, where)
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

// suspectText reports the text unless it is claimed or cannot be an image.
func (s *search) suspectText(text string, field ImageField, path []step) {
	where := formatPath(path)
	if s.claimed[where] || !readsAsImage(text) {
		return
	}
	s.claimed[where] = true
	field.Group, field.Kind = s.id.Group(), s.id.Kind
	s.report(Finding{
		Rule: "image/undeclared", Level: s.undeclared, Field: where, Image: text,
		Message: "this looks like an image, and nothing declares it as one",
		Why:     "an image that assay does not know of is neither pinned nor verified",
		Hint:    "add to the gate's images.fields: " + field.entry(),
	})
}

// readsAsImage reports whether the text can be meant as an image. A bare word
// can; a switch, a number and the name of a file cannot.
func readsAsImage(text string) bool {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return false
	}
	if slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "none", "null"}, text) || fileName.MatchString(text) {
		return false
	}
	_, err := ParseReference(text)
	return err == nil
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
