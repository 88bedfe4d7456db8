// Package publish gives what passed the gate to Flux: files by the hash of
// their content, a file server for them, and ExternalArtifact objects
// (RFC-0012) that name them.
//
// Storing is fluxcd/pkg/artifact/storage: its layout, its atomic writes and
// its locks. What is stored is made in memory (the files were judged there), so
// that its archive is packed here; and garbage is counted from the time at which
// a file ceased to be current, and not from the time at which it was made.
//
// Consumers of an ExternalArtifact read its status.artifact and no condition of
// it. What is in there is applied: nothing but a file that [Store.Put] made of
// judged content may be handed to [Apply].
package publish
