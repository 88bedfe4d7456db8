package ociserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// referrers knows, by repository and subject, the manifests that name the
// subject, in the order in which they were pushed.
type referrers struct {
	mu     sync.Mutex
	byName map[string][]v1.Descriptor
}

type referrersQuery struct {
	repository, subject string
	pageSize            int
}

// push stores a manifest and, when it names a subject, the referrer (OCI
// distribution specification 1.1, pushing manifests with subject).
func (s *Server) push(w *answer, r *http.Request, repository string) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		w.fail(http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	s.content.ServeHTTP(w, r)
	if w.status != http.StatusCreated || s.options.NoReferrers {
		return
	}
	if subject := s.referrer.add(repository, r.Header.Get("Content-Type"), data); subject != "" {
		w.header.Set("OCI-Subject", subject)
	}
}

// add remembers a manifest with a subject and returns the subject's digest.
// The artifact type is the manifest's own, else its config's media type (OCI
// distribution specification 1.1, listing referrers).
func (f *referrers) add(repository, mediaType string, data []byte) string {
	var manifest struct {
		ArtifactType string            `json:"artifactType"`
		Annotations  map[string]string `json:"annotations"`
		Subject      *v1.Descriptor    `json:"subject"`
		Config       struct {
			MediaType string `json:"mediaType"`
		} `json:"config"`
	}
	if json.Unmarshal(data, &manifest) != nil || manifest.Subject == nil {
		return ""
	}
	digest, size, err := v1.SHA256(bytes.NewReader(data))
	if err != nil {
		return ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byName == nil {
		f.byName = map[string][]v1.Descriptor{}
	}
	key := repository + "@" + manifest.Subject.Digest.String()
	for _, known := range f.byName[key] {
		if known.Digest == digest {
			return manifest.Subject.Digest.String()
		}
	}
	f.byName[key] = append(f.byName[key], v1.Descriptor{
		MediaType: types.MediaType(mediaType), Digest: digest, Size: size,
		ArtifactType: cmp.Or(manifest.ArtifactType, manifest.Config.MediaType), Annotations: manifest.Annotations,
	})
	return manifest.Subject.Digest.String()
}

func (f *referrers) list(query referrersQuery, artifactType string) []v1.Descriptor {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []v1.Descriptor{}
	for _, descriptor := range f.byName[query.repository+"@"+query.subject] {
		if artifactType == "" || descriptor.ArtifactType == artifactType {
			list = append(list, descriptor)
		}
	}
	return list
}

// serve answers with one page; a next one is named in the Link header.
func (f *referrers) serve(w *answer, r *http.Request, query referrersQuery) {
	if r.Method != http.MethodGet {
		w.fail(http.StatusMethodNotAllowed, "UNSUPPORTED", "only GET lists referrers")
		return
	}
	if _, err := v1.NewHash(query.subject); err != nil {
		w.fail(http.StatusBadRequest, "UNSUPPORTED", "the subject must be a digest")
		return
	}
	artifactType := r.URL.Query().Get("artifactType")
	list := f.list(query, artifactType)
	start, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("start"), "0"))
	if err != nil || start < 0 || start > len(list) {
		w.fail(http.StatusBadRequest, "UNSUPPORTED", "no such page")
		return
	}
	end := len(list)
	if query.pageSize > 0 && start+query.pageSize < end {
		end = start + query.pageSize
		next := url.Values{"start": {strconv.Itoa(end)}}
		if artifactType != "" {
			next.Set("artifactType", artifactType)
		}
		w.header.Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.Path, next.Encode()))
	}
	if artifactType != "" {
		w.header.Set("OCI-Filters-Applied", "artifactType")
	}
	w.header.Set("Content-Type", string(types.OCIImageIndex))
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: list[start:end]}
	if err := json.NewEncoder(w).Encode(index); err != nil {
		w.fail(http.StatusInternalServerError, "UNKNOWN", err.Error())
	}
}
