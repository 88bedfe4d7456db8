package verify

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// bill is a bill of materials, and scan a report without vulnerabilities.
func (w *world) bill() json.RawMessage {
	w.t.Helper()
	data, err := os.ReadFile("predicate/testdata/spdx23.json")
	if err != nil {
		w.t.Fatal(err)
	}
	made := fmt.Sprintf("%q", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
	var document map[string]json.RawMessage
	if err := json.Unmarshal(data, &document); err != nil {
		w.t.Fatal(err)
	}
	document["creationInfo"] = json.RawMessage(`{"created":` + made + `,"creators":["Tool: syft-1.2.3"]}`)
	return w.json(document)
}

func scan() fields {
	at := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	return fields{
		"scanner": fields{"uri": "pkg:github/aquasecurity/trivy@1.2.3", "version": "1.2.3", "result": fields{
			"SchemaVersion": 2, "CreatedAt": at, "ArtifactType": "container_image", "Results": []any{fields{"Target": "app", "Class": "os-pkgs", "Type": "debian"}},
		}},
		"metadata": fields{"scanStartedOn": at, "scanFinishedOn": at},
	}
}

// Everything about 20 images is one request for the list and two for each
// bundle that a rule needs; one that no rule needs is not read.
func TestEvidence_RequestsStayInTheBudget(t *testing.T) {
	w := newWorld(t)
	w.demandProvenance(nil)
	w.config.Evidence[0].SBOM, w.config.Evidence[0].Scan = &gate.SBOM{}, &gate.Scan{}
	const images = 20
	var list []plugin.Image
	for i := range images {
		image := w.signed(fmt.Sprintf("app %d", i))
		w.attest(image, ci(), provenanceV1, githubProvenance())
		bill := strings.ReplaceAll(string(w.bill()), "sha256:"+strings.Repeat("1", 64), image.Digest)
		bill = strings.ReplaceAll(bill, strings.Repeat("1", 64), image.Digest[7:])
		w.attest(image, builds(), "https://spdx.dev/Document", json.RawMessage(bill))
		w.attest(image, builds(), vulnType, scan())
		w.attest(image, builds(), "https://example.com/other/v1", nil)
		list = append(list, image)
	}
	for _, review := range w.verifier().Verify(w.ctx, list) {
		if len(review.Findings) > 0 {
			t.Fatalf("%+v", review.Findings)
		}
		if len(review.Evidence) != 4 {
			t.Fatalf("%d evidence, want signature, provenance, bill and scan: %+v", len(review.Evidence), review.Evidence)
		}
	}
	const needed = 4
	if got := w.registry.counts; got["referrers"] != images || got["manifest"] != images*needed || got["blob"] != images*needed || got["tag"] != 0 {
		t.Errorf("requests: %v, want %d lists and %d bundles", got, images, images*needed)
	}
}

// While fresh, nothing is asked again.
func TestEvidence_NoRequestWhileFresh(t *testing.T) {
	server, err := ociserver.Start(ociserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	client, err := registry.New(registry.Options{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w := newWorld(t)
	w.sigstore.Remote = []remote.Option{remote.WithTransport(server.Transport())}
	content, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(server.Host()+"/team-a/app:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, content, w.sigstore.Remote...); err != nil {
		t.Fatal(err)
	}
	digest, err := content.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref := tag.Digest(digest.String())
	for predicateType, predicate := range map[string]any{throwaway.SignPredicate: nil, provenanceV1: githubProvenance()} {
		if err := w.sigstore.Attest(w.ctx, ref, ci(), predicateType, predicate); err != nil {
			t.Fatal(err)
		}
	}
	w.demandProvenance(nil)
	w.config.Policies[0].Spec.Images[0].Glob = "**"
	verifier, err := New(w.config, client)
	if err != nil {
		t.Fatal(err)
	}
	image := plugin.Image{Written: tag.String(), Digest: digest.String(), Reference: plugin.Reference{Repository: ref.Context().Name(), Tag: "1"}}
	wantAccepted(t, verifier.Verify(w.ctx, []plugin.Image{image})[0])
	server.ResetRequests()
	wantAccepted(t, verifier.Verify(w.ctx, []plugin.Image{image})[0])
	if got := server.Requests(); len(got) > 0 {
		t.Errorf("%d requests while fresh: %+v", len(got), got)
	}
}

// The rule about platforms holds for what is demanded of attestations.
func TestEvidence_PlatformsChooseWhatMustBeAttested(t *testing.T) {
	checkPlatforms(t, func(t *testing.T) (*world, func(plugin.Image)) {
		w := newWorld(t)
		w.require(gate.Authority{Static: &gate.StaticRef{Action: "pass"}})
		w.demandProvenance(nil)
		w.config.Witnesses = policies(keyless())
		w.config.Witnesses[0].Metadata.Name = "attesters"
		w.config.Evidence[0].Signers = []string{"attesters"}
		return w, func(image plugin.Image) { w.attest(image, ci(), provenanceV1, githubProvenance()) }
	})
}

func TestAttestation_PlatformsChooseWhatMustBeAttested(t *testing.T) {
	checkPlatforms(t, func(t *testing.T) (*world, func(plugin.Image)) {
		w := newWorld(t)
		w.require(asking(keyless(), wanting("vuln")))
		return w, func(image plugin.Image) { w.attest(image, builds(), vulnType, nil) }
	})
}

// A platform without provenance is named.
func TestEvidence_PlatformThatLacksItIsNamed(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms = PlatformsAllLeaves
	w.demandProvenance(nil)
	first, second := w.signed("first"), w.signed("second")
	index := w.index(first, second)
	w.attest(first, ci(), provenanceV1, githubProvenance())
	wantFinding(t, w.review(index), "evidence/provenance", "platform linux/"+second.Digest[7:11])
	w.attest(second, ci(), provenanceV1, githubProvenance())
	wantAccepted(t, w.review(index))
}
