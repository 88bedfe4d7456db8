package verify

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

const (
	provenanceV1  = "https://slsa.dev/provenance/v1"
	provenanceV02 = "https://slsa.dev/provenance/v0.2"
	vulnType      = "https://cosign.sigstore.dev/attestation/vuln/v1"

	sourceURI   = "https://github.com/team-a/app"
	sourceRef   = "refs/tags/v1.2.3"
	revision    = "1234567890123456789012345678901234567890"
	workflow    = ".github/workflows/release.yaml"
	builderID   = sourceURI + "/" + workflow + "@" + sourceRef
	runURI      = sourceURI + "/actions/runs/17/attempts/1"
	otherCommit = "9999999999999999999999999999999999999999"
)

// ci is a signer whose certificate says which build it is.
func ci() throwaway.Signer {
	who := builds()
	who.SourceRepository, who.SourceRevision, who.SourceRef = sourceURI, revision, sourceRef
	who.Build = throwaway.Build{SignerURI: builderID, ConfigURI: builderID, RunnerEnvironment: "github-hosted", Trigger: "push", RunURI: runURI}
	return who
}

// fields is a JSON object.
type fields = map[string]any

// githubProvenance is what actions/attest-build-provenance writes.
func githubProvenance() fields {
	return fields{
		"buildDefinition": fields{
			"buildType":            "https://actions.github.io/buildtypes/workflow/v1",
			"externalParameters":   fields{"workflow": fields{"ref": sourceRef, "repository": sourceURI, "path": workflow}},
			"internalParameters":   fields{"github": fields{"event_name": "push", "runner_environment": "github-hosted"}},
			"resolvedDependencies": []any{fields{"uri": "git+" + sourceURI + "@" + sourceRef, "digest": fields{"gitCommit": revision}}},
		},
		"runDetails": fields{"builder": fields{"id": builderID}, "metadata": fields{"invocationId": runURI}},
	}
}

// set changes one value of a JSON object, by its path.
func set(object fields, path string, value any) fields {
	names := strings.Split(path, ".")
	at := object
	for _, name := range names[:len(names)-1] {
		if at[name] == nil {
			at[name] = fields{}
		}
		at, _ = at[name].(fields)
	}
	at[names[len(names)-1]] = value
	return object
}

// attest puts a statement about the image beside it, as a bundle.
func (w *world) attest(image plugin.Image, who throwaway.Signer, predicateType string, predicate any) {
	w.t.Helper()
	w.refer(image, w.attestation(image.Digest, who, predicateType, predicate), predicateType)
}

func (w *world) attestation(digest string, who throwaway.Signer, predicateType string, predicate any) []byte {
	w.t.Helper()
	statement, err := throwaway.Statement(digest, predicateType, predicate)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.envelope(who, statement)
}

// envelope signs any bytes as a statement.
func (w *world) envelope(who throwaway.Signer, statement []byte) []byte {
	w.t.Helper()
	bundle, err := w.sigstore.Bundle(who, statement)
	if err != nil {
		w.t.Fatal(err)
	}
	return bundle
}

// attestLegacy puts a statement about the image under its tag.
func (w *world) attestLegacy(image plugin.Image, who throwaway.Signer, predicateType string, predicate any) {
	w.t.Helper()
	statement, err := throwaway.Statement(image.Digest, predicateType, predicate)
	if err != nil {
		w.t.Fatal(err)
	}
	envelope, annotations, err := w.sigstore.LegacyAttestation(who, statement)
	if err != nil {
		w.t.Fatal(err)
	}
	annotations[annotationPredicate] = predicateType
	key := image.Reference.Repository + "@" + attestationTag(image.Digest)
	var manifest throwaway.Manifest
	if old := w.registry.manifests[key]; old != nil {
		if err := json.Unmarshal(old, &manifest); err != nil {
			w.t.Fatal(err)
		}
	}
	layer := throwaway.Describe(throwaway.AttestationMediaType, envelope)
	layer.Annotations = annotations
	manifest.Layers = append(manifest.Layers, layer)
	w.registry.blobs[layer.Digest] = envelope
	w.registry.manifests[key] = w.json(manifest)
}

// asking is an authority with attestations.
func asking(authority gate.Authority, attestations ...gate.Attestation) gate.Authority {
	authority.Attestations = attestations
	return authority
}

func wanting(predicateType string) gate.Attestation {
	return gate.Attestation{Name: "wanted", PredicateType: predicateType}
}

func withCondition(language, text string) gate.Attestation {
	wanted := wanting("vuln")
	wanted.Policy = &gate.AttestationPolicy{Type: language, Data: text}
	return wanted
}

// demandProvenance sets the gate's only entry of evidence.
func (w *world) demandProvenance(change func(*gate.Provenance)) {
	wanted := gate.Provenance{Builders: []gate.Builder{{ID: builderID, Level: 2}}}
	if change != nil {
		change(&wanted)
	}
	w.config.Evidence = []gate.Evidence{{Name: "built", Provenance: &wanted, At: plugin.Origin{File: "gate.yaml", Line: 30}}}
}

// signed puts an image with a good signature into the registry, so that only
// the demands decide.
func (w *world) signed(content string) plugin.Image {
	w.t.Helper()
	image := w.image(content)
	w.sign(image, builds())
	return image
}

// wantFinding is the only finding of a review.
func wantFinding(t *testing.T, review plugin.Review, rule, text string) plugin.Finding {
	t.Helper()
	if len(review.Findings) != 1 {
		t.Fatalf("%d findings, want one: %+v", len(review.Findings), review.Findings)
	}
	got := review.Findings[0]
	if all := got.Message + "\n" + strings.Join(got.Details, "\n"); got.Rule != rule || !strings.Contains(all, text) {
		t.Fatalf("got %s: %s\nwant %s: ...%s...", got.Rule, all, rule, text)
	}
	return got
}

func wantAccepted(t *testing.T, review plugin.Review) plugin.Claims {
	t.Helper()
	if len(review.Findings) != 0 || len(review.Evidence) == 0 {
		t.Fatalf("%d evidence, findings %+v", len(review.Evidence), review.Findings)
	}
	return review.Evidence[len(review.Evidence)-1].Claims()
}

// alterLayer changes the only attestation under the image's tag after it was
// signed.
func (w *world) alterLayer(image plugin.Image, change func(text string) string) {
	w.t.Helper()
	key := image.Reference.Repository + "@" + attestationTag(image.Digest)
	var manifest throwaway.Manifest
	if err := json.Unmarshal(w.registry.manifests[key], &manifest); err != nil {
		w.t.Fatal(err)
	}
	layer := &manifest.Layers[0]
	data := []byte(change(string(w.registry.blobs[layer.Digest])))
	layer.Digest, layer.Size = throwaway.Digest(data), int64(len(data))
	w.registry.blobs[layer.Digest] = data
	w.registry.manifests[key] = w.json(manifest)
}

// lastBlob is the blob of the image's last referrer.
func lastBlob(w *world, image plugin.Image) string {
	w.t.Helper()
	list := w.registry.referrers[image.Reference.Repository+"@"+image.Digest]
	var manifest throwaway.Manifest
	if err := json.Unmarshal(w.registry.manifests[image.Reference.Repository+"@"+list[len(list)-1].Digest], &manifest); err != nil {
		w.t.Fatal(err)
	}
	return manifest.Layers[0].Digest
}
