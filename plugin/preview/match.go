package preview

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// identity is by what an application is found again on the other side. Two
// clusters of one repository may have applications of one name, in two files; or
// in one, when both render the same base.
type identity struct{ kind, namespace, name, file string }

func identityOf(application discover.Application) identity {
	return identity{application.Kind, application.Namespace, application.Name, application.Origin.File}
}

// sameParents reports whether the same applications rendered both.
func sameParents(a, b discover.Application) bool { return slices.Equal(a.Parents, b.Parents) }

// same reports whether two definitions mean the same.
func same(a, b discover.Application) bool {
	one, err := json.Marshal([]any{a.Parts, a.Identity})
	other, second := json.Marshal([]any{b.Parts, b.Identity})
	return err == nil && second == nil && string(one) == string(other)
}

// pair is an application on both sides; one of them may be nil.
type pair struct{ base, head *deployed }

// named is the side that has it, the head first.
func (p pair) named() *deployed { return cmp.Or(p.head, p.base) }

// hidden is set when no part of the application can be looked at on any side;
// the report lists it as not seen.
func (p pair) hidden() bool { return !p.base.seen() && !p.head.seen() }

// seen is set when a part of the application was found; an application without
// any gap is judged also when it has no part.
func (d *deployed) seen() bool { return d != nil && (len(d.parts) > 0 || d.gaps == 0) }

// match finds the applications of the base again: by file and name, by name
// where that is enough, and then by what they render.
func match(base, head []*deployed) []pair {
	m := matcher{left: slices.Clone(base)}
	by := func(same func(a, b *deployed) bool) {
		for i := range m.pairs {
			if m.pairs[i].base == nil {
				m.pairs[i].base = m.take(m.pairs[i].head, same)
			}
		}
	}
	for _, each := range head {
		m.pairs = append(m.pairs, pair{head: each})
	}
	by(func(a, b *deployed) bool {
		return identityOf(a.Application) == identityOf(b.Application) && sameParents(a.Application, b.Application)
	})
	by(func(a, b *deployed) bool { return identityOf(a.Application) == identityOf(b.Application) })
	by(func(a, b *deployed) bool { return a.Kind == b.Kind && a.Namespace == b.Namespace && a.Name == b.Name })
	by(rendersTheSame)
	for _, each := range m.left {
		m.pairs = append(m.pairs, pair{base: each})
	}
	return m.pairs
}

type matcher struct {
	pairs []pair
	left  []*deployed
}

// take takes the one application that is left and the same; nil where there is
// none, or more than one.
func (m *matcher) take(head *deployed, same func(a, b *deployed) bool) *deployed {
	found := -1
	for i, base := range m.left {
		if same(base, head) {
			if found >= 0 {
				return nil
			}
			found = i
		}
	}
	if found < 0 {
		return nil
	}
	taken := m.left[found]
	m.left = slices.Delete(m.left, found, found+1)
	return taken
}

// rendersTheSame is set for a renamed application: of the same kind, from the
// same folders.
func rendersTheSame(a, b *deployed) bool {
	if a.Kind != b.Kind || len(a.parts) == 0 || len(a.parts) != len(b.parts) {
		return false
	}
	for i := range a.parts {
		if a.parts[i].source.Path != b.parts[i].source.Path || a.parts[i].source.Path == "." {
			return false
		}
	}
	return true
}

// unaffected reports whether nothing that the application is made of changed.
func (p pair) unaffected(known *stills) bool {
	switch {
	case p.base == nil, p.head == nil, p.base.label() != p.head.label(), p.base.Identity != p.head.Identity, len(p.base.parts) != len(p.head.parts):
		return false
	case (p.base.gaps > 0 || p.head.gaps > 0) && !same(p.base.Application, p.head.Application):
		return false // what cannot be looked at may have changed
	}
	for i, head := range p.head.parts {
		base := p.base.parts[i]
		if base.key != head.key || head.facts == nil || !known.hold(head.facts, base) || !sameLock(base, head) {
			return false
		}
	}
	return true
}

// sameLock compares the files that say which digest stands for a tag.
func sameLock(base, head *located) bool {
	one, first := plugin.ReadLock(base.source, base.limits.FileBytes)
	other, second := plugin.ReadLock(head.source, head.limits.FileBytes)
	return first == nil && second == nil && reflect.DeepEqual(one, other)
}

// mergeUnseen says on which sides each gap is, and which are of applications
// whose definition the change alters.
func mergeUnseen(base, head []gap, pairs []pair) []change.Unseen {
	altered := map[string]bool{}
	for _, p := range pairs {
		if p.base == nil || p.head == nil || !same(p.base.Application, p.head.Application) {
			altered[p.named().label()] = true
		}
	}
	var merged []change.Unseen
	at := map[string]int{}
	add := func(gap gap, isHead bool) {
		key := fmt.Sprintf("%q", []string{gap.application, gap.What, gap.Reason, gap.Origin.File})
		i, known := at[key]
		if !known {
			i = len(merged)
			at[key] = i
			merged = append(merged, change.Unseen{Application: gap.application, Origin: gap.Origin, What: gap.What, Reason: gap.Reason, Hint: gap.Hint, Changed: altered[gap.application]})
		}
		merged[i].Head = merged[i].Head || isHead
		merged[i].Base = merged[i].Base || !isHead
	}
	for _, each := range head {
		add(each, true)
	}
	for _, each := range base {
		add(each, false)
	}
	slices.SortStableFunc(merged, func(a, b change.Unseen) int {
		return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.What, b.What), cmp.Compare(a.Reason, b.Reason))
	})
	return merged
}

func hashOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
