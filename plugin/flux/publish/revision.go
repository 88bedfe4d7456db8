package publish

import (
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
	"sigs.k8s.io/yaml"
)

// OriginRevision is the key of an artifact's metadata under which Flux looks for
// the revision of what it was made of (kustomize-controller's
// lastAppliedOriginRevision, commit statuses).
const OriginRevision = "org.opencontainers.image.revision"

// named is the revision of what is published: "<name>@sha256:<hex>", RFC-0012's
// form. The name is what the origin calls itself: its branch, tag or version, or
// the beginning of its hash when it has no name. A chart is named by its version,
// as helm-controller refuses one whose revision begins with another. It splits a
// revision at "@" and ":", and so there is one of each.
func named(origin string, files map[string][]byte, of digest.Digest) string {
	name := chartVersion(files)
	if name == "" {
		name = nameOf(origin)
	}
	return strings.NewReplacer("@", "-", ":", "-").Replace(name) + "@" + of.String()
}

// chartVersion is the version of the chart that the files are; empty when they
// are none. A chart is one folder.
func chartVersion(files map[string][]byte) string {
	for name, content := range files {
		if path.Base(name) != "Chart.yaml" || strings.Count(name, "/") != 1 {
			continue
		}
		var chart struct {
			Version string `json:"version"`
		}
		if err := yaml.Unmarshal(content, &chart); err == nil && inOneFolder(files, path.Dir(name)) {
			return chart.Version
		}
	}
	return ""
}

func inOneFolder(files map[string][]byte, folder string) bool {
	for name := range files {
		if !strings.HasPrefix(name, folder+"/") {
			return false
		}
	}
	return true
}

func nameOf(origin string) string {
	if at := strings.LastIndex(origin, "@"); at > 0 {
		return origin[:at]
	}
	algorithm, hash, hashed := strings.Cut(strings.TrimPrefix(origin, "@"), ":")
	if hashed {
		return algorithm + "-" + hash[:min(12, len(hash))]
	}
	return algorithm
}
