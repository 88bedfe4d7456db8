package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

const evidenceHead = "| 20 images, each with a signature, a provenance, an SBOM and a scan | against | wall | CPU | requests | budget |\n|---|---|---|---|---|---|"

// evidenceTable measures what verifying everything about images costs: the gate
// demands what four calls of cosign for each image verify.
func (b *bench) evidenceTable(ctx context.Context) (string, error) {
	if err := b.attestAll(ctx); err != nil {
		return "", err
	}
	lines := []string{evidenceHead}
	for _, delay := range delays {
		for _, how := range []struct{ words, script, budget string }{
			{"`cosign verify` and `verify-attestation`, one call after the other", cosignEach, "0.10, a third of the requests"},
			{"the same, 5 images a call and 4 calls at once", cosignTuned, "a third of the requests"},
		} {
			line, err := b.besideCosign(ctx, delay, how.words, how.script, how.budget)
			if err != nil {
				return "", err
			}
			if line != "" {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "\n") + "\n", nil
}

func (b *bench) besideCosign(ctx context.Context, delay time.Duration, words, script, budget string) (string, error) {
	cosign, found := b.peers["cosign"]
	if !found {
		return "", nil
	}
	ours := b.check("w6")
	ours.argv[len(ours.argv)-1] = filepath.Join(b.dir, "evidence-gate")
	theirs := command{
		name: "cosign", argv: []string{"bash", "-c", script},
		env: []string{
			"KEY=" + filepath.Join(b.dir, "evidence-gate", "key.pub"), "REFS=" + filepath.Join(b.dir, "evidence-refs"),
			"PATH=" + filepath.Dir(cosign) + string(os.PathListSeparator) + os.Getenv("PATH"), "DOCKER_CONFIG=" + filepath.Join(b.dir, "none"),
		},
	}
	b.registry.SetDelay(delay)
	defer b.registry.SetDelay(0)
	result, err := compare(ctx, ours, theirs, max(1, b.runs/2))
	if err != nil {
		return "", err
	}
	requests, err := b.count(ctx, ours, theirs)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| `assay check`, cold, %d ms a request: %.2f s | %s | %.2f | %.2f | %s | %s |", delay.Milliseconds(),
		median(result.a, wallOf), words, result.ratio(wallOf), result.ratio(cpuOf), requests, budget), nil
}

// attestAll pushes the images under names of their own, attests everything about
// each, and writes the application and the gate.
func (b *bench) attestAll(ctx context.Context) error {
	sigstore, err := throwaway.New()
	if err != nil {
		return err
	}
	key, err := throwaway.NewKey()
	if err != nil {
		return err
	}
	public, err := key.PublicPEM()
	if err != nil {
		return err
	}
	attested := *b
	attested.prefix = "evidence"
	files := map[string]string{
		"evidence-gate/key.pub": public, "evidence-gate/gate.yaml": strings.ReplaceAll(evidenceGate, "@HOST@", b.host),
	}
	refs := make([]string, signedImages)
	var group errgroup.Group
	group.SetLimit(4)
	for i := range signedImages {
		app := fmt.Sprintf("svc-%04d", i)
		files["w6/"+app+".yaml"] = deployment(app, attested.image(i))
		group.Go(func() error {
			digest, err := attested.push(ctx, i)
			if err != nil {
				return fmt.Errorf("pushing %s: %w", attested.image(i), err)
			}
			refs[i] = digest.String()
			if err := sigstore.SignBundle(ctx, digest, throwaway.Signer{Key: key}); err != nil {
				return err
			}
			for predicateType, predicate := range predicates(time.Now().UTC()) {
				if err := sigstore.Attest(ctx, digest, throwaway.Signer{Key: key}, predicateType, predicate); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	files["evidence-refs"] = strings.Join(refs, "\n") + "\n"
	return b.writeAll(files)
}

// predicates are small ones of each type: what is compared is the way to them.
func predicates(now time.Time) map[string]any {
	at := now.Format(time.RFC3339)
	return map[string]any{
		"https://slsa.dev/provenance/v1": map[string]any{
			"buildDefinition": map[string]any{"buildType": "https://builder.example.com/type@v1", "externalParameters": map[string]any{}},
			"runDetails":      map[string]any{"builder": map[string]any{"id": "https://builder.example.com/hosted"}, "metadata": map[string]any{"finishedOn": at}},
		},
		"https://spdx.dev/Document": map[string]any{
			"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "svc", "dataLicense": "CC0-1.0", "documentNamespace": "https://sbom.example.com/svc",
			"creationInfo": map[string]any{"created": at, "creators": []string{"Tool: syft-1.0.0"}},
			"packages":     []any{map[string]any{"SPDXID": "SPDXRef-1", "name": "openssl", "versionInfo": "3.0.2", "downloadLocation": "NOASSERTION"}},
		},
		"https://cosign.sigstore.dev/attestation/vuln/v1": map[string]any{
			"invocation": map[string]any{},
			"scanner": map[string]any{
				"uri": "pkg:github/aquasecurity/trivy@0.70.0", "version": "0.70.0", "db": map[string]any{},
				"result": map[string]any{
					"SchemaVersion": 2, "CreatedAt": at, "ArtifactName": "svc", "ArtifactType": "container_image",
					"Results": []any{map[string]any{"Target": "svc (debian 13)", "Class": "os-pkgs", "Type": "debian"}},
				},
			},
			"metadata": map[string]any{"scanStartedOn": at, "scanFinishedOn": at},
		},
	}
}

const (
	cosignEach = `set -euo pipefail
xargs -n 1 cosign verify --key "$KEY" --insecure-ignore-tlog <"$REFS" >/dev/null 2>&1
for type in slsaprovenance1 spdxjson vuln; do
  xargs -n 1 cosign verify-attestation --key "$KEY" --insecure-ignore-tlog --type $type <"$REFS" >/dev/null 2>&1
done
`
	cosignTuned = `set -euo pipefail
xargs -P 4 -n 5 cosign verify --key "$KEY" --insecure-ignore-tlog <"$REFS" >/dev/null 2>&1
for type in slsaprovenance1 spdxjson vuln; do
  xargs -P 4 -n 5 cosign verify-attestation --key "$KEY" --insecure-ignore-tlog --type $type <"$REFS" >/dev/null 2>&1
done
`
	evidenceGate = `apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: evidence}
spec:
  base: true
  lock: {mode: Resolve}
  profile: profile/restricted@1
  registries: [{host: "@HOST@", private: true, plainHTTP: true}]
  evidence:
  - name: everything
    provenance: {builders: [{id: "https://builder.example.com/hosted", level: 3}], minLevel: 3}
    sbom: {maxAge: 30d}
    scan: {maxAge: 7d}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: builds}
spec:
  images: [{glob: "@HOST@/evidence/**"}]
  authorities: [{name: key, key: {file: key.pub}}]
`
)
