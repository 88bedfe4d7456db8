package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/report"
)

// Registries says what tags mean, with the credentials that a gate has for an
// application.
type Registries interface {
	// Resolve asks a registry.
	Resolve(ctx context.Context, app plugin.Application, paths []string, reference plugin.Reference) (digest string, err error)
	// Close lets go of connections.
	Close()
}

// Followed follows the tags of applications whose gates say so (lock.followTags).
// It asks for a bounded number in each round, those first that were asked the
// longest time ago, and for each tag once, however many applications use it under
// the same gates.
type Followed struct {
	// Open reaches registries by what a gate's files say. It is called where a tag is
	// followed, and again when the gate has changed.
	Open  func(*gate.Config) (Registries, error)
	Clock Clock
	Log   *slog.Logger

	gate       *Gate
	registries Registries
	seen       map[tag]sight
	// hung has the hosts whose last question had no answer in its time, and when
	// that was.
	hung map[string]time.Time
}

// tag is one tag, asked for with what some gates have.
type tag struct{ gate, repository, name string }

// sight is what a tag meant; the digest is empty when nobody answered.
type sight struct {
	digest string
	at     time.Time
}

// Bounds for asking registries: tagTime is what one tag gets. No further tag is
// asked for once a round has taken tagsTime, so that it ends after both together.
const (
	tagsARound = 50
	tagEvery   = 5 * time.Minute
	tagTime    = 5 * time.Second
	tagsTime   = 20 * time.Second
)

// wanted is a tag and an application that uses it.
type wanted struct {
	tag
	record Record
}

// Look implements Tags.
func (f *Followed) Look(ctx context.Context, current *Gate, records []Record) {
	if f.gate == nil || f.gate.Digest != current.Digest {
		f.Close()
		f.gate, f.seen, f.hung = current, map[tag]sight{}, map[string]time.Time{}
	}
	all := f.followed(records)
	for key := range f.seen {
		if _, still := all[key]; !still {
			delete(f.seen, key)
		}
	}
	if len(all) == 0 || !f.opened() {
		return
	}
	begun, asked := f.Clock.Now(), 0
	for _, next := range f.due(all) {
		if asked == tagsARound || f.Clock.Now().Sub(begun) >= tagsTime {
			return // the others come first in the next round
		}
		if f.hangs(next.tag) {
			continue
		}
		asked++
		if f.ask(ctx, next); ctx.Err() != nil {
			return
		}
	}
}

// ask asks for one tag and notes what it means, and when. One that gets no answer is
// noted too, so that the others come before it; what it meant before stays.
func (f *Followed) ask(ctx context.Context, next wanted) {
	within, cancel := context.WithTimeout(ctx, tagTime)
	defer cancel()
	reference := plugin.Reference{Repository: next.repository, Tag: next.name}
	digest, err := f.registries.Resolve(within, next.record.Application, []string{next.record.Path, next.record.RepositoryPath}, reference)
	if ctx.Err() != nil {
		return // nobody waits for it any more
	}
	delete(f.hung, next.host())
	if late := within.Err(); late != nil {
		f.hung[next.host()] = f.Clock.Now()
		err = errors.Join(err, fmt.Errorf("no answer within %s: the tags of %s are asked for again in %s: %w", tagTime, next.host(), tagEvery, late))
	}
	if err != nil {
		f.Log.Warn("a tag that is followed could not be asked for", "image", reference.String(), "error", report.Neutral(err.Error()))
		digest = f.seen[next.tag].digest
	}
	f.seen[next.tag] = sight{digest, f.Clock.Now()}
}

// hangs reports whether the tag's registry gave no answer in time a short time ago:
// it is left alone for a while, so that it takes the time of no other.
func (f *Followed) hangs(of tag) bool {
	at, has := f.hung[of.host()]
	return has && f.Clock.Now().Sub(at) < tagEvery
}

// host is the registry.
func (t tag) host() string {
	host, _, _ := strings.Cut(t.repository, "/")
	return host
}

// followed are the tags of the records whose gates say so.
func (f *Followed) followed(records []Record) map[tag]wanted {
	all := map[tag]wanted{}
	for _, record := range records {
		gates, err := f.gate.Config.Select(record.Application, record.Path, record.RepositoryPath)
		if err != nil || !slices.ContainsFunc(gates, func(g gate.Gate) bool { return g.Spec.Lock.FollowTags }) {
			continue
		}
		for _, image := range record.Images {
			if image.Followed != "" && image.Tag != "" {
				key := f.tagOf(record, image)
				all[key] = wanted{key, record}
			}
		}
	}
	return all
}

func (f *Followed) tagOf(record Record, image Image) tag {
	return tag{f.gate.For(record.Application, record.Path, record.RepositoryPath), image.Repository, image.Tag}
}

// due are the tags to ask for now: those of registries that answer first, and of
// those the ones that were asked for the longest time ago.
func (f *Followed) due(all map[tag]wanted) []wanted {
	var list []wanted
	for key, one := range all {
		if known, has := f.seen[key]; !has || f.Clock.Now().Sub(known.at) >= tagEvery {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b wanted) int {
		return cmp.Or(f.hung[a.host()].Compare(f.hung[b.host()]), f.seen[a.tag].at.Compare(f.seen[b.tag].at), cmp.Compare(a.repository, b.repository), cmp.Compare(a.name, b.name), cmp.Compare(a.gate, b.gate))
	})
	return list
}

// opened reaches registries by the gate as it is.
func (f *Followed) opened() bool {
	if f.registries != nil {
		return true
	}
	made, err := f.Open(f.gate.Config)
	if err != nil {
		f.Log.Warn("tags are not followed", "error", report.Neutral(fmt.Sprint(err)))
		return false
	}
	f.registries = made
	return true
}

// Moved implements Tags.
func (f *Followed) Moved(record Record, image Image) string {
	if f.gate == nil || image.Followed == "" {
		return ""
	}
	if digest := f.seen[f.tagOf(record, image)].digest; digest != image.Followed {
		return digest
	}
	return ""
}

// Close lets go of connections.
func (f *Followed) Close() {
	if f.registries != nil {
		f.registries.Close()
		f.registries = nil
	}
}
