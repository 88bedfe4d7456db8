package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Pipeline is one configured chain of stages. It holds no state of a run and
// may be used by many goroutines. plugin/setup makes it from gates.
type Pipeline struct {
	Renderer Renderer
	// Mutator is nil when the platform has no mutations of its own, or hardening
	// is switched off.
	Mutator  Mutator
	Finder   ImageFinder
	Lock     LockPolicy
	Resolver Resolver
	// Inspector may be nil when no stage needs an image's config or platforms.
	Inspector Inspector
	// Hardener is nil when hardening is switched off.
	Hardener Hardener
	Encoding Encoding
	// Gates judge, each alone. A pipeline without gates denies.
	Gates []GateStages
	// Always are judges that no gate switches off: self.
	Always []Judge
	// Pin writes digests into the output.
	Pin bool
	// MaxFindings bounds the verdict's findings; zero is the default of the
	// limit findingsPerVerdict.
	MaxFindings int64
	// Clock gives the time by which waivers and ages are judged.
	Clock func() time.Time
	// KeepObjects has the verdict keep the objects as they were rendered and as
	// they were sealed, for a door that compares two verdicts.
	KeepObjects bool
	// Progress, when set, hears the name of each stage as it begins.
	Progress func(stage string)
}

// GateStages are the stages that belong to one gate.
type GateStages struct {
	// Name is unique in a pipeline and not empty.
	Name string
	// Deny is the gate's switch: when it is off, nothing that this gate says
	// blocks, except what is unwaivable.
	Deny      bool
	Verifiers []Verifier
	Judges    []Judge
	// Decider may be nil: a gate without exceptions.
	Decider Decider
}

// Run judges one application. The verdict is never nil; everything that went
// wrong is a finding in it.
func (p *Pipeline) Run(ctx context.Context, source Source) *Verdict {
	r := p.begin(source)
	r.through(ctx, []stage{
		{"setup", r.checkPipeline},
		{"render", r.render},
		{"mutate", r.mutate},
		{"images", r.findImages},
		{"resolve", r.resolve},
		{"verify", r.verify},
		{"harden", r.harden},
		{"seal", r.seal},
		{"judge", r.judge},
		{"account", r.account},
	})
	r.decide(ctx)
	return r.verdict
}

// stage is one part of a run.
type stage struct {
	name string
	run  func(context.Context)
}

// run is the state of one run.
type run struct {
	*Pipeline

	source  Source
	verdict *Verdict
	objects []Object
	images  []Image
	// charts are what the rendering was made with, besides the source.
	charts []Image
	// unanswered are the images, as written, about which the registry gave no
	// answer.
	unanswered silences
	// reviews has, for every gate, one review list per verifier, by image.
	reviews [][][]Review
	// unfilled are the fields about which hardening had no answer.
	unfilled map[unfilledKey]silence
	sealed   []byte
	// shipped are the images found in the decoded seal, before any judge saw it.
	shipped []Image
	// doubts are what was said while images were looked for in the rendering, and
	// shippedDoubts in the decoded seal.
	doubts, shippedDoubts []Finding
	// requests are the waivers that the application asks for.
	requests []Finding
	stopped  bool
}

func (p *Pipeline) begin(source Source) *run {
	verdict := &Verdict{Application: source.Application, Revision: source.Revision, Path: source.Path, RepositoryPath: source.RepositoryPath}
	for _, gate := range p.Gates {
		verdict.Gates = append(verdict.Gates, gate.Name)
	}
	slices.Sort(verdict.Gates)
	r := &run{Pipeline: p, source: source, verdict: verdict}
	if err := guard(r.readClock); err != nil {
		r.stop(panicFinding("setup", err))
	}
	return r
}

func (r *run) readClock() {
	r.verdict.At = time.Now().UTC()
	if r.Clock != nil {
		r.verdict.At = r.Clock().UTC()
	}
}

// through runs the stages in turn, until one of them ends the run.
func (r *run) through(ctx context.Context, stages []stage) {
	for _, each := range stages {
		if !r.step(ctx, each.name, each.run) {
			return
		}
	}
}

// step runs one stage and reports whether the next one may begin.
func (r *run) step(ctx context.Context, stage string, run func(context.Context)) bool {
	if r.stopped {
		return false
	}
	if err := context.Cause(ctx); err != nil {
		r.fail(stage, err)
		return false
	}
	err := guard(func() {
		if r.Progress != nil {
			r.Progress(stage)
		}
		r.traced(ctx, stage, run)
	})
	if err != nil {
		r.stop(panicFinding(stage, err))
	}
	if err := context.Cause(ctx); err != nil && !r.stopped {
		r.fail(stage, err) // the stage may have been cut short without a word
	}
	return !r.stopped
}

// guard turns a panic into an error.
func guard(run func()) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	run()
	return nil
}

func panicFinding(stage string, err error) Finding {
	return Finding{
		Rule: stage + "/panic", Unwaivable: true, Message: fmt.Sprintf("the %s stage stopped: %v", stage, err),
		Hint: "this is a defect of assay, please report it with the input that caused it",
	}
}

func (r *run) add(findings ...Finding) { r.verdict.Findings = append(r.verdict.Findings, findings...) }

// addOfNoGate adds what a stage says that belongs to no gate. A gate's name in
// it would let that gate alone lower it.
func (r *run) addOfNoGate(findings []Finding) {
	for _, finding := range findings {
		finding.Gate = ""
		r.add(finding)
	}
}

// stop ends the run after a finding without which the later stages make no
// sense.
func (r *run) stop(finding Finding) {
	r.add(finding)
	r.stopped = true
}

// fail ends the run. No switch and no exception lowers why it ended: there are
// no manifests that it could let pass.
func (r *run) fail(stage string, err error) {
	for _, finding := range FindingsFromError(stage, err) {
		finding.Unwaivable = true
		r.add(finding)
	}
	r.stopped = true
}

func (r *run) checkPipeline(context.Context) {
	switch {
	case r.Renderer == nil, r.Resolver == nil, r.Encoding == nil:
		r.fail("setup", errors.New("the pipeline has no renderer, resolver or encoding"))
	case len(r.Gates) == 0:
		r.stop(Finding{
			Rule: "gate/none", Unwaivable: true, Message: "no gate covers this application",
			Hint: "add a base gate whose selector matches it",
		})
	}
	seen := map[string]bool{"": true}
	for _, gate := range r.Gates {
		if seen[gate.Name] {
			r.stop(Finding{Rule: "gate/name", Unwaivable: true, Message: fmt.Sprintf("the gate's name %q is empty or is there twice", gate.Name)})
		}
		seen[gate.Name] = true
		if len(gate.Verifiers) == 0 {
			r.stop(Finding{Rule: "verify/no-verifier", Unwaivable: true, Message: fmt.Sprintf("gate %q has no verifier", gate.Name)})
		}
	}
}
