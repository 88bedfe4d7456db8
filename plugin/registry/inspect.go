package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/assay-gitops/assay/plugin"
)

var _ plugin.Inspector = Inspector{}

// Inspector reads images' configs and platforms. It fills [plugin.Image]
// fields in place and denies images that lack a required platform.
type Inspector struct {
	Client *Client
	// Platforms are required: "linux/amd64", "linux/arm64/v8". The first one
	// that an index has decides whose config is read; without, linux/amd64,
	// else any for linux, else the first.
	Platforms []string
	// SkipConfig reads platforms alone where an index names them.
	SkipConfig bool
	// Users asks the layers of images whose user is a name for its number.
	Users bool
}

const stageInspect = "inspect"

// inspectionsInFlight bounds the images that are looked at at once: each may
// take a manifest and a config of the largest size.
const inspectionsInFlight = 16

// Inspect looks at every image that has a digest, side by side. A config
// that could not be read is a finding, as hardening would else guess.
func (i Inspector) Inspect(ctx context.Context, images []plugin.Image) []plugin.Finding {
	findings := make([][]plugin.Finding, len(images))
	var group sync.WaitGroup
	for n := range images {
		image := &images[n]
		if image.Digest == "" || image.Chart {
			continue
		}
		group.Go(func() {
			err := i.inTurn(ctx, image)
			for _, finding := range plugin.FindingsFromError(stageInspect, err) {
				findings[n] = append(findings[n], about(image, finding))
			}
			if err == nil || image.Platforms != nil {
				findings[n] = append(findings[n], i.missing(image)...)
			}
		})
	}
	group.Wait()
	return slices.Concat(findings...)
}

// inTurn waits until few enough images are looked at through this client, for
// whatever application: what one takes is bounded, and so is their sum.
func (i Inspector) inTurn(ctx context.Context, image *plugin.Image) error {
	select {
	case i.Client.inspections <- struct{}{}:
		defer func() { <-i.Client.inspections }()
		return i.inspect(ctx, image)
	case <-ctx.Done():
		return fmt.Errorf("waiting to inspect %s: %w", image.Reference, context.Cause(ctx))
	}
}

func about(image *plugin.Image, finding plugin.Finding) plugin.Finding {
	finding.Image, finding.Digest = image.Written, image.Digest
	return finding
}

// missing denies for each required platform that the image does not have.
func (i Inspector) missing(image *plugin.Image) []plugin.Finding {
	var findings []plugin.Finding
	for _, platform := range i.Platforms {
		if slices.ContainsFunc(image.Platforms, func(has string) bool { return fits(has, platform) }) {
			continue
		}
		findings = append(findings, about(image, plugin.Finding{
			Rule:    "image/platform-missing",
			Message: fmt.Sprintf("the image has no build for %s, only for [%s]", platform, strings.Join(image.Platforms, ", ")),
			Why:     "on a node of that platform the container would not start",
			Hint:    "build the image for it, or take the platform out of the gate",
		}))
	}
	return findings
}

// fits reports whether a platform satisfies the wanted one, which may leave
// out the variant.
func fits(has, want string) bool { return has == want || strings.HasPrefix(has, want+"/") }

type manifestDocument struct {
	MediaType string             `json:"mediaType"`
	Config    descriptorDocument `json:"config"`
}

func (i Inspector) inspect(ctx context.Context, image *plugin.Image) error {
	repository := image.Reference.Repository
	leaf, err := i.Client.Manifest(ctx, repository, image.Digest)
	if err != nil {
		return err
	}
	var leaves []Descriptor
	if isIndex(leaf) {
		if leaves, err = i.Client.Leaves(leaf); err != nil {
			return err
		}
		image.Platforms = platformsOf(leaves)
		if i.SkipConfig || len(leaves) == 0 {
			return nil
		}
		if leaf, err = i.Client.Manifest(ctx, repository, i.choose(leaves).Digest); err != nil {
			return err
		}
	}
	read, found, err := i.readConfig(ctx, repository, leaf)
	if err != nil || !found {
		return err
	}
	image.Config = &read.config
	if image.Platforms == nil && read.platform != "" {
		image.Platforms = []string{read.platform}
	}
	if !i.Users || !read.launch().byName() || read.config.OS == "windows" {
		return nil
	}
	return i.lookInside(ctx, image, read, build{leaf: leaf, others: i.others(leaves, leaf.Digest)})
}

// isIndex decides by the content, and by the content type where the content
// says nothing.
func isIndex(manifest Manifest) bool {
	var document outline
	mediaType := manifest.MediaType
	if json.Unmarshal(manifest.Bytes, &document) == nil && document.MediaType != "" {
		mediaType = document.MediaType
	}
	return mediaType == typeOCIIndex || mediaType == typeDockerList || mediaType == "" && bool(document.Manifests)
}

// Leaves are the images of an index: its entries without those that are
// statements about other entries (BuildKit's, marked by an annotation and the
// platform unknown/unknown). For a manifest that is no index it is nil. More
// entries than the limit, and entries without a digest, are errors.
func (c *Client) Leaves(manifest Manifest) ([]Descriptor, error) {
	if !isIndex(manifest) {
		return nil, nil
	}
	entries, err := parseReferrers(manifest.Bytes, c.limits.ManifestsPerIndex)
	if errors.Is(err, errTooMany) {
		return nil, overLimit("index "+manifest.Digest, "manifestsPerIndex", c.limits.ManifestsPerIndex)
	}
	if err != nil {
		return nil, invalidAnswer("index "+manifest.Digest, err)
	}
	return slices.DeleteFunc(entries, func(entry Descriptor) bool {
		return entry.Platform == "unknown/unknown" && entry.Annotations["vnd.docker.reference.type"] != ""
	}), nil
}

func platformsOf(leaves []Descriptor) []string {
	seen := map[string]bool{}
	for _, leaf := range leaves {
		if leaf.Platform != "" {
			seen[leaf.Platform] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func (i Inspector) choose(leaves []Descriptor) Descriptor {
	for _, want := range append(slices.Clone(i.Platforms), "linux/amd64") {
		for _, leaf := range leaves {
			if fits(leaf.Platform, want) {
				return leaf
			}
		}
	}
	for _, leaf := range leaves {
		if strings.HasPrefix(leaf.Platform, "linux/") {
			return leaf
		}
	}
	return leaves[0]
}

// readConfig reads a single image's config. Artifacts that are no images
// (charts, models) have none: found is false then.
func (i Inspector) readConfig(ctx context.Context, repository string, leaf Manifest) (read imageConfig, found bool, err error) {
	var manifest manifestDocument
	if err := json.Unmarshal(leaf.Bytes, &manifest); err != nil {
		return imageConfig{}, false, invalidAnswer("manifest "+leaf.Digest, err)
	}
	if manifest.Config.MediaType != typeOCIConfig && manifest.Config.MediaType != typeDockerConfig {
		return imageConfig{}, false, nil
	}
	data, err := i.Client.Blob(ctx, repository, manifest.Config.Digest, i.Client.limits.ConfigBytes)
	if err != nil {
		return imageConfig{}, false, err
	}
	if read, err = parseConfig(data); err != nil {
		return imageConfig{}, false, invalidAnswer("image config "+manifest.Config.Digest, err)
	}
	read.config.Size = i.Client.sizeOf(leaf, manifest.Config.Size)
	return read, true, nil
}

// sizeOf is the size of an image's config and layers by its manifest, in bytes;
// zero where the manifest gives none that can be read, as only people look at it.
func (c *Client) sizeOf(leaf Manifest, config int64) int64 {
	document := struct {
		Layers manifestList `json:"layers"`
	}{manifestList{limit: c.limits.Layers}}
	if err := json.Unmarshal(leaf.Bytes, &document); err != nil {
		return 0
	}
	sum := config
	for _, layer := range document.Layers.entries {
		if sum < 0 || layer.Size < 0 || layer.Size > math.MaxInt64-sum {
			return 0
		}
		sum += layer.Size
	}
	return max(sum, 0)
}

// imageConfig is what an image config says.
type imageConfig struct {
	config   plugin.ImageConfig
	platform string
	// path is where programs are looked for.
	path string
}

// parseConfig reads an image config (OCI image specification, config).
func parseConfig(data []byte) (imageConfig, error) {
	var document struct {
		platformDocument
		Created string `json:"created"`
		Config  struct {
			User         string
			ExposedPorts nameSet
			Volumes      nameSet
			Entrypoint   texts
			Cmd          texts
			Env          texts
		} `json:"config"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return imageConfig{}, fmt.Errorf("parsing: %w", err)
	}
	read := imageConfig{platform: document.String(), path: usualPath, config: plugin.ImageConfig{
		User: document.Config.User, OS: document.OS, Architecture: document.Architecture,
		ExposedPorts: slices.Sorted(maps.Keys(document.Config.ExposedPorts)), Volumes: slices.Sorted(maps.Keys(document.Config.Volumes)),
		Entrypoint: document.Config.Entrypoint, Cmd: document.Config.Cmd, Created: document.Created,
	}}
	for _, variable := range document.Config.Env {
		if path, is := strings.CutPrefix(variable, "PATH="); is {
			read.path = path
		}
	}
	return read, nil
}
