package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Pipeline is one configured chain of stages. It holds no state of a run and
// may be used by many goroutines. plugin/setup makes it from gates.
type Pipeline struct {
	Renderer Renderer
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
	// Clock gives the time by which waivers and ages are judged.
	Clock func() time.Time
	// Progress, when set, hears the name of each stage as it begins.
	Progress func(stage string)
}

// GateStages are the stages that belong to one gate.
type GateStages struct {
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
	for _, stage := range []struct {
		name string
		run  func(context.Context)
	}{
		{"setup", r.checkPipeline},
		{"render", r.render},
		{"images", r.findImages},
		{"resolve", r.resolve},
		{"verify", r.verify},
		{"harden", r.harden},
		{"seal", r.seal},
		{"judge", r.judge},
		{"account", r.account},
	} {
		if !r.step(ctx, stage.name, stage.run) {
			break
		}
	}
	r.decide()
	return r.verdict
}

// run is the state of one run.
type run struct {
	*Pipeline
	source  Source
	verdict *Verdict
	objects []Object
	images  []Image
	// reviews has, for every gate, one review list per verifier, by image.
	reviews [][][]Review
	sealed  []byte
	stopped bool
}

func (p *Pipeline) begin(source Source) *run {
	at := time.Now
	if p.Clock != nil {
		at = p.Clock
	}
	verdict := &Verdict{Application: source.Application, Revision: source.Revision, Path: source.Path, At: at().UTC()}
	for _, gate := range p.Gates {
		verdict.Gates = append(verdict.Gates, gate.Name)
	}
	slices.Sort(verdict.Gates)
	return &run{Pipeline: p, source: source, verdict: verdict}
}

// step runs one stage and reports whether the next one may begin.
func (r *run) step(ctx context.Context, stage string, run func(context.Context)) bool {
	if err := context.Cause(ctx); err != nil {
		r.fail(stage, err)
		return false
	}
	if r.Progress != nil {
		r.Progress(stage)
	}
	if err := guard(func() { run(ctx) }); err != nil {
		r.stop(panicFinding(stage, err))
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

// stop ends the run after a finding without which the later stages make no
// sense.
func (r *run) stop(finding Finding) {
	r.add(finding)
	r.stopped = true
}

func (r *run) fail(stage string, err error) {
	r.add(FindingsFromError(stage, err)...)
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
	for _, gate := range r.Gates {
		if len(gate.Verifiers) == 0 {
			r.stop(Finding{Rule: "verify/no-verifier", Unwaivable: true, Message: fmt.Sprintf("gate %q has no verifier", gate.Name)})
		}
	}
}

func (r *run) render(ctx context.Context) {
	rendering, err := r.Renderer.Render(ctx, r.source)
	r.add(rendering.Findings...)
	if err != nil {
		r.fail("render", err)
		return
	}
	if len(rendering.Objects) == 0 {
		r.stop(Finding{
			Rule: "render/empty", Unwaivable: true, Message: "the source renders to no objects",
			Why:  "an empty answer means \"delete everything\" to the tools that sync it",
			Hint: "check the path, and the values that switch objects off",
		})
		return
	}
	r.objects = rendering.Objects
	r.verdict.Objects = len(rendering.Objects)
}

func (r *run) findImages(context.Context) {
	images, findings := r.Finder.Find(r.objects)
	r.images = images
	r.add(findings...)
}

func (r *run) resolve(ctx context.Context) {
	r.add(r.Lock.resolve(ctx, r.source, r.Resolver, r.images)...)
	if r.Pin {
		r.pin()
	}
}

// pin writes every digest into the objects.
func (r *run) pin() {
	for _, image := range r.images {
		if image.Digest == "" {
			continue
		}
		for _, use := range image.Uses {
			if err := use.set(image); err != nil {
				r.add(Finding{
					Rule: "image/not-pinned", Object: use.ID, Origin: use.Origin, Field: use.Field, Image: image.Written,
					Message: fmt.Sprintf("the digest could not be written: %v", err),
				})
			}
		}
	}
}

func (r *run) verify(ctx context.Context) {
	r.reviews = make([][][]Review, len(r.Gates))
	var inspected []Finding
	var inspectPanic error
	configs := slices.Clone(r.images)
	var group sync.WaitGroup
	if r.Inspector != nil {
		group.Go(func() {
			inspectPanic = guard(func() { inspected = r.Inspector.Inspect(ctx, configs) })
		})
	}
	for g, gate := range r.Gates {
		r.reviews[g] = make([][]Review, len(gate.Verifiers))
		for v, verifier := range gate.Verifiers {
			group.Go(func() {
				if err := guard(func() { r.reviews[g][v] = verifier.Verify(ctx, r.images) }); err != nil {
					finding := panicFinding("verify", err)
					r.reviews[g][v] = []Review{{Findings: []Finding{finding}}}
				}
			})
		}
	}
	group.Wait()
	if inspectPanic != nil {
		r.stop(panicFinding("inspect", inspectPanic))
		return
	}
	r.add(inspected...)
	for i := range r.images {
		r.images[i].Config, r.images[i].Platforms = configs[i].Config, configs[i].Platforms
	}
	r.collectReviews()
}

// collectReviews moves findings and evidence of all reviews to the verdict and
// the images.
func (r *run) collectReviews() {
	for g, gate := range r.Gates {
		for _, reviews := range r.reviews[g] {
			for i, review := range reviews {
				for _, finding := range review.Findings {
					finding.Gate = gate.Name
					r.add(finding)
				}
				if i < len(r.images) {
					r.images[i].Evidence = append(r.images[i].Evidence, review.Evidence...)
				}
			}
		}
	}
}

func (r *run) harden(ctx context.Context) {
	if r.Hardener == nil {
		return
	}
	r.add(r.Hardener.Harden(ctx, r.objects, NewImageIndex(r.images))...)
}

func (r *run) seal(context.Context) {
	sealed, err := r.Encoding.Encode(r.objects)
	if err != nil {
		r.fail("seal", err)
		return
	}
	decoded, err := r.Encoding.Decode(sealed)
	switch {
	case err != nil:
		r.fail("seal", err)
		return
	case len(decoded) != len(r.objects):
		r.fail("seal", fmt.Errorf("sealing %d objects: the bytes decode to %d", len(r.objects), len(decoded)))
		return
	}
	for i := range decoded {
		decoded[i].Origin = r.objects[i].Origin
	}
	r.sealed, r.objects = sealed, decoded
}

func (r *run) judge(ctx context.Context) {
	sealed := Sealed{Source: r.source, Objects: r.objects, Images: NewImageIndex(r.images), At: r.verdict.At}
	for _, judge := range r.Always {
		r.judgeWith(ctx, judge, sealed, "", true)
	}
	for _, gate := range r.Gates {
		for _, judge := range gate.Judges {
			r.judgeWith(ctx, judge, sealed, gate.Name, false)
		}
	}
}

func (r *run) judgeWith(ctx context.Context, judge Judge, sealed Sealed, gate string, unwaivable bool) {
	var findings []Finding
	if err := guard(func() { findings = judge.Judge(ctx, sealed) }); err != nil {
		findings = []Finding{panicFinding("judge", err)}
	}
	for _, finding := range findings {
		finding.Gate = gate
		finding.Unwaivable = finding.Unwaivable || unwaivable
		r.add(finding)
	}
	if err := context.Cause(ctx); err != nil {
		r.fail("judge", err)
	}
}

// account looks up every image of the sealed bytes again: pinned by this run
// and vouched for under every gate, or denied.
func (r *run) account(context.Context) {
	ledger := ledger{pin: r.Pin, images: r.images, gates: r.Gates, reviews: r.reviews}
	found, _ := r.Finder.Find(r.objects)
	r.add(ledger.account(found)...)
	r.verdict.complete = true
}

// decide applies the gates' exceptions and switches, and seals the verdict.
func (r *run) decide() {
	r.fillContent()
	findings := r.verdict.Findings
	for i := range findings {
		if findings[i].Level.Blocks() && !findings[i].Unwaivable {
			r.except(&findings[i])
		}
	}
	for _, gate := range r.Gates {
		if gate.Decider == nil {
			continue
		}
		notes, banner := gate.Decider.Notes(r.source, r.verdict.At, findings)
		for _, note := range notes {
			note.Gate = gate.Name
			if note.Level.Blocks() && !gate.Deny {
				note.Level = Warn
				note.Audited = true
			}
			r.add(note)
		}
		if banner != "" {
			r.verdict.Banner = banner
		}
	}
	SortFindings(r.verdict.Findings)
	r.verdict.Images = r.images
	r.verdict.manifests = r.sealed
}

// except lowers a blocking finding when the gate's switch is off or an
// exception covers it. A finding of no gate is lowered only when every gate
// lowers it.
func (r *run) except(finding *Finding) {
	var waived *Waived
	asked := false
	for _, gate := range r.Gates {
		if finding.Gate != "" && finding.Gate != gate.Name {
			continue
		}
		asked = true
		if !gate.Deny {
			continue
		}
		if gate.Decider == nil {
			return
		}
		if waived = gate.Decider.Waive(r.source, r.verdict.At, *finding); waived == nil {
			return
		}
	}
	if !asked {
		return
	}
	finding.Level = Warn
	finding.Waiver = waived
	finding.Audited = waived == nil
}
