package change

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// side is what is known of an application on one side.
type side struct {
	there  bool
	hidden []string
	parts  []part
	// byID finds the sealed objects, or the rendered ones of a part without a
	// seal, by their identity.
	byID     map[plugin.ObjectID]map[string]any
	images   []plugin.Image
	findings []plugin.Finding
	// users are the objects that use an image, by the image as written.
	users map[string][]identity
	// doubted are the images about which a gate says that nobody it trusts vouches
	// for them, or that this could not be looked at.
	doubted map[string]string
}

// part is one rendering of an application.
type part struct {
	// rendered is what the author wrote, and sealed what was judged; nil where the
	// run did not come so far.
	rendered, sealed []plugin.Object
}

// objects are the part's as far as the run came: the sealed ones, or else the
// rendered ones.
func (p part) objects() []plugin.Object {
	if p.sealed != nil {
		return p.sealed
	}
	return p.rendered
}

func newSide(judged *Judged) *side {
	s := &side{byID: map[plugin.ObjectID]map[string]any{}}
	if judged == nil {
		return s
	}
	s.there, s.hidden = true, judged.Hidden
	if len(judged.Verdicts) == 0 {
		s.findings = append(s.findings, unfinished())
	}
	for _, v := range judged.Verdicts {
		if v == nil || v.Outcome() == plugin.Denied && !slices.ContainsFunc(v.Findings, denies) {
			s.findings = append(s.findings, unfinished())
		}
		if v == nil {
			s.parts = append(s.parts, part{})
			continue
		}
		one := part{v.Rendered(), v.Sealed()}
		s.parts = append(s.parts, one)
		for _, object := range one.objects() {
			s.byID[object.ID()] = object.Fields
		}
		s.images = append(s.images, v.Images...)
		s.findings = append(s.findings, v.Findings...)
	}
	s.images = mergeImages(s.images)
	s.note()
	return s
}

// note takes down who uses an image, and who doubts it.
func (s *side) note() {
	s.users, s.doubted = map[string][]identity{}, map[string]string{}
	for _, image := range s.images {
		for _, use := range image.Uses {
			s.users[image.Written] = append(s.users[image.Written], identityOf(use.ID))
		}
	}
	for _, finding := range s.findings {
		switch {
		case finding.Image == "":
		case finding.Level == plugin.Undetermined:
			s.doubted[finding.Image] = cmp.Or(s.doubted[finding.Image], undetermined)
		case finding.Level != plugin.Info && slices.Contains(unvouched(), finding.Rule):
			s.doubted[finding.Image] = notVerified
		}
	}
}

// unvouched are the rules that say that nobody whom a gate trusts vouches for an
// image.
func unvouched() []string {
	return []string{"image/not-signed", "image/not-trusted", "image/not-attested", "image/no-trust-rule", "image/not-pinned", "image/unaccounted", "image/refused", "image/not-found"}
}

// unfinished is the denial of a run that ended without a word.
func unfinished() plugin.Finding {
	return plugin.Finding{
		Rule: "diff/unfinished", Unwaivable: true, Message: "the run did not come to its end, and nothing says why",
		Hint: "this is a defect of assay, please report it",
	}
}

// denies reports whether a finding stops the application for what is known.
func denies(finding plugin.Finding) bool {
	return finding.Level.Blocks() && finding.Level != plugin.Undetermined
}

// names adds what a report names anyway, so that nothing is hidden for being
// the value of a Secret, too: objects, containers and images.
func (s *side) names(known map[string]bool) {
	for _, part := range s.parts {
		for _, object := range part.objects() {
			id := object.ID()
			known[id.Name], known[id.Namespace], known[id.Kind] = true, true, true
			if name, generated := stem(id.Name); generated {
				known[name] = true
			}
		}
	}
	for _, image := range s.images {
		known[image.Reference.Repository], known[image.Reference.Tag] = true, true
		for _, word := range strings.Split(image.Reference.Repository, "/") {
			known[word] = true
		}
		for _, use := range image.Uses {
			known[use.Container] = true
		}
	}
}

// mergeImages makes one of what several parts name alike.
func mergeImages(images []plugin.Image) []plugin.Image {
	type key struct {
		written, digest string
		chart           bool
	}
	at := map[key]int{}
	var out []plugin.Image
	for _, image := range images {
		k := key{image.Written, image.Digest, image.Chart}
		if i, there := at[k]; there {
			out[i].Uses = slices.Concat(out[i].Uses, image.Uses)
			out[i].Evidence = slices.Concat(out[i].Evidence, image.Evidence)
			out[i].Against = slices.Concat(out[i].Against, image.Against)
			continue
		}
		at[k] = len(out)
		out = append(out, image)
	}
	slices.SortStableFunc(out, func(a, b plugin.Image) int {
		return cmp.Or(cmp.Compare(a.Reference.String(), b.Reference.String()), cmp.Compare(a.Written, b.Written))
	})
	return out
}

// answerOf sums up the gate's answers to all parts: a denial wins, then what has
// no answer. No answer at all is a denial.
func answerOf(judged *Judged) *Answer {
	if judged == nil {
		return nil
	}
	answer := &Answer{Outcome: plugin.Denied}
	outcomes := map[plugin.Outcome]bool{}
	var seals, banners []string
	for _, v := range judged.Verdicts {
		outcomes[v.Outcome()] = true
		if v == nil {
			continue
		}
		answer.Objects += v.Objects
		for _, finding := range v.Findings {
			switch {
			case denies(finding):
				answer.Denials++
			case finding.Level == plugin.Undetermined:
				answer.Unanswered++
			case finding.Level == plugin.Warn:
				answer.Warnings++
			}
		}
		if seal := v.SealDigest(); seal != "" {
			seals = append(seals, seal)
		}
		if v.Banner != "" {
			banners = append(banners, v.Banner)
		}
	}
	switch {
	case outcomes[plugin.Denied] || len(judged.Verdicts) == 0:
	case outcomes[plugin.Unanswered]:
		answer.Outcome = plugin.Unanswered
	default:
		answer.Outcome = plugin.Allowed
	}
	answer.Images = len(newSide(judged).images)
	answer.Banner = strings.Join(banners, "; ")
	if !judged.secret() {
		answer.Seal = strings.Join(seals, ", ")
	}
	return answer
}

// secret reports whether the manifests hold what must not be shown.
func (j *Judged) secret() bool {
	return len(j.Hidden) > 0 || slices.ContainsFunc(j.Verdicts, func(v *plugin.Verdict) bool {
		return v != nil && slices.ContainsFunc(v.Sealed(), func(object plugin.Object) bool { return object.ID().Kind == "Secret" })
	})
}
