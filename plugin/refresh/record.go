package refresh

import (
	"context"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Record is what is needed of one application's last verdict.
type Record struct {
	// Application is as Argo CD told it to the plugin.
	Application plugin.Application `json:"application"`
	// Path is the folder in the tree that was judged, and RepositoryPath in the
	// repository.
	Path           string `json:"path"`
	RepositoryPath string `json:"repositoryPath,omitempty"`
	// Revision is the commit or version that was judged.
	Revision string `json:"revision,omitempty"`
	// At is when it was judged.
	At time.Time `json:"at"`
	// Gate is the digest of the gate as it held for the application; empty when
	// that is not known.
	Gate string `json:"gate"`
	// Images are those of the verdict.
	Images []Image `json:"images,omitempty"`
	// Exceptions are the last moments of the waivers and of the break glass that
	// let something pass.
	Exceptions []Exception `json:"exceptions,omitempty"`
}

// Image is one image of a verdict.
type Image struct {
	Repository string `json:"repository"`
	Tag        string `json:"tag,omitempty"`
	Digest     string `json:"digest,omitempty"`
	// Followed is what the tag meant in the registry, where that is known: Digest,
	// unless a lock decided.
	Followed string `json:"followed,omitempty"`
	// Evidence is who vouched for Digest.
	Evidence []plugin.Claims `json:"evidence,omitempty"`
}

// Exception let a finding pass until a moment.
type Exception struct {
	// Name says which one it is, in messages.
	Name  string    `json:"name"`
	Until time.Time `json:"until"`
}

// Records are the last verdicts of the sidecars.
type Records interface {
	// Read reads all of them. An error means that nobody answered.
	Read(ctx context.Context) (Answer, error)
}

// Answer is what the sidecars said.
type Answer struct {
	// Records are the last of each application and source.
	Records []Record
	// Gates are the digests of the whole gates that the sidecars judge by, each
	// once.
	Gates []string
	// Silent are sidecars that did not answer.
	Silent []string
}
