package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

const (
	typeSPDX = "https://spdx.dev/Document/v2.3"
	typeVuln = "https://cosign.sigstore.dev/attestation/vuln/v1"
	typeVEX  = "https://openvex.dev/ns/v0.2.0"
)

// security is who may say that a vulnerability does no harm.
func security() throwaway.Signer {
	return throwaway.Signer{Issuer: trustedIssuer, Subject: "security@example.com"}
}

// asksForContents makes the gate ask for a bill of materials or a scan, and
// trust security's VEX.
func (w *world) asksForContents(demand string) {
	w.t.Helper()
	w.sign(trusted())
	w.spec += fmt.Sprintf("  trust: {policies: [release]}\n  evidence:\n  - {name: contents, signers: [release], %s}\n  vex: {signers: [security], maxAge: 30d}\n", demand)
	w.write("gate/security.yaml", fmt.Sprintf(`apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: security}
spec:
  images: [{glob: "%s/**"}]
  authorities:
  - name: person
    keyless:
      trustRootRef: example
      identities: [{issuer: %q, subject: "security@example.com"}]
    ctlog: {trustRootRef: example}
`, w.server.Host(), trustedIssuer))
}

// attests puts an attestation beside the image.
func (w *world) attests(who throwaway.Signer, predicateType, predicate string) {
	w.t.Helper()
	if !json.Valid([]byte(predicate)) {
		w.t.Fatalf("the predicate is no JSON: %s", predicate)
	}
	must(w.t, w.sigstore.Attest(w.t.Context(), w.digest, who, predicateType, json.RawMessage(predicate)))
}

func ago(days int) string {
	return time.Now().Add(-time.Duration(days) * 24 * time.Hour).UTC().Format(time.RFC3339)
}

// scanOf is Trivy's report about an image, with one vulnerability in openssl.
func scanOf(image, severity, ended string) string {
	return fmt.Sprintf(`{"scanner": {"uri": "pkg:github/aquasecurity/trivy@0.68.1", "version": "0.68.1", "result": {
		"SchemaVersion": 2, "ArtifactType": "container_image", "Metadata": {"RepoDigests": [%q]}, "Results": [{"Target": "debian", "Class": "os-pkgs",
		"Vulnerabilities": [{"VulnerabilityID": "CVE-2024-0001", "PkgName": "openssl", "InstalledVersion": "3.0.1", "FixedVersion": "3.0.2",
		"PkgIdentifier": {"PURL": "pkg:deb/debian/openssl@3.0.1"}, "Severity": %q}]}]}},
		"metadata": {"scanStartedOn": %q, "scanFinishedOn": %q}}`, image, severity, ago(20), ended)
}

// billOf is a bill of materials about an image, with openssl.
func billOf(digest, license string) string {
	return fmt.Sprintf(`{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "creationInfo": {"created": %q, "creators": ["Tool: syft-1.18.0"]},
		"documentDescribes": ["SPDXRef-image"], "packages": [
		{"name": "shop", "SPDXID": "SPDXRef-image", "primaryPackagePurpose": "CONTAINER", "checksums": [{"algorithm": "SHA256", "checksumValue": %q}]},
		{"name": "openssl", "SPDXID": "SPDXRef-openssl", "versionInfo": "3.0.1", "licenseDeclared": %q}]}`, ago(1), strings.TrimPrefix(digest, "sha256:"), license)
}

// vexOf says that the vulnerability of scanOf does no harm in an image.
func vexOf(digest, made string) string {
	return fmt.Sprintf(`{"@context": "https://openvex.dev/ns/v0.2.0", "author": "security@example.com", "timestamp": %q, "statements": [{
		"vulnerability": {"name": "CVE-2024-0001"}, "products": [{"@id": "pkg:oci/shop@%s"}], "status": "not_affected", "justification": "vulnerable_code_not_present"}]}`,
		made, strings.Replace(digest, ":", "%3A", 1))
}

const anotherDigest = "sha256:2222222222222222222222222222222222222222222222222222222222222222"

func TestBadInput_WithoutABillOfMaterialsTheImageIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("sbom: {}")
		if !bad {
			w.attests(trusted(), typeSPDX, billOf(w.digest.DigestStr(), "MIT"))
		}
	}, denied("evidence/sbom", "bill of materials"))
}

func TestBadInput_ABillOfMaterialsOfAnotherImageIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("sbom: {}")
		about := w.digest.DigestStr()
		if bad {
			about = anotherDigest
		}
		w.attests(trusted(), typeSPDX, billOf(about, "MIT"))
	}, denied("evidence/sbom", "it is about another image: it names "+anotherDigest))
}

func TestBadInput_ADeniedLicenceIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents(`sbom: {denyLicenses: ["AGPL-*"]}`)
		license := "AGPL-3.0-only OR MIT"
		if bad {
			license = "AGPL-3.0-only AND MIT"
		}
		w.attests(trusted(), typeSPDX, billOf(w.digest.DigestStr(), license))
	}, denied("evidence/component", "openssl 3.0.1 has the denied licence AGPL-3.0-only"))
}

func TestBadInput_ABillOfMaterialsByAnotherSignerDoesNotCount(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("sbom: {}")
		who := trusted()
		if bad {
			who = security() // whose VEX alone counts
		}
		w.attests(who, typeSPDX, billOf(w.digest.DigestStr(), "MIT"))
	}, denied("evidence/sbom"))
}

func TestBadInput_AVulnerabilityThatTheGateDeniesIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("scan: {maxAge: 7d}")
		severity := "MEDIUM"
		if bad {
			severity = "HIGH"
		}
		w.attests(trusted(), typeVuln, scanOf(w.digest.String(), severity, ago(1)))
	}, denied("evidence/vulnerability", "1 vulnerability of severity CRITICAL or HIGH: CVE-2024-0001 in openssl 3.0.1 (fixed in 3.0.2)"))
}

func TestBadInput_AnOldScanIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("scan: {maxAge: 7d}")
		days := 6
		if bad {
			days = 8
		}
		w.attests(trusted(), typeVuln, scanOf(w.digest.String(), "LOW", ago(days)))
	}, denied("evidence/scan", "longer ago than 7 days"))
}

func TestBadInput_AScanDatedInTheFutureIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("scan: {maxAge: 7d}")
		days := 1
		if bad {
			days = -1
		}
		w.attests(trusted(), typeVuln, scanOf(w.digest.String(), "LOW", ago(days)))
	}, denied("evidence/scan", "which is in the future"))
}

// TestBadInput_AnOlderScanHidesNothing has a clean scan that is older than the
// one that found something.
func TestBadInput_AnOlderScanHidesNothing(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("scan: {}")
		clean, found := ago(1), ago(2)
		if bad {
			clean, found = found, clean
		}
		w.attests(trusted(), typeVuln, scanOf(w.digest.String(), "CRITICAL", found))
		w.attests(trusted(), typeVuln, scanOf(w.digest.String(), "LOW", clean))
	}, denied("evidence/vulnerability", "CVE-2024-0001"))
}

func TestBadInput_VEXForAnotherProductDoesNotCount(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("scan: {}")
		w.attests(trusted(), typeVuln, scanOf(w.digest.String(), "CRITICAL", ago(1)))
		about := w.digest.DigestStr()
		if bad {
			about = anotherDigest
		}
		w.attests(security(), typeVEX, vexOf(about, ago(1)))
	}, denied("evidence/vulnerability", "CVE-2024-0001", "it is about another image"))
}

func TestBadInput_VEXByTheImagesOwnSignerDoesNotCount(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("scan: {}")
		w.attests(trusted(), typeVuln, scanOf(w.digest.String(), "CRITICAL", ago(1)))
		w.attests(security(), typeVEX, vexOf(w.digest.DigestStr(), ago(1)))
		if bad {
			w.sign(security())
			w.spec = strings.Replace(w.spec, "policies: [release]", "policies: [release, security]", 1)
		}
	}, denied("evidence/vulnerability", "who also signed the image"))
}

func TestBadInput_ExpiredVEXDoesNotCount(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("scan: {}")
		w.attests(trusted(), typeVuln, scanOf(w.digest.String(), "CRITICAL", ago(1)))
		days := 29
		if bad {
			days = 31
		}
		w.attests(security(), typeVEX, vexOf(w.digest.DigestStr(), ago(days)))
	}, denied("evidence/vulnerability", "evidence/vex-expired"))
}

func TestVEX_IsShownAmongTheWaivers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asksForContents("scan: {}")
	w.attests(trusted(), typeVuln, scanOf(w.digest.String(), "CRITICAL", ago(1)))
	w.attests(security(), typeVEX, vexOf(w.digest.DigestStr(), ago(1)))
	w.settle()
	if got := w.run("check"); got.code != 0 || !strings.Contains(got.out, "vex owned by security@example.com") || !strings.Contains(got.out, "vulnerable_code_not_present") {
		t.Errorf("ends with %d:\n%s%s", got.code, got.out, got.err)
	}
}

// TestBadInput_VEXThatCannotBeReadIsUndetermined has a registry that does not
// give out the blob of the VEX, which would take the vulnerability out.
func TestBadInput_VEXThatCannotBeReadIsUndetermined(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.asksForContents("scan: {}")
		w.attests(trusted(), typeVuln, scanOf(w.digest.String(), "CRITICAL", ago(1)))
		statement, err := throwaway.Statement(w.digest.DigestStr(), typeVEX, json.RawMessage(vexOf(w.digest.DigestStr(), ago(1))))
		must(w.t, err)
		bundle, err := w.sigstore.Bundle(security(), statement)
		must(w.t, err)
		must(w.t, w.sigstore.PushBundle(w.t.Context(), w.digest, bundle, typeVEX))
		if bad {
			w.server.SetFault(failing(ociserver.Fault{Status: http.StatusServiceUnavailable}, fmt.Sprintf("%x", sha256.Sum256(bundle))))
		}
	}, undetermined("cannot tell whether VEX takes them out"))
}
