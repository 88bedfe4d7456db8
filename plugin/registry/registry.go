// Package registry is the one way in which assay talks to an OCI registry:
// one shared client per registry and credential, one transport, requests
// counted, bounded and asked once.
//
// Its errors keep "no" and "no answer" apart. [ErrNotFound] (inside a
// *plugin.Refusal) is the registry's word that there is no such thing;
// *plugin.StageError is everything that could not be looked at.
package registry

import "errors"

// ErrNotFound is the registry's answer that a manifest, tag or blob does not
// exist, or may not be seen with this credential: which of the two, the
// registry does not say.
var ErrNotFound = errors.New("not found or not allowed")

// Descriptor points to content (OCI image spec, descriptor).
type Descriptor struct {
	MediaType    string
	Digest       string // "sha256:<hex>"
	Size         int64
	ArtifactType string
	Annotations  map[string]string
	Platform     string // "os/arch[/variant]"; empty when there is none
}

// Manifest is a manifest or index whose bytes hash to Digest.
type Manifest struct {
	Digest    string
	MediaType string
	Bytes     []byte
}
