package verify

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

var validGlob = regexp.MustCompile(`^[a-zA-Z0-9_:/*.@-]+$`)

// digestTail is what every reference that a policy is compared with ends in.
var digestTail = regexp.MustCompile(`^[0-9a-f]{0,64}$`)

// compileGlob has the meaning of policy-controller's pkg/apis/glob: "*" stays
// within a path segment, "**" crosses segments, and the whole reference must
// match. Policies are compared with repository@digest, as the cluster does
// after it pinned the image; a glob that can never match such a reference is
// refused, because it looks as if it covered something.
func compileGlob(glob string) (*regexp.Regexp, error) {
	switch glob {
	case "*/*":
		glob = "index.docker.io/*/*"
	case "*":
		glob = "index.docker.io/library/*"
	}
	if !validGlob.MatchString(glob) {
		return nil, fmt.Errorf("glob %q has characters outside letters, digits and _-:/*.@", glob)
	}
	if err := matchesDigests(glob); err != nil {
		return nil, err
	}
	parts := strings.Split(glob, "**")
	for i := range parts {
		parts[i] = strings.ReplaceAll(regexp.QuoteMeta(parts[i]), `\*`, `[^/]*`)
	}
	return regexp.Compile("^(?:" + strings.Join(parts, ".*") + ")$")
}

// matchesDigests reports an error for a glob that no repository@sha256:<hex>
// matches.
func matchesDigests(glob string) error {
	never := func(why string) error {
		return fmt.Errorf("glob %q can never match: images are compared as repository@sha256:<hex>, as in the cluster, and the glob %s; end it with \"*\" or \"@*\"", glob, why)
	}
	if strings.Contains(glob, "@") {
		return nil
	}
	star := strings.LastIndex(glob, "*")
	if star < 0 {
		return never("names no digest and has no wildcard")
	}
	if !digestTail.MatchString(glob[star+1:]) {
		return never(fmt.Sprintf("ends in %q", glob[star+1:]))
	}
	segment := glob[strings.LastIndex(glob, "/")+1:]
	before, after, hasColon := strings.Cut(segment, ":")
	if isPort := strings.Contains(after, "**"); hasColon && !isPort && !strings.HasSuffix(before, "*") && !strings.HasSuffix(before, "sha256") {
		return never("names a tag")
	}
	return nil
}

// covers reports whether the policy is about the image.
func (p *policy) covers(image plugin.Image) bool {
	if p.statement != nil {
		return p.statement.Covers(image.Reference.Repository)
	}
	subject := image.Reference.Repository + "@" + image.Digest
	for _, glob := range p.globs {
		if glob.MatchString(subject) {
			return true
		}
	}
	return false
}
