package change

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// about is what makes two findings the same, whatever the tags, digests and
// lines in them are.
type about struct {
	rule, gate string
	object     identity
	field      string
	image      string
}

// judgement is one finding of a side.
type judgement struct {
	finding plugin.Finding
	about   about
	// users are the objects of the head that use the finding's image: of a finding
	// of the base the one that it stands at.
	users  []identity
	paired bool
}

// findings says which findings the change brings, mends and leaves. Notes (info)
// that stand on both sides, and those of what assay changed, are left out: the
// objects show these.
func (c *comparison) findings() []Finding {
	was, now := c.judgements(c.base, c.headOf()), c.judgements(c.head, nil)
	pairs := pairFindings(was, now)
	var out []Finding
	for i := range now {
		one := Finding{State: New, Finding: now[i].finding}
		if base, paired := pairs[i]; paired {
			one = standing(was[base].finding, now[i].finding)
		}
		out = append(out, one)
	}
	for _, each := range was {
		if !each.paired {
			out = append(out, Finding{State: Fixed, Finding: each.finding})
		}
	}
	for _, finding := range c.Raised {
		out = append(out, Finding{State: New, Finding: finding})
	}
	out = slices.DeleteFunc(out, func(f Finding) bool {
		return f.Level == plugin.Info && (f.State == Still && f.BaseLevel == nil || f.Was != "" || f.Now != "")
	})
	for i := range out {
		out[i].Finding = c.display.mask.Finding(out[i].Finding)
	}
	sortFindings(out)
	return out
}

// standing is a finding that both sides have. What blocks the head and did not
// block the base is new, and so is a denial where the base had no answer: nobody
// knows that it is old. A denial that became a question stays what it was: the
// change does not bring it.
func standing(was, now plugin.Finding) Finding {
	one := Finding{State: Still, Finding: now}
	switch {
	case denies(now) && !denies(was), now.Level.Blocks() && !was.Level.Blocks():
		one.State = New
	}
	if was.Level != now.Level {
		level := was.Level
		one.BaseLevel = &level
	}
	switch {
	case one.State == New && was.Level == plugin.Undetermined:
		one.Details = append(slices.Clip(one.Details), "the base has no answer to this, so nobody knows whether the change brings it")
	case one.State == New:
	case was.Image != now.Image && was.Image != "":
		one.Details = append(slices.Clip(one.Details), fmt.Sprintf("the base has it for %s", plugin.RedactReference(was.Image)))
	case was.Digest != now.Digest && was.Digest != "" && now.Digest != "":
		one.Details = append(slices.Clip(one.Details), fmt.Sprintf("the base has it for the digest %s", shortDigest(was.Digest)))
	}
	return one
}

// judgements are a side's findings with what they are about, by the names of the
// head.
func (c *comparison) judgements(of *side, renamed map[identity]identity) []judgement {
	out := make([]judgement, len(of.findings))
	for i, finding := range of.findings {
		object := identityOf(finding.Object)
		if head, paired := renamed[object]; paired {
			object = head
		}
		out[i] = judgement{finding: finding, about: about{
			rule: finding.Rule, gate: finding.Gate, object: object, image: repositoryIn(finding.Image),
			field: fieldName(of.byID[finding.Object], finding.Field),
		}}
		switch {
		case finding.Image == "":
		case renamed != nil:
			out[i].users = []identity{object}
		default:
			out[i].users = of.users[finding.Image]
		}
	}
	return out
}

// repositoryIn is the repository of a reference that may be none.
func repositoryIn(image string) string {
	if image == "" {
		return ""
	}
	reference, err := plugin.ParseReference(image)
	if err != nil {
		return image
	}
	return reference.Repository
}

// pairFindings returns the base's finding for each of the head's that has one:
// the same message first, then the same subject in the order of both sides; then
// the same artifact, as what is said of an image stands at the object that uses
// it first.
func pairFindings(was, now []judgement) map[int]int {
	pairs := map[int]int{}
	for _, keys := range []func(judgement) []string{
		func(j judgement) []string { return []string{j.about.text() + "\n" + j.finding.Message} },
		func(j judgement) []string { return []string{j.about.text()} },
		judgement.artifact,
		judgement.places,
	} {
		waiting := map[string][]int{}
		for i := range was {
			if was[i].paired {
				continue
			}
			for _, key := range keys(was[i]) {
				waiting[key] = append(waiting[key], i)
			}
		}
		for i := range now {
			if now[i].paired {
				continue
			}
			for _, key := range keys(now[i]) {
				if left := waiting[key]; len(left) > 0 && !now[i].paired {
					pairs[i], waiting[key] = left[0], left[1:]
					was[left[0]].paired, now[i].paired = true, true
				}
			}
		}
	}
	return pairs
}

// artifact is the image itself, wherever it is used.
func (j judgement) artifact() []string {
	if j.about.image == "" || j.finding.Digest == "" {
		return nil
	}
	return []string{exact([]any{j.about.rule, j.about.gate, j.about.image, j.finding.Digest})}
}

// places are the objects that use the image, which may have another tag by now.
func (j judgement) places() []string {
	var keys []string
	for _, user := range j.users {
		of := about{rule: j.about.rule, gate: j.about.gate, object: user, image: j.about.image}
		keys = append(keys, of.text())
	}
	return keys
}

func (a about) text() string {
	return exact([]any{a.rule, a.gate, a.object.group, a.object.kind, a.object.namespace, a.object.name, a.field, a.image})
}

// sortFindings puts what the change brings first, the worst first, then what
// stays, then what it mends.
func sortFindings(findings []Finding) {
	rank := func(f Finding) int { return slices.Index([]State{New, Still, Fixed}, f.State) }
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Level, b.Level), compareIDs(a.Object, b.Object),
			cmp.Compare(a.Image, b.Image), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Gate, b.Gate), cmp.Compare(a.Message, b.Message))
	})
}
