package flux

import (
	"context"
	"errors"
	"fmt"
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
	// publish is set when every verdict allows, and only then.
	publish *publication
	// standing is what there is to say of what stays published after a denial.
	standing string
	// unreached is what there is to say of the address of what is published.
	unreached string
	next      next
	began     time.Time
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
	inputs, trouble := r.inputs(ctx, object)
	if trouble != nil {
		return made.stopped(trouble)
	}
	made.judgeTree(ctx, r, object, inputs)
	if made.trouble != nil {
		return made
	}
	switch made.answer() {
	case plugin.Allowed:
		made.next = nextInterval
		made.publish, made.trouble = publicationOf(object, made)
		if made.trouble != nil {
			made.next = made.trouble.next
		}
	case plugin.Denied:
		made.next = nextInterval
		made.standing = r.standing(ctx, object, made.seen, inputs)
	default:
		made.next = nextRetry
	}
	return made
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

// judgeTree judges what the source gave out.
func (o *outcome) judgeTree(ctx context.Context, r *Reconciler, object *v1alpha1.GatedSource, inputs inputs) {
	given := o.seen.artifact
	asked := tree.Artifact{URL: given.URL, Digest: given.Digest, Revision: given.Revision}
	if given.Size != nil {
		asked.Size = *given.Size
	}
	opened, err := r.Trees.Open(ctx, asked)
	if err != nil {
		o.refused(r, object, err)
		return
	}
	defer opened.Close()
	sources, err := sourcesOf(object, o.seen, inputs, opened.Root())
	if err != nil {
		o.refused(r, object, err)
		return
	}
	for _, source := range sources {
		verdict := r.Judge.JudgeWith(ctx, source, inputs.tenant)
		if verdict == nil { // a judge that says nothing denies
			verdict = &plugin.Verdict{Application: source.Application, Revision: source.Revision, Path: source.Path, At: r.Clock().UTC()}
		}
		o.verdicts = append(o.verdicts, verdict)
	}
	if isHelm(object) && o.answer() == plugin.Allowed {
		o.describe(ctx, r, sources[0], inputs)
	}
}

// describe reads what a frozen chart keeps of the chart that was judged.
func (o *outcome) describe(ctx context.Context, r *Reconciler, source plugin.Source, inputs inputs) {
	var err error
	if o.chart, err = r.Judge.DescribeChart(ctx, source, inputs.tenant); err != nil {
		o.trouble = asTrouble(fmt.Errorf("reading the chart that was judged: %w", err), reasonFetchFailed)
		o.next = o.trouble.next
	}
}

// refused is the outcome of a source that could not be unpacked: a denial when
// the artifact is at fault, and no answer when it could not be had.
func (o *outcome) refused(r *Reconciler, object *v1alpha1.GatedSource, err error) {
	findings := plugin.FindingsFromError(stage, err)
	plugin.SortFindings(findings)
	verdict := &plugin.Verdict{
		Application: applicationOf(object, o.seen), Revision: o.seen.artifact.Revision, Path: pathsOf(object)[0], At: r.Clock().UTC(), Findings: findings,
	}
	if verdict.Outcome() == plugin.Denied {
		o.verdicts = append(o.verdicts, verdict)
		return
	}
	var silent *plugin.StageError
	if errors.As(err, &silent) && silent.Hint != "" {
		err = fmt.Errorf("%w; %s", err, silent.Hint)
	}
	o.trouble = asTrouble(err, reasonFetchFailed)
	o.next = o.trouble.next
}
