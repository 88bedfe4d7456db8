package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Schema is the version of [Document]. Fields are added under the same
// version; a field that changes its meaning or goes makes a new one.
const Schema = "assay.dev/report/v1"

// Document is the report for programs. Its JSON schema is
// docs/schema/report.json. It holds no manifest.
type Document struct {
	// Schema is "assay.dev/report/v1".
	Schema string `json:"schema"`
	// Outcome is the answer.
	Outcome plugin.Outcome `json:"outcome"`
	// Allowed repeats the answer for programs that ask nothing else.
	Allowed bool `json:"allowed"`
	// ExitCode is what the command line exits with: 0, 1 or 2.
	ExitCode int `json:"exitCode"`
	// Banner is set under break glass and must be shown first.
	Banner string `json:"banner,omitempty"`
	// Application is what was judged, as the platform names it.
	Application plugin.Application `json:"application"`
	// Path is the application's folder in the source tree.
	Path string `json:"path"`
	// Revision is the commit or version of the source; empty when unknown.
	Revision string `json:"revision,omitempty"`
	// At is the time by which waivers and ages were judged, in UTC.
	At time.Time `json:"at"`
	// Gates are the names of the gates that judged, sorted.
	Gates []string `json:"gates"`
	// Counts are complete, also when findings were left out.
	Counts Counts `json:"counts"`
	// Images are sorted by reference.
	Images []Image `json:"images"`
	// Rollouts are the workloads whose Pods are not what their author wrote,
	// complete, also when findings were left out of the report.
	Rollouts []Rollout `json:"rollouts"`
	// Findings are sorted, the worst first. One with was or now is a change that
	// the author did not make: by assay when its rule is in harden/, by a policy
	// of the platform's when it is in mutate/. harden/held-back is a setting that
	// would have broken something.
	Findings []plugin.Finding `json:"findings"`
}

// Counts sums up a verdict.
type Counts struct {
	// Objects is the number of objects in the rendering.
	Objects int `json:"objects"`
	// Images is the number of unique references.
	Images int `json:"images"`
	// Deny, Undetermined, Warn and Info count findings by level.
	Deny         int `json:"deny"`
	Undetermined int `json:"undetermined"`
	Warn         int `json:"warn"`
	Info         int `json:"info"`
	// Audited is how many of the warnings would block, had their gate's deny
	// switch been on.
	Audited int `json:"audited"`
	// Changes is how many of the notes (info) are changes that the author did not
	// make.
	Changes int `json:"changes"`
	// HeldBack is how many settings were held back.
	HeldBack int `json:"heldBack"`
	// Omitted is how many findings the limit findingsPerVerdict left out.
	Omitted int `json:"omitted"`
}

// Image is one unique reference and who vouches for it.
type Image struct {
	// Written is the reference as it stood in the manifests.
	Written string `json:"written"`
	// Chart is set for a chart that the rendering was made with.
	Chart bool `json:"chart,omitempty"`
	// Reference is its normal form.
	Reference plugin.Reference `json:"reference"`
	// Digest is what ships; empty when there was no answer.
	Digest string `json:"digest,omitempty"`
	// DigestFrom says who decided the digest.
	DigestFrom plugin.DigestSource `json:"digestFrom,omitempty"`
	// RegistryDigest is what the registry says the tag is now, when a lock
	// decided and the registry was asked.
	RegistryDigest string `json:"registryDigest,omitempty"`
	// MediaType and Size (bytes) are those of the manifest or index.
	MediaType string `json:"mediaType,omitempty"`
	Size      int64  `json:"size,omitempty"`
	// Platforms are "os/arch[/variant]"; absent when nobody asked.
	Platforms []string `json:"platforms,omitempty"`
	// Uses are the places that name the image.
	Uses []Use `json:"uses"`
	// Evidence is who vouches for the digest, in the order of gates and rules.
	Evidence []plugin.Claims `json:"evidence"`
}

// Use is one place in the manifests.
type Use struct {
	Object    plugin.ObjectID `json:"object"`
	Field     string          `json:"field"`
	Container string          `json:"container,omitempty"`
	Origin    plugin.Origin   `json:"origin,omitzero"`
}

// jsonReporter writes a [Document].
type jsonReporter struct{ Options }

func (j jsonReporter) Report(w io.Writer, v *plugin.Verdict) error {
	if v == nil {
		return errors.New("writing the json report: there is no verdict")
	}
	if err := WriteJSON(w, j.document(v)); err != nil {
		return fmt.Errorf("writing the json report: %w", err)
	}
	return nil
}

// JSONLine is a document as one line, for logs: nothing in it steers a terminal.
func JSONLine(document any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return neutralJSON(buffer.Bytes()), nil
}

// WriteJSON writes a document that quotes untrusted texts: nothing in it steers
// a terminal.
func WriteJSON(w io.Writer, document any) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return err
	}
	_, err := w.Write(neutralJSON(buffer.Bytes()))
	return err
}

func (j jsonReporter) document(v *plugin.Verdict) Document {
	findings, omitted := j.shown(v)
	document := Document{
		Schema: Schema, Outcome: v.Outcome(), Allowed: v.Allowed(), ExitCode: ExitCode(v), Banner: v.Banner,
		Application: v.Application, Path: v.Path, Revision: v.Revision, At: v.At.UTC(),
		Gates: append([]string{}, v.Gates...), Counts: Count(v, omitted),
		Images: []Image{}, Rollouts: Rollouts(v), Findings: append([]plugin.Finding{}, findings...),
	}
	for _, image := range v.Images {
		document.Images = append(document.Images, newImage(image))
	}
	return document
}

// Count sums up a verdict of whose findings some were left out.
func Count(v *plugin.Verdict, omitted int) Counts {
	counts := Counts{Objects: v.Objects, Images: len(v.Images), Omitted: omitted}
	for _, finding := range v.Findings {
		switch finding.Level {
		case plugin.Undetermined:
			counts.Undetermined++
		case plugin.Warn:
			counts.Warn++
		case plugin.Info:
			counts.Info++
		case plugin.Deny:
			counts.Deny++
		default:
			counts.Deny++ // unknown levels block, see plugin.Level
		}
		if finding.Audited {
			counts.Audited++
		}
		if finding.Rule == ruleHeldBack {
			counts.HeldBack++
		}
		if isChange(finding) {
			counts.Changes++
		}
	}
	return counts
}

func newImage(image plugin.Image) Image {
	out := Image{
		Written: image.Written, Chart: image.Chart, Reference: image.Reference, Digest: image.Digest, DigestFrom: image.DigestFrom,
		RegistryDigest: image.RegistryDigest, MediaType: image.MediaType, Size: image.Size, Platforms: image.Platforms,
		Uses: []Use{}, Evidence: []plugin.Claims{},
	}
	for _, use := range image.Uses {
		out.Uses = append(out.Uses, Use{Object: use.ID, Field: use.Field, Container: use.Container, Origin: use.Origin})
	}
	for _, e := range image.Evidence {
		out.Evidence = append(out.Evidence, e.Claims())
	}
	return out
}
