package registry

import (
	"encoding/json"
	"errors"
	"fmt"
)

var errTooMany = errors.New("too many")

// describe names the limit or says that the list is broken.
func describe(what string, err error, limit int64) error {
	if errors.Is(err, errTooMany) {
		return overLimit(what, "referrers", limit)
	}
	return invalidAnswer(what, err)
}

type indexDocument struct {
	SchemaVersion int          `json:"schemaVersion"`
	Manifests     manifestList `json:"manifests"`
}

type descriptorDocument struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType"`
	Annotations  textMap           `json:"annotations"`
	Platform     *platformDocument `json:"platform"`
}

type platformDocument struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
}

func (p *platformDocument) String() string {
	if p == nil || p.OS == "" && p.Architecture == "" {
		return ""
	}
	text := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	return text
}

// outline is what tells an index from other manifests.
type outline struct {
	SchemaVersion int     `json:"schemaVersion"`
	MediaType     string  `json:"mediaType"`
	Manifests     present `json:"manifests"`
}

func looksLikeIndex(body []byte) bool {
	var found outline
	return json.Unmarshal(body, &found) == nil && found.SchemaVersion == 2 && bool(found.Manifests)
}

// parseReferrers reads an index of at most limit entries. It makes nothing of
// the entries beyond.
func parseReferrers(body []byte, limit int64) ([]Descriptor, error) {
	index := indexDocument{Manifests: manifestList{limit: limit}}
	if err := json.Unmarshal(body, &index); err != nil {
		return nil, fmt.Errorf("parsing the index: %w", err)
	}
	if index.SchemaVersion != 2 {
		return nil, fmt.Errorf("parsing the index: schemaVersion is %d, not 2", index.SchemaVersion)
	}
	list := make([]Descriptor, 0, len(index.Manifests.entries))
	for i, entry := range index.Manifests.entries {
		if !digestForm.MatchString(entry.Digest) || entry.Size < 0 {
			return nil, fmt.Errorf("parsing the index: entry %d has digest %.80q and size %d", i, entry.Digest, entry.Size)
		}
		list = append(list, Descriptor{
			MediaType: entry.MediaType, Digest: entry.Digest, Size: entry.Size, ArtifactType: entry.ArtifactType,
			Annotations: entry.Annotations, Platform: entry.Platform.String(),
		})
	}
	return list, nil
}

func sizeOf(list []Descriptor) int64 {
	size := int64(0)
	for _, entry := range list {
		size += int64(160 + len(entry.MediaType) + len(entry.Digest) + len(entry.ArtifactType))
		for key, value := range entry.Annotations {
			size += int64(32 + len(key) + len(value))
		}
	}
	return size
}
