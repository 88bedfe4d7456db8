package change

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// trust says in one line each what changes in whom one trusts, the losses first,
// and whether less is proven than before.
func trust(p imagePair, image Image) (lines []string, weaker bool) {
	was, now := credentialsOf(image.Was), credentialsOf(image.Now)
	var worse, other []string
	if p.was.Reference.Repository != p.now.Reference.Repository {
		other = append(other, fmt.Sprintf("another repository: was %s, now %s", repositoryOf(*p.was), repositoryOf(*p.now)))
	}
	if image.Moved {
		other = append(other, fmt.Sprintf("the tag %s was moved to another image: was %s, now %s", p.now.Reference.Tag, shortDigest(p.was.Digest), shortDigest(p.now.Digest)))
	}
	if p.was.DigestFrom != p.now.DigestFrom && p.was.DigestFrom != "" && p.now.DigestFrom != "" {
		other = append(other, fmt.Sprintf("the digest is decided by %s, before by %s", decider(p.now.DigestFrom), decider(p.was.DigestFrom)))
	}
	switch {
	case image.Was.Verified == undetermined && image.Now.Verified == undetermined:
		return append(worse, other...), false
	case image.Now.Verified == undetermined:
		return append([]string{"who vouches for it could not be looked at; on the base somebody was asked: " + image.Was.Verified}, other...), false
	case image.Was.Verified == undetermined:
		return append(other, "who vouches for it on the base could not be looked at; now it is "+image.Now.Verified), false
	case image.Was.Verified == verified && image.Now.Verified == notVerified:
		lost := "nobody vouches for it any more"
		if len(now.kinds) > 0 {
			lost = "who vouches for it is no longer enough for every gate"
		}
		if len(was.signers) > 0 {
			lost += "; before it was vouched for by " + listed(was.signers)
		}
		return append([]string{lost}, other...), true
	case image.Was.Verified == notVerified && image.Now.Verified == verified:
		gained := "somebody vouches for it now"
		if len(now.signers) > 0 {
			gained += ": " + listed(now.signers)
		}
		return append([]string{gained}, other...), false
	}
	for _, against := range p.now.Against {
		now.against = append(now.against, EvidenceName(against.Claims()))
	}
	worse = append(worse, was.lost(now)...)
	other = append(was.others(now), other...)
	if commits := was.commits(now); commits != "" {
		other = append(other, commits)
	}
	return append(worse, other...), len(worse) > 0
}

// credentials are what verified evidence says of an image, each sorted and once.
type credentials struct {
	// signers are who vouches with the issuer, without the ref that a workflow ran
	// at; refs are the kinds of these refs.
	signers, refs []string
	sources       []string
	// builders are without their versions.
	builders, versions []string
	// kinds are the kinds of evidence.
	kinds     []string
	revisions map[string][]string
	level     int
	// against are the kinds of evidence that speak against the image, which are
	// not lost.
	against []string
}

// refBehind is the Git ref at the end of a workflow's identity.
var refBehind = regexp.MustCompile(`^(https?://.+)@(refs/(heads|tags|pull)/.+|[0-9a-f]{40})$`)

func credentialsOf(side *ImageSide) credentials {
	c := credentials{revisions: map[string][]string{}}
	add := func(to *[]string, text string) {
		if text != "" && !slices.Contains(*to, text) {
			*to = append(*to, text)
		}
	}
	for _, claims := range side.Vouchers {
		signer, ref := withoutRef(claims.Signer)
		if claims.Issuer != "" {
			signer += " (issuer " + claims.Issuer + ")"
		}
		if strings.HasPrefix(signer, "sha256:") {
			signer = "the key " + shortDigest(signer)
		}
		add(&c.signers, signer)
		add(&c.refs, ref)
		add(&c.sources, claims.SourceRepository)
		builder, version := withoutRef(claims.Builder)
		add(&c.builders, builder)
		if version != "" {
			add(&c.versions, builder+" "+claims.Builder[len(builder)+1:])
		}
		add(&c.kinds, EvidenceName(claims))
		if revisions := c.revisions[claims.SourceRepository]; claims.SourceRevision != "" && !slices.Contains(revisions, claims.SourceRevision) {
			c.revisions[claims.SourceRepository] = append(revisions, claims.SourceRevision)
		}
		c.level = max(c.level, claims.BuildLevel)
	}
	for _, list := range []*[]string{&c.signers, &c.refs, &c.sources, &c.builders, &c.versions, &c.kinds} {
		slices.Sort(*list)
	}
	return c
}

// withoutRef takes the ref off a workflow's identity, which is another one at
// each release, and returns its kind.
func withoutRef(identity string) (name, kind string) {
	match := refBehind.FindStringSubmatch(identity)
	if match == nil {
		return identity, ""
	}
	switch match[3] {
	case "heads":
		return match[1], "a branch"
	case "tags":
		return match[1], "a tag"
	case "pull":
		return match[1], "a pull request"
	}
	return match[1], "a commit"
}

// lost are the lines about what is proven no more.
func (c credentials) lost(now credentials) []string {
	var lines []string
	switch {
	case now.level < c.level && now.level == 0:
		lines = append(lines, fmt.Sprintf("nothing proves how it was built any more: SLSA build level %d before", c.level))
	case now.level < c.level:
		lines = append(lines, fmt.Sprintf("the SLSA build level falls from %d to %d", c.level, now.level))
	}
	if gone := missing(missing(c.kinds, now.kinds), now.against); len(gone) > 0 {
		lines = append(lines, "evidence lost: "+listed(gone))
	}
	return lines
}

// others are the lines about what is another, or new.
func (c credentials) others(now credentials) []string {
	var lines []string
	another := func(what string, was, now []string) {
		switch {
		case slices.Equal(was, now) || len(was) == 0 || len(now) == 0:
		case len(missing(was, now)) == 0:
			lines = append(lines, fmt.Sprintf("%s more: %s", what, listed(missing(now, was))))
		case len(missing(now, was)) == 0:
			lines = append(lines, fmt.Sprintf("%s less: %s", what, listed(missing(was, now))))
		default:
			lines = append(lines, fmt.Sprintf("another %s: was %s, now %s", what, listed(missing(was, now)), listed(missing(now, was))))
		}
	}
	another("signer", c.signers, now.signers)
	another("source repository", c.sources, now.sources)
	another("builder", c.builders, now.builders)
	if slices.Equal(c.builders, now.builders) {
		another("version of the builder", c.versions, now.versions)
	}
	if slices.Equal(c.signers, now.signers) && len(c.refs) > 0 && len(now.refs) > 0 && !slices.Equal(c.refs, now.refs) {
		lines = append(lines, fmt.Sprintf("signed by a workflow at %s, before at %s", listed(now.refs), listed(c.refs)))
	}
	if now.level > c.level {
		lines = append(lines, fmt.Sprintf("the SLSA build level rises from %d to %d", c.level, now.level))
	}
	if more := missing(now.kinds, c.kinds); len(more) > 0 {
		lines = append(lines, "evidence gained: "+listed(more))
	}
	return lines
}

// commits is the range of the source repository's commits between both images;
// empty when they are not known, or are the same.
func (c credentials) commits(now credentials) string {
	var lines []string
	for _, repository := range now.sources {
		was, is := c.revisions[repository], now.revisions[repository]
		if len(was) == 1 && len(is) == 1 && was[0] != is[0] {
			lines = append(lines, fmt.Sprintf("built from %s..%s of %s", shortCommit(was[0]), shortCommit(is[0]), repository))
		}
	}
	return strings.Join(lines, "; ")
}

// EvidenceName names a kind of evidence for people.
func EvidenceName(claims plugin.Claims) string {
	switch claims.Kind {
	case plugin.EvidenceStatic:
		return "a rule that asks for no signature"
	case plugin.EvidenceSignature:
		return "signature"
	case plugin.EvidenceAttestation:
	}
	for _, known := range []struct{ part, name string }{
		{"slsa.dev/provenance", "provenance"}, {"spdx.dev", "bill of materials (SPDX)"}, {"cyclonedx", "bill of materials (CycloneDX)"},
		{"vuln", "vulnerability scan"}, {"sarif", "scan (SARIF)"}, {"openvex", "OpenVEX"}, {"verification_summary", "verification summary"},
	} {
		if strings.Contains(claims.PredicateType, known.part) {
			return known.name
		}
	}
	return "attestation " + claims.PredicateType
}

func decider(source plugin.DigestSource) string {
	switch source {
	case plugin.DigestWritten:
		return "the manifests"
	case plugin.DigestResolved:
		return "the registry"
	case plugin.DigestLocked:
		return "the lock file"
	case plugin.DigestStale:
		return "an earlier answer of the registry"
	}
	return string(source)
}

// missing are those of the first that the second does not have.
func missing(of, in []string) []string {
	var out []string
	for _, each := range of {
		if !slices.Contains(in, each) {
			out = append(out, each)
		}
	}
	return out
}

// listed joins a few.
func listed(texts []string) string {
	const most = 5
	if len(texts) > most {
		return strings.Join(texts[:most], ", ") + fmt.Sprintf(" and %d more", len(texts)-most)
	}
	return strings.Join(texts, ", ")
}

func shortDigest(digest string) string { return short(digest, len("sha256:")+12) }

func shortCommit(commit string) string { return short(commit, 12) }

func short(text string, most int) string {
	if len(text) > most {
		return text[:most]
	}
	return text
}
