package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// Announcement is what a source itself says of its parameters.
type Announcement struct {
	// Kind is its renderer.
	Kind string
	// Values are a chart's, by the path that helm-parameters takes: those of
	// values.yaml, and of the value files that are asked for over them. They are nil
	// where there are too many to show.
	Values map[string]string
	// Images are those that a kustomization builds.
	Images []string
}

// The most that is announced: what people read, not what a renderer can.
const (
	mostAnnouncedBytes  = 256 << 10
	mostAnnouncedValues = 2000
)

// Announce looks at a source as Argo CD does for its user interface (GetAppDetails
// of its repo-server). No template is executed here; what builds a kustomization
// is the renderer's affair, and without one nothing is built. Errors are those of a
// renderer.
func Announce(ctx context.Context, source plugin.Source, renderer plugin.Renderer) (Announcement, error) {
	limits := plugin.DefaultLimits()
	limits.FileBytes = mostAnnouncedBytes
	out := Announcement{Kind: KindOf(source, limits)}
	var err error
	switch out.Kind {
	case KindHelm:
		out.Values, err = chartValues(source, limits)
	case KindKustomize:
		out.Images, err = builtImages(ctx, source, renderer)
	}
	return out, err
}

// chartValues are the leaves of a chart's values, in Argo CD's form.
func chartValues(source plugin.Source, limits plugin.Limits) (map[string]string, error) {
	release := &helmRelease{tree: newTree(source.Root, limits), folder: path.Clean(source.Path), parameters: source.Parameters.Helm}
	release.parameters.IgnoreMissingValueFiles = true
	asked, err := release.valueFiles()
	if err != nil {
		return nil, err
	}
	leaves := &leaves{found: map[string]string{}}
	for _, name := range slices.Concat([]string{path.Join(release.folder, "values.yaml")}, asked) {
		data, err := release.valueFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		origin := plugin.Origin{File: name}
		if err := checkBounds(data, limits, origin); err != nil {
			return nil, err
		}
		values := map[string]any{}
		if err := yaml.Unmarshal(data, &values); err != nil {
			return nil, invalid(origin, "reading values", err)
		}
		leaves.add(values, "")
	}
	if leaves.full {
		return nil, nil
	}
	return leaves.found, nil
}

// leaves are values by their paths, as long as they are not too many.
type leaves struct {
	found map[string]string
	bytes int
	full  bool
}

func (l *leaves) add(value any, at string) {
	if l.full {
		return
	}
	switch value := value.(type) {
	case map[string]any:
		for name, each := range value {
			l.add(each, strings.TrimPrefix(at+"."+name, "."))
		}
	case []any:
		for i, each := range value {
			l.add(each, fmt.Sprintf("%s[%d]", at, i))
		}
	default:
		text := fmt.Sprintf("%v", value)
		l.found[at] = text
		l.bytes += len(at) + len(text)
		l.full = l.bytes > mostAnnouncedBytes || len(l.found) > mostAnnouncedValues
	}
}

func builtImages(ctx context.Context, source plugin.Source, renderer plugin.Renderer) ([]string, error) {
	if renderer == nil {
		return nil, nil
	}
	rendering, err := renderer.Render(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("building the kustomization: %w", err)
	}
	return announcedImages(rendering.Objects), nil
}

// announcedImages are the images of containers, wherever they stand, in order and
// as often as they are there (getImages of Argo CD's util/kustomize). More than
// are shown are none.
func announcedImages(objects []plugin.Object) []string {
	var images []string
	for _, object := range objects {
		images = append(images, imagesBelow(object.Fields)...)
	}
	total := 0
	for _, image := range images {
		total += len(image)
	}
	if total > mostAnnouncedBytes || len(images) > mostAnnouncedValues {
		return nil
	}
	slices.Sort(images)
	return images
}

func imagesBelow(fields map[string]any) []string {
	var images []string
	for name, value := range fields {
		switch value := value.(type) {
		case map[string]any:
			images = append(images, imagesBelow(value)...)
		case []any:
			for _, entry := range value {
				fields, _ := entry.(map[string]any)
				if name != "containers" && name != "initContainers" {
					images = append(images, imagesBelow(fields)...)
				} else if image, is := fields["image"].(string); is {
					images = append(images, image)
				}
			}
		}
	}
	return images
}
