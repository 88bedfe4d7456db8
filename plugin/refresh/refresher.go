package refresh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/assay-gitops/assay/plugin/report"
)

// Options are what a [Refresher] is made of.
type Options struct {
	Files   *Files
	Records Records
	Cluster Cluster
	// Tags asks registries what tags mean now; nil follows none.
	Tags Tags
	// Rate is how many Applications are asked in a second, at most.
	Rate float64
	// Every is the time between two rounds.
	Every time.Duration
	// Pause is the least time between two times that one Application is asked.
	Pause time.Duration
	// State is the folder that keeps what is known; empty keeps it in memory alone.
	State string
	Clock Clock
	Log   *slog.Logger
}

// Tags says what tags mean.
type Tags interface {
	// Look asks registries about some of the tags of these records, by what a gate
	// says of them.
	Look(ctx context.Context, current *Gate, records []Record)
	// Moved is the digest that a tag means now as far as Look knows, where it is
	// followed and means another one than it did; else empty. A registry that does
	// not answer has moved nothing.
	Moved(record Record, image Image) string
}

// Refresher asks Argo CD to render anew what the gate says something else about.
type Refresher struct {
	options Options
	memory  *memory
	pace    *pace
	// refused has the Applications whose annotation was refused.
	refused map[string]refusal
	// rest is until when nobody is asked, as the API server gives no answers.
	rest    time.Time
	resting time.Duration
	said    map[string]string
	metrics *metrics
}

// refusal is until when an Application is left alone after the API server refused.
type refusal struct {
	until time.Time
	count int
}

// New makes a refresher. It reads what was known before.
func New(options Options) (*Refresher, error) {
	switch {
	case options.Files == nil || options.Records == nil || options.Cluster == nil || options.Clock == nil || options.Log == nil:
		return nil, errors.New("making a refresher: the gate's files, the records, the cluster, the clock and the log are all needed")
	case options.Rate <= 0 || options.Every <= 0 || options.Pause <= 0:
		return nil, fmt.Errorf("making a refresher: the rate is %g, the interval %s and the pause %s; each has to be above zero", options.Rate, options.Every, options.Pause)
	}
	r := &Refresher{
		options: options, memory: newMemory(), pace: newPace(options.Rate, options.Clock.Now()), refused: map[string]refusal{}, said: map[string]string{},
		metrics: newMetrics(),
	}
	if options.State != "" {
		r.tell("state", r.memory.load(options.State))
	}
	return r, nil
}

// Run makes one round after another until the context ends.
func (r *Refresher) Run(ctx context.Context) {
	for ctx.Err() == nil {
		begun := r.options.Clock.Now()
		until := begun.Add(r.options.Every)
		if made, err := r.round(ctx); err == nil {
			_ = r.ask(ctx, made.asks, until) // each refusal is told where it is met
		}
		if r.options.Clock.Sleep(ctx, until.Sub(r.options.Clock.Now())) != nil {
			return
		}
	}
}

// Once makes one round and asks everybody that it finds. The error joins what had
// no answer and what was refused.
func (r *Refresher) Once(ctx context.Context) error {
	made, err := r.round(ctx)
	if err != nil {
		return err
	}
	if made.held > 0 {
		err = fmt.Errorf("%d Applications are not asked: the sidecars judge by another gate than this one", made.held)
	}
	return errors.Join(err, r.ask(ctx, made.asks, time.Time{}))
}

// round looks at the gate, the records and the Applications. Records that nobody
// tells now are those that were known; without the gate or the Applications there
// is nothing to say.
func (r *Refresher) round(ctx context.Context) (plan, error) {
	now := r.options.Clock.Now()
	current, err := r.options.Files.Look(now)
	r.metrics.gate(r.options.Files, err)
	r.tell("gate", err)
	if current == nil {
		r.metrics.round(plan{}, now, roundFailed)
		return plan{}, err
	}
	answer, err := r.options.Records.Read(ctx)
	r.tell("records", err)
	r.memory.learn(answer.Records)
	same, words := agree(answer, current)
	r.tell("sidecars", words)
	there, unseen := r.options.Cluster.Applications(ctx)
	r.tell("applications", unseen)
	if unseen != nil {
		r.metrics.round(plan{}, now, roundFailed)
		return plan{}, unseen
	}
	old := r.options.Cluster.Trouble()
	r.tell("watch", old)
	r.memory.forget(there)
	if r.options.Tags != nil {
		r.options.Tags.Look(ctx, current, r.memory.all())
	}
	made := r.plan(situation{
		Moment: Moment{Gate: *current, Moved: r.moved, Now: now}, applications: there, same: same, complete: err == nil && len(answer.Silent) == 0,
	})
	r.metrics.sidecars(answer, same)
	r.metrics.applications(len(there), len(r.memory.records))
	outcome := roundComplete
	if err != nil || old != nil || len(answer.Silent) > 0 {
		outcome = roundPartial
	}
	r.metrics.round(made, now, outcome)
	r.tell("state", r.memory.save(r.options.State))
	return made, nil
}

// agree reports whether all sidecars that answered judge by this gate, and says in
// an error why not.
func agree(answer Answer, current *Gate) (bool, error) {
	if len(answer.Gates) == 0 {
		return false, nil // nobody answered, which is told already
	}
	for _, digest := range answer.Gates {
		if digest != current.Digest {
			return false, fmt.Errorf("a sidecar judges by the gate %s, and the files here are %s: nobody is asked for a change of the gate before they are the same; "+
				"when they stay different, restart the repo-server, as a sidecar reads its gate when it starts", digest, current.Digest)
		}
	}
	return true, nil
}

// moved says what a tag means now, where anybody follows tags.
func (r *Refresher) moved(record Record, image Image) string {
	if r.options.Tags == nil {
		return ""
	}
	return r.options.Tags.Moved(record, image)
}

// ask asks in order, at the pace, until the deadline; a zero one is none. What is
// left is planned anew by the next round.
func (r *Refresher) ask(ctx context.Context, asks []Concern, deadline time.Time) error {
	var problems []error
	for _, next := range asks {
		now := r.options.Clock.Now()
		if now.Before(r.rest) {
			return errors.Join(append(problems, errors.New("the API server gave no answer, so the others are asked later"))...)
		}
		if !r.pace.wait(ctx, r.options.Clock, deadline) {
			break
		}
		now = r.options.Clock.Now()
		r.pace.taken(now)
		problems = append(problems, r.askOne(ctx, next, now))
	}
	r.tell("state", r.memory.save(r.options.State))
	return errors.Join(problems...)
}

// askOne asks one Application and notes how that ended.
func (r *Refresher) askOne(ctx context.Context, next Concern, now time.Time) error {
	app := next.Application
	err := r.options.Cluster.Ask(ctx, app)
	r.metrics.asked(next.Reason, err)
	switch {
	case err == nil:
		r.resting = 0
		delete(r.refused, app.key())
		was := r.memory.asked[app.key()]
		tries := was.Tries + 1
		if next.Record.At.After(was.At) {
			tries = 1
		}
		r.memory.asked[app.key()] = asked{At: now, Reason: next.Reason, Tries: tries}
		r.memory.changed = true
		r.options.Log.Info("asked for a hard refresh", "application", app.String(), "reason", next.Reason.String(), "why", report.Neutral(next.Words), "try", tries)
		return nil
	case apierrors.IsNotFound(err):
		return nil // it is gone, and the watch will say so
	case about(err):
		r.refuse(app, now)
		err = fmt.Errorf("asking %s: %w; %s", app, err, hint(err))
		r.options.Log.Warn("the API server refuses to have an Application asked", "application", app.String(), "error", report.Neutral(err.Error()),
			"again", r.refused[app.key()].until.UTC().Format(time.RFC3339))
		return err
	}
	return r.stop(err, now)
}

// about reports whether an error of the API server's is about one Application
// rather than about all.
func about(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsConflict(err) || apierrors.IsBadRequest(err)
}

// The pauses after a refusal, and after no answer, double.
const (
	firstRefusal, longestRefusal = time.Minute, time.Hour
	firstRest, longestRest       = 5 * time.Second, 5 * time.Minute
)

func (r *Refresher) refuse(app Application, now time.Time) {
	if len(r.refused) > mostRefused {
		clear(r.refused)
	}
	was := r.refused[app.key()]
	r.refused[app.key()] = refusal{until: now.Add(min(firstRefusal<<min(was.count, 10), longestRefusal)), count: was.count + 1}
}

// mostRefused bounds the Applications of which it is remembered that they were
// refused.
const mostRefused = 20_000

// stop has nobody asked for a while, as the API server gives no answer.
func (r *Refresher) stop(err error, now time.Time) error {
	r.resting = min(max(2*r.resting, firstRest), longestRest)
	if seconds, says := apierrors.SuggestsClientDelay(err); says {
		r.resting = max(r.resting, min(time.Duration(seconds)*time.Second, longestRest))
	}
	r.rest = now.Add(r.resting)
	err = fmt.Errorf("asking for refreshes: %w; %s", err, hint(err))
	r.options.Log.Warn("the API server gives no answer", "error", report.Neutral(err.Error()), "again", r.rest.UTC().Format(time.RFC3339))
	return err
}

// tell logs an error under a name, once while it stays the same, and that it has
// passed.
func (r *Refresher) tell(name string, err error) {
	words := ""
	if err != nil {
		words = report.Neutral(err.Error())
	}
	if r.said[name] == words {
		return
	}
	r.said[name] = words
	if err == nil {
		r.options.Log.Info("this works again", "what", name)
		return
	}
	r.options.Log.Warn("this does not work", "what", name, "error", words)
}
