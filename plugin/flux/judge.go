package flux

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/tree"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/render"
)

// stage is what findings of the door itself are told under.
const stage = "flux"

// outcome is what came of one try: trouble, or verdicts, one for each path.
type outcome struct {
	seen     observed
	trouble  *trouble
	verdicts []*plugin.Verdict
	// chart is what was rendered, where it is one and was allowed.
	chart render.ChartFacts
	// read is what was rendered with.
	read inputs
	// publish is set when every verdict allows, and only then.
	publish *publication
	// standing is what there is to say of what stays published after a denial.
	standing string
	// unreached is what there is to say of the address of what is published.
	unreached string
	// hurried is what there is to say of intervals that are too short.
	hurried string
	next    next
	began   time.Time
}

// answer is the worst of the verdicts: one that denies is enough. Without any
// there is no answer.
func (o outcome) answer() plugin.Outcome {
	if o.trouble != nil || len(o.verdicts) == 0 {
		return plugin.Unanswered
	}
	answer := plugin.Allowed
	for _, verdict := range o.verdicts {
		switch verdict.Outcome() {
		case plugin.Denied:
			return plugin.Denied
		case plugin.Unanswered:
			answer = plugin.Unanswered
		case plugin.Allowed:
		default:
			return plugin.Denied
		}
	}
	return answer
}

// judge renders and judges every path of the object. What it returns publishes
// only what was allowed.
func (r *Reconciler) judge(ctx context.Context, object *v1alpha1.GatedSource) outcome {
	made := outcome{began: r.Clock()}
	var trouble *trouble
	if made.seen, trouble = r.observe(ctx, object); trouble != nil {
		return made.stopped(trouble)
	}
	if made.read, trouble = r.inputs(ctx, object); trouble != nil {
		return made.stopped(trouble)
	}
	made, err := r.judgeTree(ctx, object, made)
	if err != nil {
		return r.refused(ctx, object, made, err)
	}
	switch made.answer() {
	case plugin.Allowed:
		made.next = nextInterval
		if made.publish, err = r.store(ctx, object, made); err != nil {
			return r.refused(ctx, object, made, err)
		}
	case plugin.Denied:
		return r.denied(ctx, object, made)
	default:
		made.next = nextRetry
	}
	return made
}

// denied is an outcome that waits for something better, with what there is to
// say of what is published.
func (r *Reconciler) denied(ctx context.Context, object *v1alpha1.GatedSource, made outcome) outcome {
	made.next = nextInterval
	made.standing = r.standing(ctx, object, made)
	return made
}

// hidden are the values of Secrets that no text shows, and what the renderings
// made of them.
func (o outcome) hidden() []string {
	hidden := slices.Clone(o.read.hidden)
	for _, verdict := range o.verdicts {
		hidden = append(hidden, verdict.Hidden()...)
	}
	return hidden
}

func (o outcome) stopped(trouble *trouble) outcome {
	o.trouble, o.next = trouble, trouble.next
	return o
}

// notStored is an outcome whose publication failed: nothing is published, and
// it is tried again.
func (o outcome) notStored(err error) outcome {
	o.publish = nil
	return o.stopped(asTrouble(err, reasonStorageFailed))
}

// judgeTree judges what the source gave out. An error is about what was given,
// or about having it.
func (r *Reconciler) judgeTree(ctx context.Context, object *v1alpha1.GatedSource, made outcome) (outcome, error) {
	given := made.seen.artifact
	asked := tree.Artifact{URL: given.URL, Digest: given.Digest, Revision: given.Revision}
	if given.Size != nil {
		asked.Size = *given.Size
	}
	opened, err := r.Trees.Open(ctx, asked)
	if err != nil {
		return made, err
	}
	defer opened.Close()
	sources, err := sourcesOf(object, made.seen, made.read, opened.Root())
	if err != nil {
		return made, err
	}
	for _, source := range sources {
		verdict := r.Judge.JudgeWith(ctx, source, made.read.tenant)
		if verdict == nil { // a judge that says nothing denies
			verdict = &plugin.Verdict{Application: source.Application, Revision: source.Revision, Path: source.Path, At: r.Clock().UTC()}
		}
		made.verdicts = append(made.verdicts, verdict)
	}
	if !isHelm(object) || made.answer() != plugin.Allowed {
		return made, nil
	}
	if made.chart, err = r.Judge.DescribeChart(ctx, sources[0], made.read.tenant); err != nil {
		return made, fmt.Errorf("reading the chart that was judged: %w", err)
	}
	return made, nil
}

// refused is the outcome where the door itself stands in the way: a denial like
// that of a rule when what was given is at fault, as it will be at the next try,
// and trouble when it could not be had, put together or stored.
func (r *Reconciler) refused(ctx context.Context, object *v1alpha1.GatedSource, made outcome, err error) outcome {
	denial := plugin.Verdict{
		Application: applicationOf(object, made.seen), Revision: made.seen.artifact.Revision, Path: pathsOf(object)[0], At: r.Clock().UTC(),
	}
	if len(made.verdicts) > 0 {
		denial = *made.verdicts[0]
	}
	findings := plugin.FindingsFromError(stage, err)
	plugin.MaskFindings(findings, made.hidden())
	denial.Findings = append(slices.Clone(denial.Findings), findings...)
	plugin.SortFindings(denial.Findings)
	var refusal *plugin.Refusal
	if errors.As(err, &refusal) && denial.Outcome() == plugin.Denied {
		made.verdicts = append([]*plugin.Verdict{&denial}, made.verdicts[min(1, len(made.verdicts)):]...)
		return r.denied(ctx, object, made)
	}
	var host *tree.HostError
	if errors.As(err, &host) {
		return made.stopped(stalled(reasonAccessDenied, "reading %s %s: %w", made.seen.kind, made.seen.key, err))
	}
	told := asTrouble(err, reasonFetchFailed)
	var silent *plugin.StageError
	if errors.As(err, &silent) && silent.Hint != "" {
		told = &trouble{reason: told.reason, next: told.next, err: fmt.Errorf("%w; %s", told.err, silent.Hint)}
	}
	return made.stopped(told)
}
