package change

import (
	"cmp"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// imagePair is one image on both sides, or on one.
type imagePair struct{ was, now *plugin.Image }

// images compares the images, the changed ones first.
func (c *comparison) images() []Image {
	var out []Image
	for _, pair := range c.pairImages() {
		out = append(out, c.shown(c.image(pair)))
	}
	rank := func(image Image) int {
		switch {
		case image.Weaker:
			return 0
		case image.Status != Same:
			return 1
		case len(image.Trust) > 0:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(out, func(a, b Image) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Repository, b.Repository), cmp.Compare(written(a), written(b)))
	})
	return out
}

func written(image Image) string {
	if image.Now != nil {
		return image.Now.Written
	}
	return image.Was.Written
}

// pairImages pairs by repository, and in it by what is equal, by the place of
// use, by the tag, by the order; then across repositories by the place of use: a
// container that gets an image from elsewhere.
func (c *comparison) pairImages() []imagePair {
	p := &imagePairing{places: c.headOf()}
	for i := range c.base.images {
		p.was = append(p.was, &c.base.images[i])
	}
	for i := range c.head.images {
		p.now = append(p.now, &c.head.images[i])
	}
	repository := func(image *plugin.Image) string { return kindOfImage(image) + repositoryOf(*image) }
	p.by(func(image *plugin.Image, _ bool) []string {
		return []string{repository(image) + " " + image.Written + " " + image.Digest}
	})
	p.by(func(image *plugin.Image, base bool) []string {
		keys := p.uses(image, base)
		for i := range keys {
			keys[i] = repository(image) + " " + keys[i]
		}
		return keys
	})
	p.by(func(image *plugin.Image, _ bool) []string {
		return []string{repository(image) + ":" + image.Reference.Tag}
	})
	p.by(func(image *plugin.Image, _ bool) []string { return []string{repository(image)} })
	p.by(p.uses)
	for _, image := range p.was {
		p.pairs = append(p.pairs, imagePair{was: image})
	}
	for _, image := range p.now {
		p.pairs = append(p.pairs, imagePair{now: image})
	}
	return p.pairs
}

func kindOfImage(image *plugin.Image) string {
	if image.Chart {
		return "chart "
	}
	return ""
}

// repositoryOf is the image's repository; of what is no reference, the text.
func repositoryOf(image plugin.Image) string {
	return cmp.Or(image.Reference.Repository, plugin.RedactReference(image.Written))
}

// imagePairing is what is still alone, and the pairs.
type imagePairing struct {
	was, now []*plugin.Image
	pairs    []imagePair
	places   map[identity]identity
}

// by pairs what shares a key, the first with the first.
func (p *imagePairing) by(keys func(image *plugin.Image, base bool) []string) {
	waiting := map[string][]int{}
	for i, image := range p.was {
		for _, key := range keys(image, true) {
			waiting[key] = append(waiting[key], i)
		}
	}
	taken := map[int]bool{}
	p.now = slices.DeleteFunc(p.now, func(image *plugin.Image) bool {
		for _, key := range keys(image, false) {
			left := waiting[key]
			for len(left) > 0 && taken[left[0]] {
				left = left[1:]
			}
			waiting[key] = left
			if len(left) > 0 {
				taken[left[0]] = true
				p.pairs = append(p.pairs, imagePair{p.was[left[0]], image})
				return true
			}
		}
		return false
	})
	var alone []*plugin.Image
	for i, image := range p.was {
		if !taken[i] {
			alone = append(alone, image)
		}
	}
	p.was = alone
}

// uses are the places that name the image, by the names of the head.
func (p *imagePairing) uses(image *plugin.Image, base bool) []string {
	var keys []string
	for _, use := range image.Uses {
		id := identityOf(use.ID)
		if head, paired := p.places[id]; base && paired {
			id = head
		}
		keys = append(keys, exact([]any{id.group, id.kind, id.namespace, id.name, cmp.Or(use.Container, use.Field)}))
	}
	return keys
}

// shown is an image as it may be shown: what came from Secrets is hidden in it,
// a tag, too.
func (c *comparison) shown(image Image) Image {
	text := func(text string) string {
		return plugin.PlainText(plugin.RedactReference(c.display.mask.Hide(text)))
	}
	image.Repository = text(image.Repository)
	for _, side := range []*ImageSide{image.Was, image.Now} {
		if side != nil {
			side.Written, side.Tag = text(side.Written), text(side.Tag)
		}
	}
	for i, line := range image.Trust {
		image.Trust[i] = plugin.PlainText(plugin.RedactText(c.display.mask.Hide(line)))
	}
	for i := range image.Uses {
		image.Uses[i] = plainID(image.Uses[i])
	}
	return image
}

// image is what changes in one pair.
func (c *comparison) image(p imagePair) Image {
	out := Image{Status: Changed, Was: c.imageSide(p.was, c.base), Now: c.imageSide(p.now, c.head)}
	image := cmp.Or(p.now, p.was)
	out.Repository, out.Chart = repositoryOf(*image), image.Chart
	seen := map[plugin.ObjectID]bool{}
	for _, use := range image.Uses {
		if !seen[use.ID] {
			seen[use.ID] = true
			out.Uses = append(out.Uses, use.ID)
		}
	}
	slices.SortFunc(out.Uses, compareIDs)
	out.Vulnerabilities = c.vulnerabilities(p)
	switch {
	case p.was == nil:
		out.Status = Added
		return out
	case p.now == nil:
		out.Status = Removed
		return out
	}
	out.Moved = p.was.Reference.Repository == p.now.Reference.Repository && p.was.Reference.Tag == p.now.Reference.Tag && p.now.Reference.Tag != "" &&
		p.was.Digest != "" && p.now.Digest != "" && p.was.Digest != p.now.Digest
	out.Trust, out.Weaker = trust(p, out)
	same := p.was.Written == p.now.Written && (p.was.Digest == p.now.Digest || p.was.Digest == "" || p.now.Digest == "")
	if same && len(out.Trust) == 0 && !out.Vulnerabilities.differ() {
		out.Status = Same
	}
	return out
}

// The answers to the question who vouches for an image.
const (
	verified     = "verified"
	notVerified  = "not verified"
	undetermined = "undetermined"
)

func (c *comparison) imageSide(image *plugin.Image, of *side) *ImageSide {
	if image == nil {
		return nil
	}
	side := &ImageSide{
		Written: image.Written, Tag: image.Reference.Tag, Digest: image.Digest, From: image.DigestFrom,
		Platforms: slices.Clone(image.Platforms), Verified: notVerified,
	}
	if image.Config != nil {
		side.Size = image.Config.Size
	}
	seen := map[plugin.Claims]bool{}
	for _, evidence := range image.Evidence {
		if evidence.IsZero() {
			continue
		}
		side.Verified = verified
		claims := evidence.Claims()
		claims.Gate, claims.Policy, claims.Authority = "", "", ""
		if !seen[claims] {
			seen[claims] = true
			side.Vouchers = append(side.Vouchers, evidence.Claims())
		}
	}
	side.Verified = cmp.Or(of.doubted[image.Written], side.Verified)
	return side
}
