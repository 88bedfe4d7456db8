package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// proposalOf is the text of a proposal for two images that one subject signed
// and one that nobody did.
func proposalOf(t *testing.T, subject string) string {
	t.Helper()
	sighting := func(repository, tag string, signers ...verify.Signer) setup.Sighting {
		reference := plugin.Reference{Repository: "registry.example.com/" + repository, Tag: tag}
		return setup.Sighting{Image: plugin.Image{Reference: reference, Written: reference.String(), Digest: "sha256:" + strings.Repeat("a", 64)}, Signers: signers}
	}
	signer := verify.Signer{Issuer: trustedIssuer, Subject: subject, TrustRoot: "example"}
	other := verify.Signer{Issuer: trustedIssuer, Subject: "team-b@example.com", TrustRoot: "public-good"}
	nothing := setup.Sighting{Image: plugin.Image{Written: "x\nspec: {}", Reference: plugin.Reference{Repository: "registry.example.com/x"}}, Problem: "a\nspec: {}"}
	proposal := setup.Propose([]setup.Sighting{
		sighting("team-a/web", "1", signer), sighting("team-a/web", "2", other), sighting("team-a/api", "1", signer), sighting("team-a/unsigned", "1"), nothing,
	})
	text, err := draft{Proposal: proposal, now: time.Now().UTC(), config: gate.Default()}.text()
	must(t, err)
	return text
}

func TestInit_ProposalLoadsOnceItIsFilledIn(t *testing.T) {
	made, err := throwaway.New()
	must(t, err)
	root, err := made.TrustRootYAML("example")
	must(t, err)
	for _, subject := range []string{trustedSubject, "team-a@example.com", "https://git.example.com/it's/\"a\"\\b@refs/tags/v1", "x'\n    - issuer: y@refs/tags/v1"} {
		text := proposalOf(t, subject)
		if _, err := gate.Parse("proposal.yaml", []byte(text+"---\n"+root)); err == nil || !strings.Contains(err.Error(), "approver") {
			t.Errorf("%q: with nobody's name in it: %v", subject, err)
		}
		for _, field := range []string{"owner", "reference", "approver"} {
			text = strings.ReplaceAll(text, field+`: ""`, field+": platform@example.com")
		}
		config, err := gate.Parse("proposal.yaml", []byte(text+"---\n"+root))
		if err != nil {
			t.Fatalf("%q: filled in: %v\n%s", subject, err, text)
		}
		if len(config.ImagePolicies) != 2 || len(config.Gates) != 1 || len(config.Gates[0].Spec.Waivers) != 1 {
			t.Errorf("%q: there are %d policies, %d gates", subject, len(config.ImagePolicies), len(config.Gates))
		}
		identities := 0
		for _, policy := range config.ImagePolicies {
			for _, authority := range policy.Spec.Authorities {
				identities += len(authority.Keyless.Identities)
			}
		}
		if identities != 3 {
			t.Errorf("%q: there are %d identities", subject, identities)
		}
	}
}

// What init proposes for an application, filled in, lets the application pass:
// images of one repository that were signed by two, by nobody, and by a key.
func TestInit_ProposalAllowsWhatItWasMadeOf(t *testing.T) {
	w := newWorld(t)
	w.sign(trusted())
	second := w.push("team-a/app:2", "second")
	must(t, w.sigstore.SignBundle(t.Context(), second, throwaway.Signer{Issuer: trustedIssuer, Subject: "team-b@example.com"}))
	w.push("team-a/app:3", "third")
	key, err := throwaway.NewKey()
	must(t, err)
	must(t, w.sigstore.SignBundle(t.Context(), w.push("team-a/app:4", "fourth"), throwaway.Signer{Key: key}))
	w.push("team-b/app:1", "fifth")
	var manifests []string
	for i, image := range []string{"team-a/app:1", "team-a/app:2", "team-a/app:3", "team-a/app:4", "team-b/app:1"} {
		manifest := deploymentOf(w.server.Host() + "/" + image)
		manifests = append(manifests, strings.Replace(manifest, "{name: web}", "{name: web-"+string(rune('a'+i))+"}", 1))
	}
	w.write("app/web.yaml", strings.Join(manifests, "---\n"))
	w.settle()
	if got := w.run("check"); got.code != exitDenied {
		t.Fatalf("before, check ends with %d:\n%s%s", got.code, got.out, got.err)
	}
	out := filepath.Join(w.dir, "proposed")
	var printed, errors bytes.Buffer
	args := []string{"init", filepath.Join(w.dir, "app"), "--gate", filepath.Join(w.dir, "gate"), "--project", "team-a", "--out", out, "--owner", "team-a@example.com"}
	if code := run(t.Context(), streams{in: strings.NewReader(""), out: &printed, err: &errors}, args); code != exitAllowed {
		t.Fatalf("init ends with %d:\n%s%s", code, printed.String(), errors.String())
	}
	file := filepath.Join(out, "proposal.yaml")
	text, err := os.ReadFile(file)
	must(t, err)
	filled := strings.NewReplacer(`reference: ""`, "reference: https://issues.example.com/1", `approver: ""`, "approver: platform@example.com").Replace(string(text))
	must(t, os.WriteFile(file, []byte(filled), 0o644))
	must(t, os.WriteFile(filepath.Join(out, "root.yaml"), []byte(w.root), 0o644))
	printed.Reset()
	args = []string{"check", filepath.Join(w.dir, "app"), "--gate", out, "--project", "team-a"}
	if code := run(t.Context(), streams{in: strings.NewReader(""), out: &printed, err: &errors}, args); code != exitAllowed {
		t.Errorf("by the proposal, check ends with %d:\n%s%s\n%s", code, printed.String(), errors.String(), filled)
	}
	w.push("team-a/app:3", "another third")
	printed.Reset()
	if code := run(t.Context(), streams{in: strings.NewReader(""), out: &printed, err: &errors}, args); code != exitDenied || !strings.Contains(printed.String(), "image/not-signed") {
		t.Errorf("another unsigned image under the tag ends with %d:\n%s", code, printed.String())
	}
}
