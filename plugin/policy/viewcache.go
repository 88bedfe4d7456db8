package policy

import (
	"context"
	"slices"
	"sync"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// The bounds of [viewCache].
const (
	viewsKept = 16
	// viewSubjects is the greatest number of subjects of all views together.
	viewSubjects = 4_000
)

// viewCache keeps what sealed bytes decode to, so that an application that is
// judged again, as its images or the day may have changed, is decoded once. It
// holds facts: every rule is asked anew.
type viewCache struct {
	mu   sync.Mutex
	kept []keptView // the least recently used first
}

// keptView is a view and what it was made of, beside the gate's own words.
type keptView struct {
	digest, namespace string
	view              *view
}

// kept are findings that follow from the view alone, once they are known. They
// are not changed: who lowers one works on a copy.
type kept struct {
	mu       sync.Mutex
	known    bool
	findings []plugin.Finding
}

// of makes the findings, or returns those of an earlier run. What a cancelled
// run said is not kept.
func (k *kept) of(ctx context.Context, make func() []plugin.Finding) []plugin.Finding {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.known {
		findings := make()
		if ctx.Err() != nil {
			return findings
		}
		k.known, k.findings = true, findings
	}
	return slices.Clone(k.findings)
}

// of is the view of a rendering, made now or in an earlier run.
func (c *viewCache) of(sealed plugin.Sealed, described []gate.Namespace) *view {
	if sealed.Digest == "" {
		return newView(sealed, described)
	}
	if known := c.find(sealed.Digest, sealed.Source.Application.Namespace); known != nil {
		return known.again(sealed)
	}
	made := newView(sealed, described)
	c.keep(keptView{sealed.Digest, sealed.Source.Application.Namespace, made.again(plugin.Sealed{})})
	return made
}

func (c *viewCache) find(digest, namespace string) *view {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, each := range c.kept {
		if each.digest == digest && each.namespace == namespace {
			c.kept = append(slices.Delete(c.kept, i, i+1), each)
			return each.view
		}
	}
	return nil
}

func (c *viewCache) keep(made keptView) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, made)
	subjects := 0
	for i := len(c.kept) - 1; i >= 0; i-- {
		if subjects += len(c.kept[i].view.subjects); subjects > viewSubjects || len(c.kept)-i > viewsKept {
			c.kept = slices.Delete(c.kept, 0, i+1)
			return
		}
	}
}

// again is the view for another run over the same bytes. What was decoded is
// shared, as nobody changes it; what a run fills in is its own.
func (v *view) again(sealed plugin.Sealed) *view {
	out := *v
	out.sealed = sealed
	out.findings = slices.Clone(v.findings)
	out.subjects = make([]*subject, len(v.subjects))
	for i, each := range v.subjects {
		out.subjects[i] = each.again()
	}
	return &out
}

func (s *subject) again() *subject {
	out := *s
	out.attributes = attributesCache{}
	out.others = make([]*subject, len(s.others))
	for i, other := range s.others {
		out.others[i] = other.again()
	}
	return &out
}
