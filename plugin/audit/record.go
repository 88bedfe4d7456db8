// Package audit keeps verdicts for those who look back: each as a [Record], in
// a log and in a store that can be asked.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// Schema is the version of [Record]. Fields are added under the same version; a
// field that changes its meaning or goes makes a new one.
const Schema = "assay.dev/audit/v1"

// Record is one verdict, without the values of Secrets and without manifests.
// Its JSON schema is docs/schema/audit.json.
type Record struct {
	// Schema is "assay.dev/audit/v1".
	Schema string `json:"schema"`
	// Time is the time by which the application was judged, in UTC.
	Time time.Time `json:"time"`
	// Application is the name as the platform gives it. An Argo CD Application
	// outside of Argo CD's namespace is "<namespace>_<name>".
	Application string `json:"application"`
	// Project is the Argo CD AppProject.
	Project string `json:"project,omitempty"`
	// SourceNamespace is the namespace of the GatedSource (Flux).
	SourceNamespace string `json:"sourceNamespace,omitempty"`
	// Namespace is the destination namespace.
	Namespace string `json:"namespace,omitempty"`
	// Repository is the URL of the source repository, without credentials.
	Repository string `json:"repository,omitempty"`
	// Revision is the commit or version of the source; empty when unknown.
	Revision string `json:"revision,omitempty"`
	// Path is the application's folder in the source tree, and RepositoryPath in
	// its repository, where the tree is a part of that.
	Path           string `json:"path"`
	RepositoryPath string `json:"repositoryPath,omitempty"`
	// Outcome is the answer: "allowed", "denied", or "undetermined" when there was
	// none.
	Outcome plugin.Outcome `json:"outcome"`
	// FirstLine is the answer for people, in one line.
	FirstLine string `json:"firstLine"`
	// Banner is set under break glass and must be shown first.
	Banner string `json:"banner,omitempty"`
	// LastAllowed is the newest other revision of the source that had passed when
	// this one was denied, as far as the store of who judged knew: by the gate of
	// then, and not necessarily deployed.
	LastAllowed plugin.Passed `json:"lastAllowed,omitzero"`
	// Report is the id of the whole report in the log of who judged.
	Report string `json:"report"`
	// Version is that of assay.
	Version string `json:"version,omitempty"`
	// Gates are the names of the gates that judged, sorted.
	Gates []string `json:"gates"`
	// GateDigest is "sha256:<hex>" over what the gate's configuration says about
	// this application; empty when it is not known.
	GateDigest string `json:"gateDigest,omitempty"`
	// Sealed is "sha256:<hex>" over the manifests that were judged; empty when the
	// run did not come so far.
	Sealed string `json:"sealed,omitempty"`
	// Counts are complete, also when something was left out.
	Counts report.Counts `json:"counts"`
	// Images are sorted by reference.
	Images []Image `json:"images"`
	// Findings are sorted, the worst first; changes are counted under injected.
	Findings []Finding `json:"findings"`
	// Waivers are those by which something was let pass.
	Waivers []Waiver `json:"waivers"`
	// Injected counts what was written into the manifests, by object.
	Injected []report.Injection `json:"injected"`
	// Omitted is how many images, pieces of evidence, findings, waivers and entries
	// of injected were left out for want of room.
	Omitted int `json:"omitted,omitempty"`
}

// Image is one unique reference and who vouches for it.
type Image struct {
	// Written is the reference as it stood in the manifests.
	Written string `json:"written"`
	// Chart is set for a chart that the rendering was made with.
	Chart bool `json:"chart,omitempty"`
	// Repository and Tag are those of the reference in normal form.
	Repository string `json:"repository"`
	Tag        string `json:"tag,omitempty"`
	// Digest is what ships; empty when there was no answer. DigestFrom says who
	// decided it.
	Digest     string              `json:"digest,omitempty"`
	DigestFrom plugin.DigestSource `json:"digestFrom,omitempty"`
	// RegistryDigest is what the registry says the tag is now, when a lock
	// decided and the registry was asked.
	RegistryDigest string `json:"registryDigest,omitempty"`
	// Platforms are "os/arch[/variant]"; absent when nobody asked.
	Platforms []string `json:"platforms,omitempty"`
	// Evidence is who vouches for the digest, by which trust rule.
	Evidence []plugin.Claims `json:"evidence"`
}

// Finding is what was said of an object, an image or the whole application.
type Finding struct {
	// Rule is the stable id.
	Rule string `json:"rule"`
	// Level is the severity; a waived finding is a warning.
	Level plugin.Level `json:"level"`
	// Gate is the name of the gate that judged; empty for what no gate decides.
	Gate string `json:"gate,omitempty"`
	// Object and Field are what the finding is about, where it is about an object.
	Object plugin.ObjectID `json:"object,omitzero"`
	Field  string          `json:"field,omitempty"`
	// Image is the reference as written, when the finding is about an image.
	Image string `json:"image,omitempty"`
	// Message says what is wrong, in one line.
	Message string `json:"message"`
	// Waiver is the id of the waiver that let it pass.
	Waiver string `json:"waiver,omitempty"`
	// Audited is set when the finding would have blocked, had its gate's deny
	// switch been on.
	Audited bool `json:"audited,omitempty"`
}

// Waiver is an exception that let a finding pass.
type Waiver struct {
	// ID stays the same while the waiver lets the same finding pass, whoever renews it.
	ID string `json:"id"`
	// Kind is "waiver", "exception", "vex" or "break-glass".
	Kind string `json:"kind"`
	// Gate and Rule are those of the finding, and Subject what it is about.
	Gate    string `json:"gate,omitempty"`
	Rule    string `json:"rule"`
	Subject string `json:"subject"`
	// Owner, Approver and Reason stand in the gate.
	Owner    string `json:"owner,omitempty"`
	Approver string `json:"approver,omitempty"`
	Reason   string `json:"reason"`
	// Until is the last second at which it holds, in UTC; absent when nothing ends it.
	Until time.Time `json:"until,omitzero"`
}

// About is what a verdict does not say of itself.
type About struct {
	// GateDigest is that of the gate as it holds for the application.
	GateDigest string
	// Door is who judged.
	Door report.Door
	// Version is that of assay.
	Version string
}

// The parts of a record that the application's author can make grow.
const (
	mostImages   = 500
	mostFindings = 200
	mostInjected = 500
	mostEvidence = 20
	longestText  = 1000 // bytes
)

// From makes the record of a verdict. A nil verdict is a denial, as everywhere.
func From(v *plugin.Verdict, about About) Record {
	if v == nil {
		v = &plugin.Verdict{}
	}
	app := v.Application
	record := Record{
		Schema: Schema, Time: v.At.UTC(), Application: app.Name, Project: app.Project, SourceNamespace: app.SourceNamespace, Namespace: app.Namespace,
		Repository: cut(app.Repository), Revision: cut(v.Revision), Path: cut(v.Path), RepositoryPath: cut(v.RepositoryPath), Outcome: v.Outcome(),
		FirstLine: cut(about.Door.Headline(v)), Banner: cut(v.Banner), Report: report.ID(v), Version: about.Version,
		Gates: append([]string{}, v.Gates...), GateDigest: about.GateDigest, Sealed: v.SealDigest(), Counts: report.Count(v, 0),
		Images: []Image{}, Findings: []Finding{}, Waivers: []Waiver{}, Injected: report.Injections(v),
	}
	if record.Outcome == plugin.Denied && v.LastAllowed.Revision != "" {
		record.LastAllowed = plugin.Passed{Revision: cut(v.LastAllowed.Revision), Time: v.LastAllowed.Time.UTC()}
	}
	for _, image := range v.Images {
		record.Images = append(record.Images, record.image(image))
	}
	for _, finding := range v.Findings {
		record.add(finding)
	}
	record.shorten(mostImages, mostFindings, mostInjected)
	return record
}

// add takes a finding, and the waiver that let it pass. Changes are counted
// elsewhere.
func (r *Record) add(f plugin.Finding) {
	if f.Level == plugin.Info && (f.Was != "" || f.Now != "") {
		return
	}
	finding := Finding{
		Rule: f.Rule, Level: f.Level, Gate: f.Gate, Object: f.Object, Field: cut(f.Field), Image: cut(f.Image), Message: cut(f.Message), Audited: f.Audited,
	}
	if f.Waiver != nil {
		waiver := newWaiver(f)
		finding.Waiver = waiver.ID
		r.Waivers = append(r.Waivers, waiver)
	}
	r.Findings = append(r.Findings, finding)
}

// image is one image, with as much of its evidence as has room.
func (r *Record) image(image plugin.Image) Image {
	out := Image{
		Written: cut(image.Written), Chart: image.Chart, Repository: image.Reference.Repository, Tag: image.Reference.Tag, Digest: image.Digest,
		DigestFrom: image.DigestFrom, RegistryDigest: image.RegistryDigest, Platforms: image.Platforms, Evidence: []plugin.Claims{},
	}
	for _, evidence := range keep(r, image.Evidence, mostEvidence) {
		out.Evidence = append(out.Evidence, evidence.Claims())
	}
	return out
}

func newWaiver(f plugin.Finding) Waiver {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %q %q %q %q %q", f.Waiver.Kind, f.Gate, f.Rule, f.Subject(), f.Field, f.Content, f.Digest)
	return Waiver{
		ID: hex.EncodeToString(sum.Sum(nil)[:6]), Kind: f.Waiver.Kind, Gate: f.Gate, Rule: f.Rule, Subject: cut(f.Subject()),
		Owner: cut(f.Waiver.Owner), Approver: cut(f.Waiver.Approver), Reason: cut(f.Waiver.Reason), Until: f.Waiver.Until.UTC(),
	}
}

// shorten keeps at most so much; what is worst, or first, stays.
func (r *Record) shorten(images, findings, injected int) {
	r.Images = keep(r, r.Images, images)
	r.Findings = keep(r, r.Findings, findings)
	r.Waivers = keep(r, r.Waivers, findings)
	r.Injected = keep(r, r.Injected, injected)
}

func keep[T any](r *Record, list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	r.Omitted += len(list) - most
	return list[:most]
}

// cut bounds a text, between characters.
func cut(text string) string {
	if len(text) <= longestText {
		return text
	}
	end := longestText
	for end > 0 && text[end]&0xc0 == 0x80 { // inside of a character (UTF-8)
		end--
	}
	return text[:end] + "..."
}

// mostLine bounds a line, in bytes: whoever collects logs cuts or drops longer
// ones.
const mostLine = 256 << 10

// Line is the record as one line of JSON, with its line break. A record that is
// too long loses its last images, findings and changes, and says how many.
func (r Record) Line() ([]byte, error) {
	for images, findings, injected := len(r.Images), len(r.Findings), len(r.Injected); ; images, findings, injected = images/2, findings/2, injected/2 {
		r.shorten(images, findings, injected)
		line, err := report.JSONLine(r)
		if err != nil {
			return nil, fmt.Errorf("writing the record of a verdict: %w", err)
		}
		if len(line) <= mostLine || images+findings+injected == 0 {
			return line, nil
		}
	}
}
