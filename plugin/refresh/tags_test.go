package refresh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// registries are what tags mean; those without a digest give no answer.
type registries struct {
	digests map[string]string
	asked   []string
	closed  int
}

func (r *registries) Resolve(_ context.Context, _ plugin.Application, _ []string, reference plugin.Reference) (string, error) {
	r.asked = append(r.asked, reference.Tagged())
	if digest := r.digests[reference.Tagged()]; digest != "" {
		return digest, nil
	}
	return "", errors.New("no answer")
}

func (r *registries) Close() { r.closed++ }

// follows has the world's refresher follow tags.
func (w *world) follows() *registries {
	known := &registries{digests: map[string]string{}}
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
