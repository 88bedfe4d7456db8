package main

import (
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

// signedUnder is a sighting of an image that was signed under a trust root.
func signedUnder(root string) setup.Sighting {
	reference := plugin.Reference{Repository: "registry.example.com/team-a/" + root, Tag: "1"}
	return setup.Sighting{
		Image:   plugin.Image{Reference: reference, Written: reference.String(), Digest: "sha256:" + strings.Repeat("a", 64)},
		Signers: []verify.Signer{{Issuer: trustedIssuer, Subject: trustedSubject, TrustRoot: root}},
	}
}

// givenGate is a folder with a gate, a trust root in a file of its own, and the
// files that the gate's registries name.
func givenGate(t *testing.T) *gate.Config {
	t.Helper()
	t.Chdir(t.TempDir())
	must(t, os.MkdirAll("given/secret", 0o755))
	made, err := throwaway.New()
	must(t, err)
	root, err := made.TrustRootYAML("example")
	must(t, err)
	for name, text := range map[string]string{
		"roots.yaml": root, "secret/user": "u", "secret/password": "p", "gate.yaml": `apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: given}
spec:
  base: true
  registries:
  - host: registry.example.com
    private: true
    mirrors: [mirror.example.com/x]
    ca: ca.pem
    credentials: {usernameFile: secret/user, passwordFile: secret/password}
---
apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: more}
spec:
  registries:
  - {host: registry.example.com, private: true}
  - {host: other.example.com, prefix: team-a/}
`,
	} {
		must(t, os.WriteFile(filepath.Join("given", name), []byte(text), 0o600))
	}
	config, err := gate.Load("given")
	must(t, err)
	return config
}

func TestInit_ProposalNamesTheFileOfItsTrustRootAndKeepsTheRegistries(t *testing.T) {
	config := givenGate(t)
	for _, dir := range []string{"", "proposed", "deep/proposed"} {
		d := draft{Proposal: setup.Propose([]setup.Sighting{signedUnder("example"), signedUnder(gate.PublicGood)}), now: time.Now().UTC(), dir: dir, config: config}
		text, err := d.text()
		must(t, err)
		if !strings.Contains(text, "# Load it beside given/roots.yaml, which holds the TrustRoot example.\n") || strings.Count(text, "url: https://fulcio") != 1 || strings.Contains(text, "waivers:") {
			t.Errorf("%q:\n%s", dir, text)
		}
		if files := d.rootFiles(); len(files) != 1 || files[0] != "given/roots.yaml" {
			t.Errorf("%q: the files beside it are %v", dir, files)
		}
		must(t, os.MkdirAll(filepath.Join(".", dir), 0o755))
		file := filepath.Join(dir, "proposal.yaml")
		must(t, os.WriteFile(file, []byte(text), 0o600))
		loaded, err := gate.Load(file, "given/roots.yaml")
		must(t, err)
		registries := loaded.Gates[0].Spec.Registries
		if len(registries) != 2 || registries[0].Locate(registries[0].CA) != "given/ca.pem" || registries[0].Locate(registries[0].Credentials.PasswordFile) != "given/secret/password" ||
			!registries[0].Private || registries[0].Mirrors[0] != "mirror.example.com/x" || registries[1].Prefix != "team-a/" {
			t.Errorf("%q: the registries are %+v", dir, registries)
		}
		if _, err := gate.Load(file, "given"); err != nil {
			t.Errorf("%q: with all that was given: %v", dir, err)
		}
	}
}

func TestInit_ProposalWithoutTrustRootsAndRegistriesSaysNothingOfThem(t *testing.T) {
	d := draft{Proposal: setup.Propose([]setup.Sighting{signedUnder(gate.PublicGood)}), now: time.Now().UTC(), config: gate.Default()}
	text, err := d.text()
	must(t, err)
	if strings.Contains(text, "Load it beside") || strings.Contains(text, "registries") || len(d.rootFiles()) != 0 {
		t.Errorf("got\n%s", text)
	}
	if _, err := gate.Parse("proposal.yaml", []byte(text)); err != nil {
		t.Error(err)
	}
}

func TestInit_ImagesWithoutADigestMakeNoEmptyListOfWaivers(t *testing.T) {
	nothing := setup.Sighting{Image: plugin.Image{Written: "registry.example.com/x:1", Reference: plugin.Reference{Repository: "registry.example.com/x"}}, Problem: "its digest is not known"}
	text, err := draft{Proposal: setup.Propose([]setup.Sighting{nothing}), now: time.Now().UTC(), config: gate.Default()}.text()
	must(t, err)
	if strings.Contains(text, "waivers") || !strings.Contains(text, `# "registry.example.com/x:1" could not be looked at: "its digest is not known"`) {
		t.Errorf("got\n%s", text)
	}
	if _, err := gate.Parse("proposal.yaml", []byte(text)); err != nil {
		t.Error(err)
	}
}
