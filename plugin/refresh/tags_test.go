package refresh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// registries are what tags mean; those without a digest give no answer.
type registries struct {
	digests map[string]string
	// hangs are hosts that never answer.
	hangs  []string
	asked  []string
	closed int
	clock  *watchmaker
}

func (r *registries) Resolve(ctx context.Context, _ plugin.Application, _ []string, reference plugin.Reference) (string, error) {
	r.asked = append(r.asked, reference.Tagged())
	for _, host := range r.hangs {
		if strings.HasPrefix(reference.Repository, host+"/") {
			begun := time.Now()
			<-ctx.Done()
			r.clock.now = r.clock.now.Add(time.Since(begun))
			return "", ctx.Err()
		}
	}
	if digest := r.digests[reference.Tagged()]; digest != "" {
		return digest, nil
	}
	return "", errors.New("no answer")
}

func (r *registries) Close() { r.closed++ }

// follows has the world's refresher follow tags.
func (w *world) follows() *registries {
	known := &registries{digests: map[string]string{}, clock: w.clock}
	w.tags = &Followed{Open: func(*gate.Config) (Registries, error) { return known, nil }, Clock: w.clock, Log: slog.New(slog.NewTextHandler(&w.log, nil))}
	return known
}

const asBefore = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestTags_ThatMoveHaveTheirApplicationsAskedWhereAGateFollowsThem(t *testing.T) {
	w := newWorld(t)
	known := w.follows()
	w.gateOf("team-a", "  lock: {mode: Resolve, followTags: true}\n")
	for _, one := range []struct{ project, name, tag string }{{"team-a", "moves", "1"}, {"team-a", "stays", "2"}, {"team-a", "unanswered", "3"}, {"team-b", "not-followed", "1"}} {
		record := w.app(one.project, one.name)
		record.Images[0].Tag, record.Images[0].Followed = one.tag, record.Images[0].Digest
	}
	w.app("team-a", "by-digest") // its tag says nothing
	known.digests["r.example.com/a/web:1"], known.digests["r.example.com/a/web:2"] = asBefore, asBefore
	r := w.refresher()
	if w.rounds(r, 2); w.asked() != "nobody" || strings.Join(known.asked, " ") != "r.example.com/a/web:1 r.example.com/a/web:2 r.example.com/a/web:3" {
		t.Fatalf("asked were %s; registries %v", w.asked(), known.asked)
	}
	known.digests["r.example.com/a/web:1"] = "sha256:moved"
	if w.rounds(r, 2); w.asked() != "nobody" {
		t.Errorf("before the tag was due, asked were %s", w.asked())
	}
	if w.rounds(r, 9); w.asked() != "moves" || !strings.Contains(w.log.String(), "r.example.com/a/web:1 is sha256:moved now, and was sha256:aaa") {
		t.Errorf("asked were %s; log:\n%s", w.asked(), w.log.String())
	}
	if !strings.Contains(w.log.String(), "could not be asked for") {
		t.Error("nobody says that a registry gave no answer")
	}
}

func TestTags_AreAskedForInTurn(t *testing.T) {
	w := newWorld(t)
	known := w.follows()
	w.gateOf("team-a", "  lock: {mode: Resolve, followTags: true}\n")
	for i := range 120 {
		record := w.app("team-a", fmt.Sprintf("app-%03d", i))
		record.Images[0].Tag, record.Images[0].Followed = fmt.Sprintf("%03d", i/2), record.Images[0].Digest // two share a tag
		known.digests[fmt.Sprintf("r.example.com/a/web:%03d", i/2)] = asBefore
	}
	r := w.refresher()
	if w.rounds(r, 1); len(known.asked) != tagsARound {
		t.Fatalf("%d tags were asked for in a round", len(known.asked))
	}
	if w.rounds(r, 3); len(known.asked) != 60 {
		t.Errorf("%d tags were asked for", len(known.asked))
	}
	w.gateOf("team-a", "  lock: {mode: Resolve}\n")
	w.served()
	if w.rounds(r, 5); len(known.asked) != 60 || known.closed != 1 {
		t.Errorf("once nobody follows, %d were asked for", len(known.asked))
	}
}

func TestTags_AreNotFollowedWithoutRegistries(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.tags = &Followed{Open: func(*gate.Config) (Registries, error) { return nil, errors.New("there is no login.json") }, Clock: w.clock, Log: slog.New(slog.NewTextHandler(&log, nil))}
	w.gateOf("team-a", "  lock: {mode: Resolve, followTags: true}\n")
	w.app("team-a", "one").Images[0].Followed = asBefore
	r := w.refresher()
	w.clock.now = w.clock.now.Add(time.Hour)
	if w.rounds(r, 2); w.asked() != "nobody" || !strings.Contains(log.String(), "login.json") {
		t.Errorf("asked were %s; log:\n%s", w.asked(), log.String())
	}
}

func TestTags_ARegistryThatHangsStopsNoOther(t *testing.T) {
	for name, hangs := range map[string][]string{"one registry": {"a.example.com"}, "many registries": {"a.example.com", "b.example.com", "c.example.com", "d.example.com", "e.example.com", "f.example.com"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				known := w.follows()
				w.gateOf("team-a", "  lock: {mode: Resolve, followTags: true}\n")
				for i := range 60 {
					for _, host := range append([]string{"z.example.com"}, hangs...) {
						record := w.app("team-a", fmt.Sprintf("%s-%02d", host, i))
						record.Images[0].Repository, record.Images[0].Tag = host+"/web", fmt.Sprintf("%02d", i)
						record.Images[0].Followed = record.Images[0].Digest
						known.digests[fmt.Sprintf("%s/web:%02d", host, i)] = asBefore
					}
				}
				known.hangs = hangs
				known.digests["z.example.com/web:59"] = "sha256:moved"
				r := w.refresher()
				begun := w.clock.now
				r.options.Tags.Look(t.Context(), w.now(), w.answer.Records)
				if took := w.clock.now.Sub(begun); took > tagsTime+tagTime {
					t.Errorf("a look takes %s", took)
				}
				if w.rounds(r, 5); w.asked() != "z.example.com-59" {
					t.Errorf("asked were %s", w.asked())
				}
				for _, host := range hangs {
					if !strings.Contains(w.log.String(), "no answer within 5s: the tags of "+host) {
						t.Errorf("nobody says that %s hangs:\n%s", host, w.log.String())
					}
				}
			})
		})
	}
}

func TestTags_ARegistryThatHungIsAskedInTurnOnceItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		known := w.follows()
		w.gateOf("team-a", "  lock: {mode: Resolve, followTags: true}\n")
		for _, name := range []string{"1", "2"} {
			record := w.app("team-a", "app-"+name)
			record.Images[0].Tag, record.Images[0].Followed = name, record.Images[0].Digest
			known.digests["r.example.com/a/web:"+name] = asBefore
		}
		known.hangs = []string{"r.example.com"}
		r := w.refresher()
		if w.rounds(r, 5); strings.Join(known.asked, " ") != "r.example.com/a/web:1" {
			t.Fatalf("while it hangs, asked for were %v", known.asked)
		}
		if w.rounds(r, 10); strings.Join(known.asked, " ") != "r.example.com/a/web:1 r.example.com/a/web:2" {
			t.Fatalf("the one that had no answer comes first again: %v", known.asked)
		}
		known.hangs, known.digests["r.example.com/a/web:1"] = nil, "sha256:moved"
		if w.rounds(r, 11); w.asked() != "app-1" {
			t.Errorf("asked were %s; registries %v", w.asked(), known.asked)
		}
	})
}

func TestTags_AProcessThatEndsNotesNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		known := w.follows()
		w.gateOf("team-a", "  lock: {mode: Resolve, followTags: true}\n")
		w.app("team-a", "one").Images[0].Followed = asBefore
		known.hangs = []string{"r.example.com"}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w.tags.Look(ctx, w.now(), w.answer.Records)
		if w.log.Len() > 0 || len(known.asked) != 1 {
			t.Errorf("asked for were %v; log:\n%s", known.asked, w.log.String())
		}
	})
}
