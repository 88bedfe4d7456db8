package plugin

import (
	"context"
	"fmt"
)

// LockPolicy says how the application's images.lock.yaml is used.
type LockPolicy struct {
	// Required denies a tag without an entry (image/not-locked).
	Required bool
	// Drift says what happens when the registry's answer for a locked tag is
	// another digest.
	Drift LockDrift
	// FileBytes bounds the lock file; zero is the default of the table.
	FileBytes int64
}

// LockDrift is what a moved tag means. The zero value denies.
type LockDrift int

const (
	// DriftDeny asks the registry and denies.
	DriftDeny LockDrift = iota
	// DriftWarn asks the registry and warns.
	DriftWarn
	// DriftIgnore does not ask.
	DriftIgnore
)

// level is the level of a finding about drift. An unknown value denies.
func (d LockDrift) level() Level {
	if d == DriftWarn || d == DriftIgnore {
		return Warn
	}
	return Deny
}

// resolve decides the digest of every image: the one that the author wrote,
// else the lock's, else the registry's. The registry is asked once, for all
// references together.
func (p LockPolicy) resolve(ctx context.Context, source Source, resolver Resolver, images []Image) []Finding {
	lock, err := ReadLock(source, p.FileBytes)
	findings := waivable(FindingsFromError("lock", err))
	required := p.Required && err == nil // an unreadable lock is the finding, not each of its entries
	entries := lock.byImage()
	var questions []Reference
	asked := map[Reference][]*Image{}
	for i := range images {
		image := &images[i]
		locked, hasEntry := entries[image.Reference.Tagged()]
		switch {
		case image.Reference.Digest != "":
			image.Digest, image.DigestFrom = image.Reference.Digest, DigestWritten
			continue
		case hasEntry:
			image.Digest, image.DigestFrom = locked, DigestLocked
			if p.Drift == DriftIgnore {
				continue
			}
		case required:
			findings = append(findings, notLocked(*image))
			continue
		}
		if asked[image.Reference] == nil {
			questions = append(questions, image.Reference)
		}
		asked[image.Reference] = append(asked[image.Reference], image)
	}
	if len(questions) == 0 {
		return findings
	}
	answers := resolver.Resolve(ctx, questions)
	if len(answers) != len(questions) {
		return append(findings, Finding{
			Rule: "resolve/failed", Unwaivable: true,
			Message: fmt.Sprintf("the resolver gave %d answers to %d references", len(answers), len(questions)),
			Hint:    "this is a defect of assay, please report it",
		})
	}
	for i, answer := range answers {
		for _, image := range asked[questions[i]] {
			findings = append(findings, p.apply(image, answer)...)
		}
	}
	return findings
}

// apply takes the registry's word on one image.
func (p LockPolicy) apply(image *Image, answer Resolution) []Finding {
	if answer.Err == nil && !digestGrammar.MatchString(answer.Digest) {
		answer.Err = &Refusal{
			Rule: "resolve/failed", Message: fmt.Sprintf("the resolver answered with %q, which is not a sha256 digest, and with no reason", answer.Digest),
			Hint: "this is a defect of assay, please report it",
		}
	}
	if answer.Err != nil {
		return p.unresolved(*image, answer.Err)
	}
	var findings []Finding
	if answer.Stale {
		findings = append(findings, aboutImage(*image, Finding{
			Rule: "image/stale", Level: Warn,
			Message: fmt.Sprintf("the registry did not answer; its answer of %s ago is used: %s", answer.Age, answer.Digest),
			Hint:    "check that the registry can be reached",
		}))
	}
	if image.DigestFrom == DigestLocked {
		image.RegistryDigest = answer.Digest
		if image.RegistryDigest != image.Digest {
			return append(findings, p.drift(*image, fmt.Sprintf("the lock says %s and the registry now says %s", image.Digest, answer.Digest)))
		}
	} else {
		image.Digest, image.DigestFrom = answer.Digest, DigestResolved
		if answer.Stale {
			image.DigestFrom = DigestStale
		}
	}
	image.MediaType, image.Size = answer.MediaType, answer.Size
	return findings
}

// unresolved says why the registry gave no digest. About a locked image that
// is a question of drift only: its digest is decided.
func (p LockPolicy) unresolved(image Image, err error) []Finding {
	findings := waivable(FindingsFromError("resolve", err))
	for i := range findings {
		findings[i] = aboutImage(image, findings[i])
		if image.DigestFrom != DigestLocked {
			continue
		}
		if findings[i].Level == Deny {
			findings[i] = p.drift(image, "the registry no longer has what the lock names: "+findings[i].Message)
		}
		findings[i].Level = max(findings[i].Level, p.Drift.level())
	}
	return findings
}

func (p LockPolicy) drift(image Image, message string) Finding {
	return aboutImage(image, Finding{
		Rule: "image/lock-drift", Level: p.Drift.level(), Message: message,
		Why:  "the tag was moved, or the lock names another build than its tag",
		Hint: "run assay lock to take the registry's answer, and review the change",
	})
}

func notLocked(image Image) Finding {
	return aboutImage(image, Finding{
		Rule: "image/not-locked", Message: fmt.Sprintf("%s has no entry in %s", image.Reference.Tagged(), LockFile),
		Why:  "without an entry the registry decides at each sync what the tag means",
		Hint: "run assay lock beside the application and commit the file, or write the digest in the manifest",
	})
}

// waivable marks findings about the application's own images and lock: a gate
// that only audits lets them pass.
func waivable(findings []Finding) []Finding {
	for i := range findings {
		findings[i].Unwaivable = false
	}
	return findings
}
