// Package change compares what the gate said about two revisions of an
// application: objects, images, evidence, findings and waivers.
package change

import (
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// Schema names the form of the JSON report. A change that an old reader would
// get wrong raises its number.
const Schema = "assay.dev/diff/v1"

// Status says what the change does to an application, object, field or image.
type Status string

// The words for what a change does.
const (
	Added   Status = "added"
	Removed Status = "removed"
	Changed Status = "changed"
	// Renamed is an application or object under another name with the same content
	// or source.
	Renamed Status = "renamed"
	// Same is something that is listed because other parts of its application
	// changed.
	Same Status = "same"
)

// State says on which sides a finding stands.
type State string

// The states of a finding.
const (
	// New stands on the head alone: the change brings it.
	New State = "new"
	// Fixed stood on the base alone.
	Fixed State = "fixed"
	// Still stands on both sides.
	Still State = "still"
)

// Report is what a change does to everything that a repository deploys.
type Report struct {
	Schema string `json:"schema"`
	Base   Side   `json:"base"`
	Head   Side   `json:"head"`
	// At is the time by which waivers and ages were judged, on both sides.
	At time.Time `json:"at"`
	// Gates are the names of all gates that judged, sorted.
	Gates   []string `json:"gates"`
	Summary Summary  `json:"summary"`
	// Applications are those that the change affects, the most important first:
	// new denials, then what has no answer, then by what changes.
	Applications []Application `json:"applications"`
	// Unseen is what the repository deploys and could not be looked at.
	Unseen []Unseen `json:"unseen,omitempty"`
}

// Side is one of the two revisions.
type Side struct {
	// Name is what the user wrote: a revision, a folder, or "worktree".
	Name string `json:"name"`
	// Commit is the commit's hash in hex; empty for folders and worktrees.
	Commit string `json:"commit,omitempty"`
}

// Summary counts.
type Summary struct {
	// Applications by what the change does to them; Unaffected were not judged, as
	// nothing that their renderings read changed; Same were judged, and nothing
	// differs.
	Added      int `json:"added"`
	Changed    int `json:"changed"`
	Removed    int `json:"removed"`
	Renamed    int `json:"renamed"`
	Unaffected int `json:"unaffected"`
	Same       int `json:"same"`
	// Denied and Undetermined are applications whose head is so.
	Denied       int `json:"denied"`
	Undetermined int `json:"undetermined"`
	// NewDenials are findings that the change brings and that deny; they alone
	// fail the check.
	NewDenials int `json:"newDenials"`
	// NewUndetermined are questions without an answer that the change brings.
	NewUndetermined int `json:"newUndetermined"`
	// Fixed and Still count findings of any level but notes.
	Fixed int `json:"fixed"`
	Still int `json:"still"`
	// Objects and Images count those with that status in all applications.
	Objects Counts `json:"objects"`
	Images  Counts `json:"images"`
	// Rollouts are workloads whose Pods are replaced.
	Rollouts int `json:"rollouts"`
}

// Counts counts by status.
type Counts struct {
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Removed int `json:"removed"`
}

// Unseen is a part of what the repository deploys that was not looked at.
type Unseen struct {
	// Application is "Kind namespace/name"; empty when no application is known.
	Application string        `json:"application,omitempty"`
	Origin      plugin.Origin `json:"origin,omitzero"`
	// What is the source: a repository's URL without credentials, a chart, a
	// generator.
	What string `json:"what"`
	// Reason says why, and Hint what makes it seen.
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
	// Changed is set when the change alters what is written about it: another
	// version, another address.
	Changed bool `json:"changed,omitempty"`
	// Head and Base say on which sides.
	Base bool `json:"base"`
	Head bool `json:"head"`
}

// Application is one application that the change affects.
type Application struct {
	// Kind is "Application", "Kustomization", "GatedSource" or "HelmRelease", or
	// for a plain root "kustomize", "helm" or "directory".
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// WasName is its name on the base, when that differs.
	WasName string `json:"wasName,omitempty"`
	// Origin is where the head defines it, or the base when it is removed.
	Origin plugin.Origin `json:"origin,omitzero"`
	// Parents are what made it, the outermost first: "ApplicationSet argocd/shop".
	Parents []string `json:"parents,omitempty"`
	// Path is its folder in the repository; several are joined by ", ".
	Path   string  `json:"path,omitempty"`
	Status Status  `json:"status"`
	Before *Answer `json:"before,omitempty"`
	After  *Answer `json:"after,omitempty"`
	// Notes are what a reader should know of it, a line each: that it is suspended,
	// what was assumed.
	Notes []string `json:"notes,omitempty"`
	// Note says why objects are not compared: a side that does not render. Empty
	// when they are.
	Note string `json:"note,omitempty"`
	// Objects that changed, sorted by what they are.
	Objects []Object `json:"objects,omitempty"`
	// Images on either side, the changed ones first.
	Images   []Image   `json:"images,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	Waivers  []Waiver  `json:"waivers,omitempty"`
	// Rollouts are the workloads whose Pods will be replaced.
	Rollouts []plugin.ObjectID `json:"rollouts,omitempty"`
	// Omitted counts objects, and fields of listed objects, that differ and are
	// beyond the limits diffObjects, diffFields and diffBytes.
	Omitted int `json:"omitted,omitempty"`
	// Beyond counts the objects among them.
	Beyond Counts `json:"beyond,omitzero"`
}

// Answer is the gate's answer on one side.
type Answer struct {
	Outcome plugin.Outcome `json:"outcome"`
	Objects int            `json:"objects"`
	Images  int            `json:"images"`
	// Denials, Unanswered and Warnings count findings by level.
	Denials    int `json:"denials"`
	Unanswered int `json:"unanswered"`
	Warnings   int `json:"warnings"`
	// Seal is "sha256:<hex>" over the judged manifests; several parts are joined by
	// ", ". Empty when a run did not come to the seal, and when there are Secrets
	// in it: a hash over a short password is as good as the password.
	Seal string `json:"seal,omitempty"`
	// Banner is the first line under break glass.
	Banner string `json:"banner,omitempty"`
}

// Object is one object that changed.
type Object struct {
	ID plugin.ObjectID `json:"id"`
	// WasID is its identity on the base when that differs (a generated name).
	WasID  *plugin.ObjectID `json:"wasId,omitempty"`
	Origin plugin.Origin    `json:"origin,omitzero"`
	Status Status           `json:"status"`
	// Fields that differ, in the order of their paths. For an added or removed
	// object they are its leaves, but for what ID says.
	Fields []Field `json:"fields,omitempty"`
	// Folded counts the fields that are noise.
	Folded int `json:"folded,omitempty"`
	// Rolls is set when its Pods are replaced.
	Rolls bool `json:"rolls,omitempty"`
	// Effect is what a changed Pod template does to the running workload; empty
	// when the template does not change.
	Effect report.Effect `json:"effect,omitempty"`
}

// Field is one difference in an object. No value shows Secret data.
type Field struct {
	// Path is "spec.template.spec.containers[name=web].image".
	Path   string `json:"path"`
	Status Status `json:"status"`
	// Was and Now are compact JSON, or "***" for what is not shown.
	Was string `json:"was,omitempty"`
	Now string `json:"now,omitempty"`
	// Lines is a unified diff for text of several lines, without the lines that
	// name files; Was and Now are then empty.
	Lines []string `json:"lines,omitempty"`
	// Cut is set when Was, Now or Lines do not show all (limit diffFieldBytes).
	Cut bool `json:"cut,omitempty"`
	// Injected is what assay or the platform's mutations changed; the rest is the
	// author's.
	Injected bool `json:"injected,omitempty"`
	// Noise says why the field is folded: "checksum", "generated label", "generated
	// name", "certificate", "tracking", "order", "ignored"; empty for what is shown.
	Noise string `json:"noise,omitempty"`
}

// Image is one image on either side.
type Image struct {
	Repository string `json:"repository"`
	// Chart marks a Helm chart that a rendering was made with.
	Chart  bool   `json:"chart,omitempty"`
	Status Status `json:"status"`
	// Moved is set when the tag is the same and the digest is another.
	Moved bool `json:"moved,omitempty"`
	// Weaker is set when less is proven of the image than of the one before it; the
	// first lines of Trust say what.
	Weaker bool       `json:"weaker,omitempty"`
	Was    *ImageSide `json:"was,omitempty"`
	Now    *ImageSide `json:"now,omitempty"`
	// Uses are the objects that name it on the head, or on the base when it is
	// removed.
	Uses []plugin.ObjectID `json:"uses,omitempty"`
	// Trust says in one line each what changes in whom one trusts: another signer,
	// issuer, source repository or builder, evidence gained or lost.
	Trust []string `json:"trust,omitempty"`
	// Vulnerabilities are nil when no scan is attested on either side.
	Vulnerabilities *Vulnerabilities `json:"vulnerabilities,omitempty"`
}

// ImageSide is an image as one side has it.
type ImageSide struct {
	Written string `json:"written"`
	Tag     string `json:"tag,omitempty"`
	Digest  string `json:"digest,omitempty"`
	// From says who decided the digest: written, registry, lock or stale.
	From      plugin.DigestSource `json:"from,omitempty"`
	Platforms []string            `json:"platforms,omitempty"`
	// Size is that of the layers and configuration as the registry has them, in
	// bytes, of one platform; zero where it is not known.
	Size int64 `json:"size,omitempty"`
	// Verified is "verified", "not verified" or "undetermined".
	Verified string `json:"verified"`
	// Vouchers are the claims of the evidence, duplicates under several gates once.
	Vouchers []plugin.Claims `json:"vouchers,omitempty"`
}

// Vulnerabilities are those that attested scans list, by identifier.
type Vulnerabilities struct {
	Added   []Vulnerability `json:"added,omitempty"`
	Removed []Vulnerability `json:"removed,omitempty"`
	Same    int             `json:"same,omitempty"`
	// OnlyBase and OnlyHead are set when one side alone has an attested scan, so
	// that nothing can be said of the difference; Same then counts all that it
	// lists.
	OnlyBase bool `json:"onlyBase,omitempty"`
	OnlyHead bool `json:"onlyHead,omitempty"`
	// Omitted counts those that differ and are not listed.
	Omitted int `json:"omitted,omitempty"`
}

// Vulnerability is one entry of a scan.
type Vulnerability struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Package  string `json:"package,omitempty"`
	Fixed    string `json:"fixed,omitempty"`
}

// Finding is what the gate says, and on which side.
type Finding struct {
	State State `json:"state"`
	// BaseLevel is its level on the base, when it stands there with another one.
	BaseLevel *plugin.Level `json:"baseLevel,omitempty"`
	plugin.Finding
}

// Waiver is an exception that is used, asked for, or has ended.
type Waiver struct {
	State State `json:"state"`
	// Use is "used", "requested" or "ended".
	Use    string          `json:"use"`
	Rule   string          `json:"rule"`
	Gate   string          `json:"gate,omitempty"`
	Object plugin.ObjectID `json:"object,omitzero"`
	Image  string          `json:"image,omitempty"`
	plugin.Waived
}
