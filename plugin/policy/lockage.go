package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

/*
lockAge denies locked images that were built too long ago.

Looked at: the creation time in the config of every image whose digest the lock
decided. Allowed: not older than spec.lock.maxBuildAge. The time is the image's
own word, so the rule finds what was forgotten, not what was forged; an image
without a time is denied, as its age is not known. A config that could not be
read is no answer: it says nothing about the image.

Rule: image/build-age.
*/
type lockAge struct {
	fields []plugin.ImageField
	most   time.Duration
}

const ruleBuildAge = "image/build-age"

func (l lockAge) judge(_ context.Context, v *view) []plugin.Finding {
	images, _ := plugin.ImageFinder{Fields: l.fields}.Find(v.sealed.Objects)
	var findings []plugin.Finding
	for _, image := range images {
		for _, use := range image.Uses {
			known := v.sealed.Images.At(use.Object, use.Field)
			if known == nil || known.DigestFrom != plugin.DigestLocked {
				continue
			}
			message, level := l.tooOld(known, v.sealed.At)
			if message != "" {
				findings = append(findings, plugin.Finding{
					Rule: ruleBuildAge, Level: level, Object: use.ID, Origin: use.Origin, Field: use.Field, Image: known.Written, Digest: known.Digest,
					Message: message, Why: "a lock file that nobody renews deploys what has since been mended",
					Hint: "run assay lock beside the application, and commit the file",
				})
			}
		}
	}
	return findings
}

// tooOld says why an image is refused, and whether that is an answer; empty
// when it is not refused.
func (l lockAge) tooOld(image *plugin.Image, at time.Time) (string, plugin.Level) {
	if image.Config == nil {
		return fmt.Sprintf("the locked image's config could not be read, so that it may be older than %s", l.longest()), plugin.Undetermined
	}
	created, err := time.Parse(time.RFC3339, image.Config.Created)
	if err != nil || created.IsZero() {
		return fmt.Sprintf("the locked image does not say when it was built, so that it may be older than %s", l.longest()), plugin.Deny
	}
	if at.Sub(created) <= l.most {
		return "", plugin.Deny
	}
	return fmt.Sprintf("the locked image was built %s, more than %s ago", created.Format(time.DateOnly), l.longest()), plugin.Deny
}

// longest is the age in words: in days where it is whole days.
func (l lockAge) longest() string {
	const day = 24 * time.Hour
	if l.most%day == 0 {
		return fmt.Sprintf("%d days", l.most/day)
	}
	return l.most.String()
}
