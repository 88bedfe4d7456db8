package plugin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ParseLock reads a lock file strictly: an unknown or repeated field, an alias,
// a second document, an image that is not in normal form and a repeated entry
// are errors that name the line.
func ParseLock(data []byte) (*Lock, error) {
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("parsing the lock: it is empty")
		}
		return nil, fmt.Errorf("parsing the lock: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("parsing the lock: there is more than one document")
	}
	lock, err := parseLock(document.Content[0])
	if err != nil {
		return nil, fmt.Errorf("parsing the lock: %w", err)
	}
	return lock, nil
}

func parseLock(root *yaml.Node) (*Lock, error) {
	fields, err := lockFields(root, "apiVersion", "kind", "images", "charts")
	if err != nil {
		return nil, err
	}
	for _, head := range [][2]string{{"apiVersion", lockVersion}, {"kind", lockKind}} {
		got, err := lockText(root, fields, head[0])
		if err != nil {
			return nil, err
		}
		if got != head[1] {
			return nil, lockErrorf(fields[head[0]], "%s is %q; only %q is known", head[0], got, head[1])
		}
	}
	lock := &Lock{}
	seen := map[string]int{}
	err = lockList(fields["images"], func(item *yaml.Node) error { return lock.parseImage(item, seen) })
	if err != nil {
		return nil, err
	}
	err = lockList(fields["charts"], func(item *yaml.Node) error { return lock.parseChart(item, seen) })
	if err != nil {
		return nil, err
	}
	return lock, nil
}

func (l *Lock) parseImage(item *yaml.Node, seen map[string]int) error {
	fields, err := lockFields(item, "image", "digest")
	if err != nil {
		return err
	}
	image, err := lockText(item, fields, "image")
	if err != nil {
		return err
	}
	digest, err := lockDigest(item, fields)
	if err != nil {
		return err
	}
	reference, err := ParseReference(image)
	switch {
	case err != nil:
		return lockErrorf(fields["image"], "%v", err)
	case reference.Digest != "" || reference.Tag == "" || reference.Tagged() != image:
		reference.Digest = ""
		return lockErrorf(fields["image"], "image %q is not in normal form; write %q", image, reference)
	}
	if err := lockOnce(item, seen, "image "+image); err != nil {
		return err
	}
	l.Images = append(l.Images, LockedImage{Image: image, Digest: digest})
	return nil
}

func (l *Lock) parseChart(item *yaml.Node, seen map[string]int) error {
	fields, err := lockFields(item, "chart", "version", "digest")
	if err != nil {
		return err
	}
	chart, err := lockText(item, fields, "chart")
	if err != nil {
		return err
	}
	version, err := lockText(item, fields, "version")
	if err != nil {
		return err
	}
	digest, err := lockDigest(item, fields)
	if err != nil {
		return err
	}
	if RedactURL(chart) != chart {
		return lockErrorf(fields["chart"], "the chart's URL holds a credential or a query; write it without")
	}
	if err := lockOnce(item, seen, "chart "+chart+" "+version); err != nil {
		return err
	}
	l.Charts = append(l.Charts, LockedChart{Chart: chart, Version: version, Digest: digest})
	return nil
}

func lockOnce(item *yaml.Node, seen map[string]int, what string) error {
	if line, twice := seen[what]; twice {
		return lockErrorf(item, "%s has an entry on line %d already", what, line)
	}
	seen[what] = item.Line
	return nil
}

// lockFields reads a map with these fields only.
func lockFields(node *yaml.Node, known ...string) (map[string]*yaml.Node, error) {
	if node.Kind != yaml.MappingNode || node.Anchor != "" {
		return nil, lockErrorf(node, "there is no plain map with the fields %s", strings.Join(known, ", "))
	}
	fields := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		switch {
		case name.Kind != yaml.ScalarNode || !slices.Contains(known, name.Value):
			return nil, lockErrorf(name, "unknown field %q; there are %s", name.Value, strings.Join(known, ", "))
		case fields[name.Value] != nil:
			return nil, lockErrorf(name, "field %q is there twice", name.Value)
		}
		fields[name.Value] = value
	}
	return fields, nil
}

func lockText(parent *yaml.Node, fields map[string]*yaml.Node, name string) (string, error) {
	node := fields[name]
	if node == nil {
		return "", lockErrorf(parent, "field %q is missing", name)
	}
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str" || node.Anchor != "" || node.Value == "" {
		return "", lockErrorf(node, "field %q is not a string; quote it", name)
	}
	return node.Value, nil
}

func lockDigest(parent *yaml.Node, fields map[string]*yaml.Node) (string, error) {
	digest, err := lockText(parent, fields, "digest")
	if err != nil {
		return "", err
	}
	if !digestGrammar.MatchString(digest) {
		return "", lockErrorf(fields["digest"], "digest %q is not sha256: and 64 lower-case hex digits", digest)
	}
	return digest, nil
}

func lockList(node *yaml.Node, each func(*yaml.Node) error) error {
	if node == nil {
		return nil
	}
	if node.Kind != yaml.SequenceNode || node.Anchor != "" {
		return lockErrorf(node, "there is no plain list of entries")
	}
	for _, item := range node.Content {
		if err := each(item); err != nil {
			return err
		}
	}
	return nil
}
