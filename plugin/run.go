package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
)

func (r *run) render(ctx context.Context) {
	rendering, err := r.Renderer.Render(ctx, r.source)
	r.source.Hidden = slices.Concat(r.source.Hidden, rendering.Hidden)
	r.verdict.hidden = r.source.Hidden
	r.addOfNoGate(r.takeRequests(rendering.Findings))
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
	r.objects, r.charts = rendering.Objects, rendering.Charts
	r.verdict.Objects = len(rendering.Objects)
	if r.KeepObjects {
		r.verdict.rendered = deepCopies(rendering.Objects)
	}
}

// mutate applies the platform's own mutations. What they add is found, resolved
// and verified like what was rendered.
func (r *run) mutate(ctx context.Context) {
	if r.Mutator == nil {
		return
	}
	mutated, findings := r.Mutator.Mutate(ctx, Unmutated{Source: r.source, Objects: r.objects})
	r.addOfNoGate(findings)
	if len(mutated) != len(r.objects) {
		r.fail("mutate", fmt.Errorf("applying the platform's mutations to %d objects: %d came back", len(r.objects), len(mutated)))
		return
	}
	r.objects = mutated
}

func (r *run) findImages(context.Context) {
	images, findings := r.Finder.Find(r.objects)
	r.images, r.doubts = images, findings
	r.addOfNoGate(findings)
}

func (r *run) resolve(ctx context.Context) {
	findings := r.Lock.resolve(ctx, r.source, r.Resolver, r.images)
	r.unanswered = silences{}
	r.unanswered.note(findings)
	r.addOfNoGate(findings)
	if r.Pin {
		r.pin()
	}
	r.images = append(r.images, r.charts...) // from here on somebody has to vouch for them, too
}

// pin writes every digest into the objects.
func (r *run) pin() {
	r.verdict.Pinned = true
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
	inspected := slices.Clone(r.images)
	var facts []Finding
	var group sync.WaitGroup
	if r.Inspector != nil {
		group.Go(func() {
			if err := guard(func() { facts = r.Inspector.Inspect(ctx, inspected) }); err != nil {
				facts = []Finding{panicFinding("inspect", err)}
			}
		})
	}
	for g, gate := range r.Gates {
		r.reviews[g] = make([][]Review, len(gate.Verifiers))
		for v, verifier := range gate.Verifiers {
			images := slices.Clone(r.images) // what one verifier does to its list, no other sees
			group.Go(func() {
				if err := guard(func() { r.reviews[g][v] = verifier.Verify(ctx, images) }); err != nil {
					r.reviews[g][v] = []Review{{Findings: []Finding{panicFinding("verify", err)}}}
				}
			})
		}
	}
	group.Wait()
	r.addOfNoGate(facts)
	r.unanswered.note(facts)
	for i := range r.images {
		r.images[i].Config, r.images[i].Platforms = inspected[i].Config, inspected[i].Platforms
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
					r.images[i].Against = append(r.images[i].Against, review.Against...)
				}
			}
		}
	}
}

func (r *run) harden(ctx context.Context) {
	if r.Hardener == nil {
		return
	}
	hardened, findings := r.Hardener.Harden(ctx, Unhardened{Source: r.source, Objects: r.objects, Images: NewImageIndex(slices.Clone(r.images))})
	r.objects = hardened
	r.unfilled = map[unfilledKey]silence{}
	for _, finding := range findings {
		if silent := r.unanswered[finding.Image]; finding.Now == "" && silent != answered {
			r.unfilled[unfilledKey{finding.Object, finding.Field}] = silent
		}
	}
	r.addOfNoGate(findings)
}

// unfilledKey is a field that hardening may fill in once the registry answers.
type unfilledKey struct {
	object ObjectID
	field  string
}

// undecide turns a denial of a field that hardening could not decide about into
// a question without an answer: the author, who left the field to hardening, has
// nothing to mend while the registry is down.
func (r *run) undecide(finding *Finding) {
	if silent := r.unfilled[unfilledKey{finding.Object, finding.Field}]; finding.Level == Deny && silent != answered {
		silent.undecide(finding)
		finding.Details = append(slices.Clip(finding.Details), "hardening may fill this in once the registry answers for the image")
	}
}

// seal writes the objects once. From here on the run knows them only as they
// are read back from the bytes that will be handed on.
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
	if r.KeepObjects {
		r.verdict.sealed = deepCopies(decoded)
	}
	r.sealed, r.objects = sealed, decoded
	r.shipped, r.shippedDoubts = r.Finder.Find(decoded)
}

// sealDigest is over the sealed bytes and the origins, which are not in them.
func (r *run) sealDigest() string {
	digest := sha256.New()
	digest.Write(r.sealed)
	for _, object := range r.objects {
		fmt.Fprintf(digest, "\x00%s\x00%d", object.Origin.File, object.Origin.Line)
	}
	return hex.EncodeToString(digest.Sum(nil))
}

func (r *run) judge(ctx context.Context) {
	sealed := Sealed{
		Source: r.source, Objects: r.objects, Images: NewImageIndex(slices.Clone(r.images)), At: r.verdict.At, Digest: r.sealDigest(),
	}
	for _, judge := range r.Always {
		r.judgeWith(ctx, judge, sealed, "")
	}
	for _, gate := range r.Gates {
		for _, judge := range gate.Judges {
			r.judgeWith(ctx, judge, sealed, gate.Name)
		}
	}
}

// judgeWith asks one judge. What a judge of no gate says, nothing lowers.
func (r *run) judgeWith(ctx context.Context, judge Judge, sealed Sealed, gate string) {
	var findings []Finding
	if err := guard(func() { findings = judge.Judge(ctx, sealed) }); err != nil {
		findings = []Finding{panicFinding("judge", err)}
	}
	for _, finding := range findings {
		finding.Gate = gate
		finding.Unwaivable = finding.Unwaivable || gate == ""
		r.undecide(&finding)
		r.add(finding)
	}
}

// account looks up every image of the sealed bytes again: pinned by this run
// and vouched for under every gate, or denied.
func (r *run) account(context.Context) {
	ledger := ledger{pin: r.Pin, images: r.images, gates: r.Gates, reviews: r.reviews, unanswered: r.unanswered}
	r.add(ledger.account(r.shipped)...)
	r.add(unheard(r.doubts, r.shippedDoubts)...)
	r.verdict.complete = true
}
