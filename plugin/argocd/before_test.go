package argocd

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

const earlier = "3f786850e387550fdab836ed7e6dc881de23001b"

// knows says that a revision passed.
func knows(revision string) func(context.Context, *plugin.Verdict) (plugin.Passed, error) {
	return func(context.Context, *plugin.Verdict) (plugin.Passed, error) {
		return plugin.Passed{Revision: revision, Time: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)}, nil
	}
}

// looking is a door that knows what passed before, and its log.
func looking(find func(context.Context, *plugin.Verdict) (plugin.Passed, error)) (*door, *lockedBuffer) {
	log := &lockedBuffer{}
	logger := slog.New(slog.NewJSONHandler(log, nil))
	return &door{log: logger, clock: time.Now, before: newBefore(find, logger)}, log
}

// denial is one at a revision.
func denial(level plugin.Level) *plugin.Verdict {
	return &plugin.Verdict{
		Application: plugin.Application{Name: "shop", Project: "team-a"}, Revision: "9d2b41c7", Path: ".",
		Findings: []plugin.Finding{{Rule: "image/not-signed", Level: level, Message: "nobody signed it"}},
	}
}

// TestServe_ADenialNamesTheLastRevisionThatPassed in the condition, in the log,
// and to whoever is told.
func TestServe_ADenialNamesTheLastRevisionThatPassed(t *testing.T) {
	told := make(chan *plugin.Verdict, 1)
	judge := judgeFunc(func(context.Context, plugin.Source) *plugin.Verdict { return denial(plugin.Deny) })
	s := newScene(t, judge, func(o *Options) {
		o.LastAllowed, o.Told = knows(earlier), func(v *plugin.Verdict) { told <- v }
	})
	refused := goodAsk(t)
	refused.env[slices.Index(refused.env, "ARGOCD_APP_PARAMETERS=null")] = `ARGOCD_APP_PARAMETERS=[{"name":"no-such-parameter"}]`
	for name, asked := range map[string]ask{"judged": goodAsk(t), "refused at the door": refused} {
		_, err := s.generate(t.Context(), asked)
		if said := messageOf(err); !strings.Contains(said, "3f786850e387, judged at 2026-03-14T15:09:26Z; whether it passes now: assay last-good shop\n") {
			t.Errorf("%s: %s", name, said)
		}
		if v := <-told; v.LastAllowed.Revision != earlier {
			t.Errorf("%s: told %+v", name, v.LastAllowed)
		}
	}
	if !strings.Contains(s.log.String(), `"last_allowed":"`+earlier+`","last_allowed_at":"2026-03-14T15:09:26Z"`) {
		t.Error(s.log.String())
	}
}

// TestAnswer_NamesWhatPassedAfterADenialAlone, and only another revision.
func TestAnswer_NamesWhatPassedAfterADenialAlone(t *testing.T) {
	unnamed, unknown := denial(plugin.Deny), denial(plugin.Deny)
	unnamed.Application.Name, unknown.Revision = "", ""
	for name, test := range map[string]struct {
		v     *plugin.Verdict
		knows string
		named bool
	}{
		"a denial":                      {denial(plugin.Deny), earlier, true},
		"no answer":                     {denial(plugin.Undetermined), earlier, false},
		"the revision that was denied":  {denial(plugin.Deny), "9d2b41c7", false},
		"none is known":                 {denial(plugin.Deny), "", false},
		"an application without a name": {unnamed, earlier, false},
		"a denial of no known revision": {unknown, earlier, false},
	} {
		d, log := looking(knows(test.knows))
		answer := d.answer(t.Context(), test.v)
		if named := strings.Contains(answer.Message, "3f786850e387"); named != test.named || named != (answer.Verdict.LastAllowed.Revision != "") || strings.Contains(answer.Message, "that passed") != named {
			t.Errorf("%s: %s", name, answer.Message)
		}
		if logged := strings.Contains(log.String(), "last_allowed"); logged != test.named {
			t.Errorf("%s: %s", name, log)
		}
	}
}

// TestAnswer_AStoreThatDoesNotAnswerChangesNothingButTheLine: one that fails, that
// stops, that hangs and heeds nothing, and one that is asked too late.
func TestAnswer_AStoreThatDoesNotAnswerChangesNothingButTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		without, _ := looking(nil)
		want := without.answer(t.Context(), denial(plugin.Deny))
		release := make(chan struct{})
		defer close(release)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for says, test := range map[string]struct {
			ctx  context.Context
			find func(context.Context, *plugin.Verdict) (plugin.Passed, error)
		}{
			"input/output error": {t.Context(), func(context.Context, *plugin.Verdict) (plugin.Passed, error) {
				return plugin.Passed{Revision: earlier}, errors.New("input/output error")
			}},
			"out of range": {t.Context(), func(context.Context, *plugin.Verdict) (plugin.Passed, error) { panic("out of range") }},
			"did not answer in time": {t.Context(), func(context.Context, *plugin.Verdict) (plugin.Passed, error) {
				<-release
				return plugin.Passed{Revision: earlier}, nil
			}},
			"answer in time": {over, func(context.Context, *plugin.Verdict) (plugin.Passed, error) {
				<-release
				return plugin.Passed{Revision: earlier}, nil
			}},
		} {
			d, log := looking(test.find)
			begun := time.Now()
			got := d.answer(test.ctx, denial(plugin.Deny))
			if got.Message != want.Message || got.Report != want.Report || got.Verdict.Outcome() != plugin.Denied || got.Verdict.LastAllowed != (plugin.Passed{}) {
				t.Errorf("%s: %+v", says, got)
			}
			if time.Since(begun) > patienceToLook || !strings.Contains(log.String(), says) {
				t.Errorf("%s: after %s: %s", says, time.Since(begun), log)
			}
		}
	})
}

// TestAnswer_AStoreThatHangsIsAskedByFew: denials do not pile up behind it, and it
// is asked again when it is back.
func TestAnswer_AStoreThatHangsIsAskedByFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, asked := make(chan struct{}), make(chan struct{}, 100)
		d, _ := looking(func(ctx context.Context, v *plugin.Verdict) (plugin.Passed, error) {
			asked <- struct{}{}
			<-release
			return knows(earlier)(ctx, v)
		})
		for range 3 * looks {
			d.answer(t.Context(), denial(plugin.Deny))
		}
		if len(asked) != looks {
			t.Errorf("%d look at a time", len(asked))
		}
		close(release)
		synctest.Wait()
		if said := d.answer(t.Context(), denial(plugin.Deny)).Message; !strings.Contains(said, "3f786850e387") {
			t.Error(said)
		}
	})
}
