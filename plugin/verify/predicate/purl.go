package predicate

import (
	"net/url"
	"strings"
)

// purl is a package URL (github.com/package-url/purl-spec). The zero value is
// none.
type purl struct {
	kind, namespace, name, version string
	qualifiers                     url.Values
}

// parsePURL reads a package URL; what cannot be read is none.
func parsePURL(text string) purl {
	rest, is := strings.CutPrefix(text, "pkg:")
	if !is {
		return purl{}
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	qualifiers, err := url.ParseQuery(query)
	if err != nil {
		return purl{}
	}
	kind, path, hasPath := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	if !hasPath {
		return purl{}
	}
	parsed := purl{kind: strings.ToLower(kind), qualifiers: qualifiers}
	// The version begins at the last @ behind the last slash; namespaces of npm
	// hold one that is not always escaped.
	slash := strings.LastIndexByte(path, '/')
	if at := strings.LastIndexByte(path, '@'); at > slash {
		parsed.version = unescape(path[at+1:])
		path = path[:at]
	}
	parsed.namespace, parsed.name = unescape(path[:max(slash, 0)]), unescape(path[slash+1:])
	if parsed.name == "" {
		return purl{}
	}
	return parsed
}

func unescape(text string) string {
	plain, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return plain
}

// base is the package without its version.
func (p purl) base() string {
	if p.namespace == "" {
		return "pkg:" + p.kind + "/" + p.name
	}
	return "pkg:" + p.kind + "/" + p.namespace + "/" + p.name
}

// isImage reports whether it names a container image.
func (p purl) isImage() bool { return p.kind == "oci" || p.kind == "docker" }

// digest is the digest that an image's URL names; empty when it names none.
func (p purl) digest() string {
	if p.isImage() && isDigest(p.version) {
		return p.version
	}
	return ""
}

// isDigest reports whether the text is an image's digest: sha256:<hex>.
func isDigest(text string) bool {
	hex, is := strings.CutPrefix(text, "sha256:")
	return is && isSHA256(hex)
}

func isSHA256(hex string) bool {
	const size = 64
	return len(hex) == size && strings.Trim(hex, "0123456789abcdef") == ""
}

// digestOf is the digest at the end of repository@sha256:<hex>; empty when
// there is none.
func digestOf(reference string) string {
	if _, digest, found := strings.Cut(reference, "@"); found && isDigest(digest) {
		return digest
	}
	return ""
}

// covers reports whether p, with or without a version and qualifiers, is the
// package other. Qualifiers that other does not have do not count.
func (p purl) covers(other purl) bool {
	if p.kind == "" || p.base() != other.base() || p.version != "" && p.version != other.version {
		return false
	}
	for key := range p.qualifiers {
		if other.qualifiers.Has(key) && other.qualifiers.Get(key) != p.qualifiers.Get(key) {
			return false
		}
	}
	return true
}
