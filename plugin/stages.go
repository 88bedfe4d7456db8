package plugin

import (
	"context"
	"time"
)

// Rendering is what a renderer makes of a source.
type Rendering struct {
	// Objects in the order in which the tool itself would print them.
	Objects []Object
	// Findings are what the renderer noticed: random template functions,
	// duplicate objects.
	Findings []Finding
	// Charts are the charts that were fetched from a registry, with the digests of
	// their manifests, each once.
	Charts []Image
	// Hidden are parts of secret values that were put into the objects: no text of
	// a finding shows them. They are given beside an error, too, and never written.
	Hidden []string
	// Facts are what was read of the tree; nil where none was, or where a renderer
	// does not say. They are given beside a *Refusal, too.
	Facts TreeFacts
}

// TreeFacts are what a rendering read of its tree: files, folders, links and
// what was not there. The same source with another tree, of which they hold,
// renders to the same. Their JSON form holds paths and hashes, no content.
type TreeFacts interface {
	// Hold reports whether they are true of the source's tree, which is read
	// within the limits.
	Hold(source Source, limits Limits) bool
}

// Renderer turns a source into objects. Errors: *Refusal for a source that is
// refused or broken (denies), *StageError when there is no answer.
type Renderer interface {
	Render(ctx context.Context, source Source) (Rendering, error)
}

// Mutator changes the rendered objects as the platform's own mutating policies
// would, before images are looked for. It gives the same objects in the same
// order, changed ones with new maps along the changed path, and reports each
// change as a finding with Was and Now.
type Mutator interface {
	Mutate(ctx context.Context, rendering Unmutated) ([]Object, []Finding)
}

// Unmutated is a rendering as the renderer made it.
type Unmutated struct {
	Source  Source
	Objects []Object
}

// Resolver asks the registry which digest each tagged reference stands for.
// There is one resolution for each reference, in the same order.
type Resolver interface {
	Resolve(ctx context.Context, references []Reference) []Resolution
}

// Resolution is the registry's word on one tag. The zero value is no answer.
type Resolution struct {
	// Digest is "sha256:<hex>"; empty when Err is set.
	Digest    string
	MediaType string
	Size      int64
	// Stale marks an answer from an earlier run, given as the registry did not
	// answer now; Age says how old it is.
	Stale bool
	Age   time.Duration
	// Err is a *Refusal when the registry answered that there is no such tag,
	// or that it is not allowed; a *StageError when there was no answer.
	Err error
}

// Inspector reads what hardening and platform rules need to know of images and
// fills Config and Platforms in place. It runs beside the verifiers.
type Inspector interface {
	Inspect(ctx context.Context, images []Image) []Finding
}

// Verifier asks one gate's trust rules about every image. The answer has one
// review for each image, in the same order. Images without a digest are
// skipped by giving an empty review; the resolver already spoke about them.
type Verifier interface {
	Verify(ctx context.Context, images []Image) []Review
}

// Review is one gate's word on one image. A review with neither evidence nor a
// finding vouches for nothing, and the account step denies the image.
type Review struct {
	Evidence []Evidence
	Findings []Finding
	// Against are verified statements that speak against the image, such as a scan
	// that found what the gate denies. They vouch for nothing; findings say what
	// follows.
	Against []Evidence
}

// Hardener fills in what the author left out. It changes objects in place,
// never an image, may add objects at the end, and reports each change as a
// finding with Was and Now.
type Hardener interface {
	Harden(ctx context.Context, rendering Unhardened) ([]Object, []Finding)
}

// Unhardened is a rendering whose images are known.
type Unhardened struct {
	Source  Source
	Objects []Object
	Images  ImageIndex
}

// Judge asks one gate's rules about the decoded seal.
type Judge interface {
	Judge(ctx context.Context, sealed Sealed) []Finding
}

// Sealed is what a judge sees: the objects as decoded from the bytes that will
// be handed on, and what is known of their images. Judges do not change it.
type Sealed struct {
	Source  Source
	Objects []Object
	Images  ImageIndex
	At      time.Time
	// Digest tells the sealed bytes, and where each object came from, apart from
	// others, so that a judge may keep what it read of them. Empty is unknown.
	Digest string
}

// Decider holds one gate's exceptions: waivers and break glass. It is asked
// about findings of its own gate, and about findings of no gate, which are
// lowered only when every gate that denies has an exception for them.
type Decider interface {
	// Waive returns the exception that covers the finding at that time, or nil.
	// It is never asked about unwaivable findings.
	Waive(source Source, at time.Time, finding Finding) *Waived
	// Notes says what the reader must know of the exceptions: those past their
	// day, those close to it. Banner is set under break glass: the first line
	// of every report.
	Notes(source Source, at time.Time, findings []Finding) (notes []Finding, banner string)
}

// Encoding seals objects into bytes and reads them back.
type Encoding interface {
	Encode(objects []Object) ([]byte, error)
	// Decode refuses bytes that do not hold exactly the objects that Encode
	// wrote. Origins are not part of the bytes.
	Decode(data []byte) ([]Object, error)
}

// ImageIndex finds an image by the object and field that use it.
type ImageIndex struct {
	byUse map[useKey]*Image
}

type useKey struct {
	object int
	field  string
}

// NewImageIndex indexes images by their uses.
func NewImageIndex(images []Image) ImageIndex {
	index := ImageIndex{byUse: map[useKey]*Image{}}
	for i := range images {
		for _, use := range images[i].Uses {
			index.byUse[useKey{use.Object, use.Field}] = &images[i]
		}
	}
	return index
}

// At returns the image that the field of the object at that index names; nil
// when the field names none.
func (x ImageIndex) At(object int, field string) *Image { return x.byUse[useKey{object, field}] }
