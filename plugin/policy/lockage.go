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
without a time is denied, as its age is not known.

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
			if message := l.tooOld(known, v.sealed.At); message != "" {
				findings = append(findings, plugin.Finding{
					Rule: ruleBuildAge, Object: use.ID, Origin: use.Origin, Field: use.Field, Image: known.Written, Digest: known.Digest,
					Message: message, Why: "a lock file that nobody renews deploys what has since been mended",
					Hint: "run assay lock beside the application, and commit the file",
				})
			}
		}
	}
	return findings
}

// tooOld says why an image is refused; empty when it is not.
func (l lockAge) tooOld(image *plugin.Image, at time.Time) string {
	most := l.most.Round(time.Hour)
	if image.Config == nil {
		return fmt.Sprintf("the locked image's config is not known, so that it may be older than %s", most)
	}
	created, err := time.Parse(time.RFC3339, image.Config.Created)
	if err != nil || created.IsZero() {
		return fmt.Sprintf("the locked image does not say when it was built, so that it may be older than %s", most)
	}
	if at.Sub(created) <= l.most {
		return ""
	}
	return fmt.Sprintf("the locked image was built %s, more than %s ago", created.Format(time.DateOnly), most)
}
