package plugin

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Reference is an image reference in normal form: "nginx" is
// index.docker.io/library/nginx:latest.
type Reference struct {
	// Repository is host and path: index.docker.io/library/nginx.
	Repository string `json:"repository"`
	// Tag is the tag as written, or "latest" when neither tag nor digest was.
	// It is empty when only a digest was written.
	Tag string `json:"tag,omitempty"`
	// Digest is "sha256:<hex>", as written; empty when there was none.
	Digest string `json:"digest,omitempty"`
}

// The grammar of references (distribution reference, grammar.go). The library
// that normalises them is laxer: it lets "team-a/../team-b" through, which a
// rule for team-a would match and a registry would read as team-b.
var (
	digestGrammar = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	tagGrammar    = regexp.MustCompile(`^[\w][\w.-]{0,127}$`)
	hostGrammar   = regexp.MustCompile(`^(?:[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$`)
	pathGrammar   = regexp.MustCompile(`^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$`)
)

// ParseReference normalises an image reference as container runtimes do. Only
// sha256 digests are accepted, and hosts in lower case: two spellings of one
// host must not fall under two rules.
func ParseReference(written string) (Reference, error) {
	text, digest, hasDigest := strings.Cut(written, "@")
	if hasDigest && !digestGrammar.MatchString(digest) {
		return Reference{}, fmt.Errorf("parsing image reference %q: what stands behind the \"@\" is not a sha256 digest (sha256: and 64 lower-case hex digits)", RedactReference(written))
	}
	tag, err := name.NewTag(text, name.WithDefaultTag(""))
	if err != nil {
		return Reference{}, fmt.Errorf("parsing image reference %q: %w", written, err)
	}
	ref := Reference{Repository: tag.Context().Name(), Tag: tag.TagStr(), Digest: digest}
	host, path, _ := strings.Cut(ref.Repository, "/")
	switch {
	case !hostGrammar.MatchString(host):
		return Reference{}, fmt.Errorf("parsing image reference %q: %q is not a registry host (lower case, with an optional port)", written, host)
	case !pathGrammar.MatchString(path):
		return Reference{}, fmt.Errorf("parsing image reference %q: %q is not a repository path", written, path)
	case ref.Tag != "" && !tagGrammar.MatchString(ref.Tag):
		return Reference{}, fmt.Errorf("parsing image reference %q: %q is not a tag", written, ref.Tag)
	}
	if ref.Tag == "" && !hasDigest {
		ref.Tag = name.DefaultTag
	}
	return ref, nil
}

// Host is the registry's host, with its port.
func (r Reference) Host() string {
	host, _, _ := strings.Cut(r.Repository, "/")
	return host
}

// Tagged is repository:tag, the key of a lock entry; without a tag it is the
// repository.
func (r Reference) Tagged() string {
	if r.Tag == "" {
		return r.Repository
	}
	return r.Repository + ":" + r.Tag
}

// String is the whole reference.
func (r Reference) String() string {
	if r.Digest == "" {
		return r.Tagged()
	}
	return r.Tagged() + "@" + r.Digest
}

// Image is one unique reference of the application and everything that is
// known about it.
type Image struct {
	// Written is the reference as it stands in the manifests.
	Written string
	// Chart marks a Helm chart that the rendering was made with. It is vouched for
	// as an image is, and nothing in the manifests names it.
	Chart bool
	// Reference is its normal form.
	Reference Reference
	// Digest is what this run resolved the reference to; empty when there was
	// no answer. It is decided once, in the resolve stage.
	Digest string
	// DigestFrom says who decided the digest.
	DigestFrom DigestSource
	// MediaType and Size are those of the manifest or index behind Digest, as
	// far as the resolver learnt them.
	MediaType string
	Size      int64
	// RegistryDigest is what the registry says the tag is now, when a lock
	// decided Digest and the registry was asked.
	RegistryDigest string
	// Uses are all places that name the image.
	Uses []Use
	// Config is the image's own configuration; nil when nobody asked for it or
	// it could not be read. For an index it is the first required platform's.
	Config *ImageConfig
	// Platforms are "os/arch[/variant]" of the index or image; nil when unknown.
	Platforms []string
	// Evidence is who vouches for Digest, under every gate.
	Evidence []Evidence
	// Against are verified statements that speak against it, see [Review].
	Against []Evidence
}

// DigestSource says who decided an image's digest.
type DigestSource string

const (
	// DigestWritten stood in the manifests.
	DigestWritten DigestSource = "written"
	// DigestResolved came from the registry in this run (or while fresh).
	DigestResolved DigestSource = "registry"
	// DigestLocked came from the application's images.lock.yaml.
	DigestLocked DigestSource = "lock"
	// DigestStale came from an earlier answer, as the registry gave none.
	DigestStale DigestSource = "stale"
)

// Pinned is how the image is written into the output: the reference as the
// author wrote it, with the digest; the tag stays for the reader.
func (i Image) Pinned() string {
	text, _, _ := strings.Cut(i.Written, "@")
	return text + "@" + i.Digest
}

// ImageConfig is what hardening needs to know of an image's configuration
// (OCI image spec, config).
type ImageConfig struct {
	// User is the config's User field as it stands: "", "65532:65532", "nginx".
	User string
	// OS and Architecture are the config's.
	OS, Architecture string
	// ExposedPorts are "8080/tcp"; sorted.
	ExposedPorts []string
	// Volumes are declared mount points; sorted.
	Volumes []string
	// Entrypoint and Cmd are the config's.
	Entrypoint, Cmd []string
	// Created is RFC 3339 or empty.
	Created string
	// Size is what the manifest gives for the configuration and the layers, as the
	// registry has them, in bytes; zero when that is not known.
	Size int64
	// Named is what the image's own files say about User where it is a name;
	// nil when it is none, or when nobody asked.
	Named *NamedUser
	// Elevated are the programs among the words of Entrypoint and Cmd of which a
	// layer that was read says that they run with more rights than who starts
	// them. A program that is not listed may do so, too: not all layers are read.
	Elevated []Elevated
}

// NamedUser is what an image's own files say about the user that its
// configuration gives by name. The zero value is root.
type NamedUser struct {
	// ID is the user's number; 0, which is root, also while Unknown is set.
	ID int64
	// Layer is the digest of the layer whose /etc/passwd says so.
	Layer string
	// Unknown is why the number is not known; empty when it is.
	Unknown string
	// NoAnswer is set beside Unknown when the layers could not be looked at, so
	// that another try may tell.
	NoAnswer bool
	// Differs is why the number in the place of the name would start the
	// container with other groups; empty when it would not.
	Differs string
}

// Elevated is a program that runs with more rights than who starts it.
type Elevated struct {
	// Word is how the image's command names it, and Path where it is.
	Word, Path string
	// How is "is setuid", "is setgid" or "has file capabilities".
	How string
	// Layer is the digest of the layer that has it.
	Layer string
}

// Use is one place in the manifests that names an image.
type Use struct {
	// Object is the index of the object in the rendering.
	Object int
	// ID and Origin are the object's.
	ID     ObjectID
	Origin Origin
	// Field is the path of the value: spec.template.spec.containers[0].image.
	Field string
	// Container is the container's name, when it is one.
	Container string
	// set replaces the value in the object's fields.
	set func(pinned Image) error
}
