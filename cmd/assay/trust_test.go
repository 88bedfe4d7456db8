package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// told runs the command under the world's gate.
func (w *world) known(t *testing.T, what string, more ...string) ended {
	t.Helper()
	w.settle()
	return in(t, "", append([]string{"trust", what, "-g", filepath.Join(w.dir, "gate"), "--project", "team-a"}, more...)...)
}

func (w *world) attest(who throwaway.Signer, predicateType string, predicate any) {
	w.t.Helper()
	must(w.t, w.sigstore.Attest(w.t.Context(), w.digest, who, predicateType, predicate))
}

func TestTrust_TellsWhatIsKnownOfAnImageAndOfAnApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	w.attest(trusted(), "https://slsa.dev/provenance/v1", map[string]any{
		"buildDefinition": map[string]any{"externalParameters": map[string]any{"workflow": map[string]any{"repository": "https://git.example.com/team-a/app", "ref": "refs/tags/v1"}}},
		"runDetails":      map[string]any{"builder": map[string]any{"id": "https://builder.example.com/hosted"}},
	})
	w.attest(throwaway.Signer{Issuer: trustedIssuer, Subject: "scanner@example.com"}, "https://cosign.sigstore.dev/attestation/vuln/v1", map[string]any{
		"scanner": map[string]any{"result": map[string]any{
			"SchemaVersion": 2, "ArtifactType": "container_image", "CreatedAt": "2026-11-20T08:00:00Z",
			"Results": []any{map[string]any{"Target": "app", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": []any{map[string]any{
				"VulnerabilityID": "CVE-2026-0001", "PkgName": "openssl", "InstalledVersion": "3.0.1", "Severity": "HIGH",
			}}}},
		}},
		"metadata": map[string]any{"scanFinishedOn": "2026-11-20T08:00:00Z"},
	})
	for name, what := range map[string]string{"image": w.image, "application": filepath.Join(w.dir, "app")} {
		got := w.known(t, what)
		for _, part := range []string{
			w.image, w.digest.DigestStr(), "signature    by " + trustedSubject, "accepted by release, authority workflow", "builder https://builder.example.com/hosted",
			"source https://git.example.com/team-a/app", "scan         by scanner@example.com", "no trust rule accepts the signer", "found 1 HIGH", "gate base accepts it",
		} {
			if got.code != exitAllowed || !strings.Contains(got.out, part) {
				t.Errorf("%s: ends with %d without %q:\n%s%s", name, got.code, part, got.out, got.err)
			}
		}
	}
	got := w.known(t, w.image, "--output", "json")
	var document struct {
		Schema string
		Images []struct {
			Image, Digest string
			Found         []struct {
				Kind, PredicateType, Policy string
				Verified                    bool
			}
			Gates []struct{ Accepts bool }
		}
	}
	must(t, json.Unmarshal([]byte(got.out), &document))
	if len(document.Images) != 1 || len(document.Images[0].Found) != 3 || document.Images[0].Digest != w.digest.DigestStr() || !document.Images[0].Gates[0].Accepts || document.Schema != "assay.dev/trust/v1alpha1" {
		t.Errorf("JSON: %s", got.out)
	}
}

func TestTrust_SaysWhatAGateWouldNeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.known(t, w.image)
	for _, part := range []string{"there is no signature of it", "gate base does not accept it", "image/not-signed", "cosign sign"} {
		if got.code != exitAllowed || !strings.Contains(got.out, part) {
			t.Errorf("ends with %d without %q:\n%s%s", got.code, part, got.out, got.err)
		}
	}
	w.sign(throwaway.Signer{Issuer: trustedIssuer, Subject: "stranger@example.com"})
	got = w.known(t, w.image)
	for _, part := range []string{"signature    by stranger@example.com", "no trust rule accepts the signer", "image/not-trusted"} {
		if got.code != exitAllowed || !strings.Contains(got.out, part) {
			t.Errorf("signed by another: ends with %d without %q:\n%s%s", got.code, part, got.out, got.err)
		}
	}
}

func TestTrust_WhatCannotBeLookedAtIsNoAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	w.settle()
	must(t, w.server.Close())
	got := w.known(t, w.image)
	if got.code != exitUndetermined || strings.Contains(got.out, "there is no signature") || strings.Contains(got.out, "accepts it\n") || strings.Contains(got.out, "does not accept") || !strings.Contains(got.out, "gate base has no answer about it") {
		t.Errorf("ends with %d:\n%s%s", got.code, got.out, got.err)
	}
}

func TestTrust_WrongUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for what, want := range map[string]string{"no such//image": "is no path here and no image", "UPPER/case": "is no path here and no image"} {
		if got := w.known(t, what); got.code != exitUsage || got.out != "" || !strings.Contains(got.err, want) {
			t.Errorf("%s ends with %d:\n%s%s", what, got.code, got.out, got.err)
		}
	}
	if got := in(t, "", "trust"); got.code != exitUsage || !strings.Contains(got.err, "needs an IMAGE") || !strings.Contains(got.err, "'assay trust --help'") {
		t.Errorf("without an argument it ends with %d: %s", got.code, got.err)
	}
	if got := w.known(t, w.image, "--output", "xml"); got.code != exitUsage {
		t.Errorf("another format ends with %d", got.code)
	}
}
