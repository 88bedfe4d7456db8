// Package cosign compares what assay says about an image with what cosign v3
// says: both formats, keys and identities, what is signed well and what is not.
package cosign

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/oracles/answers"
	"github.com/assay-gitops/assay/e2e/oracles/sandbox"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// demand is one question, in cosign's words and as an authority of a
// ClusterImagePolicy.
type demand struct {
	name      string
	cosign    sandbox.Demand
	authority map[string]any
}

func demands(world *sandbox.World) []demand {
	root := world.TrustedRoot(world.Main)
	log := map[string]any{"url": world.Main.URL(), "trustRootRef": "main"}
	key := func(name string) map[string]any {
		return map[string]any{"data": string(world.Keys[name].PublicPEM)}
	}
	keyless := func(email, issuer string) map[string]any {
		return map[string]any{
			"url": world.Main.URL(), "trustRootRef": "main", "identities": []any{map[string]any{"subject": email, "issuer": issuer}},
		}
	}
	noSCT := keyless(sandbox.Email, sandbox.Issuer)
	noSCT["insecureIgnoreSCT"] = true
	stamp := map[string]any{"trustRootRef": "main"}
	return []demand{
		{"key a", sandbox.Demand{Key: world.Keys["a"]}, map[string]any{"key": key("a")}},
		{"key b", sandbox.Demand{Key: world.Keys["b"]}, map[string]any{"key": key("b")}},
		{"key rsa", sandbox.Demand{Key: world.Keys["rsa"]}, map[string]any{"key": key("rsa")}},
		{"key ed25519", sandbox.Demand{Key: world.Keys["ed25519"]}, map[string]any{"key": key("ed25519")}},
		{"key a, logged", sandbox.Demand{Key: world.Keys["a"], Log: true, TrustedRoot: root}, map[string]any{"key": key("a"), "ctlog": log}},
		{
			"identity", sandbox.Demand{Email: sandbox.Email, Issuer: sandbox.Issuer, Log: true, TrustedRoot: root},
			map[string]any{"keyless": keyless(sandbox.Email, sandbox.Issuer), "ctlog": log},
		},
		{
			"other subject", sandbox.Demand{Email: sandbox.OtherEmail, Issuer: sandbox.Issuer, Log: true, TrustedRoot: root},
			map[string]any{"keyless": keyless(sandbox.OtherEmail, sandbox.Issuer), "ctlog": log},
		},
		{
			"other issuer", sandbox.Demand{Email: sandbox.Email, Issuer: sandbox.OtherIssuer, Log: true, TrustedRoot: root},
			map[string]any{"keyless": keyless(sandbox.Email, sandbox.OtherIssuer), "ctlog": log},
		},
		{
			"identity, no certificate log", sandbox.Demand{Email: sandbox.Email, Issuer: sandbox.Issuer, Log: true, IgnoreSCT: true, TrustedRoot: root},
			map[string]any{"keyless": noSCT, "ctlog": log},
		},
		{
			"identity, timestamped", sandbox.Demand{Email: sandbox.Email, Issuer: sandbox.Issuer, Stamp: true, TrustedRoot: root},
			map[string]any{"keyless": keyless(sandbox.Email, sandbox.Issuer), "rfc3161timestamp": stamp},
		},
	}
}

func TestVerdicts_EqualCosignsButForTheListedDifferences(t *testing.T) {
	ctx := context.Background()
	server, err := ociserver.Start(ociserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	world, err := sandbox.NewWorld(ctx, t.TempDir(), server.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	counts, list := map[string]int{}, differences()
	for _, demand := range demands(world) {
		assay := load(t, world, demand)
		admitted := map[string]int{}
		for _, image := range world.Images() {
			theirs, theirWhy := answers.Admitted, ""
			if err := sandbox.CosignVerify(ctx, world.Reference(image), demand.cosign); err != nil {
				theirs, theirWhy = answers.Denied, err.Error()
			}
			ours, ourWhy := assay.Ask(ctx, world.Reference(image))
			counts["verdicts"]++
			switch {
			case theirs == ours:
				counts["equal"]++
				if ours == answers.Admitted {
					counts[format(image)]++
					admitted[format(image)]++
				}
			case listed(list, demand.name, image, ours):
				counts["listed"]++
			default:
				t.Errorf("%s | %s\n\tcosign: %s %s\n\tassay: %s %s", demand.name, image, theirs, theirWhy, ours, ourWhy)
			}
		}
		if admitted["bundle"] == 0 || admitted["legacy"] == 0 {
			t.Errorf("%s: %d bundles and %d tags were admitted by both, so equal verdicts say little", demand.name, admitted["bundle"], admitted["legacy"])
		}
	}
	t.Logf("cosign v3: %d demands, %d images, %d verdicts compared: %d equal (admitted: %d by bundle, %d by tag), %d listed differences",
		len(demands(world)), len(world.Images()), counts["verdicts"], counts["equal"], counts["bundle"], counts["legacy"], counts["listed"])
	for _, difference := range list {
		if !difference.seen {
			t.Errorf("the difference %q was not seen: take it off the list and out of docs/parity.md", difference.name)
		}
		if err := answers.Listed(difference.name); err != nil {
			t.Error(err)
		}
	}
}

func format(image string) string {
	if strings.HasSuffix(image, "-bundle") {
		return "bundle"
	}
	return "legacy"
}

func load(t *testing.T, world *sandbox.World, demand demand) *answers.Assay {
	t.Helper()
	document, err := json.Marshal(map[string]any{
		"apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "metadata": map[string]any{"name": "demand"},
		"spec": map[string]any{"images": []any{map[string]any{"glob": world.Host + "/**"}}, "authorities": []any{demand.authority}},
	})
	if err != nil {
		t.Fatal(err)
	}
	root, err := world.Main.TrustRootYAML()
	if err != nil {
		t.Fatal(err)
	}
	policies, roots := filepath.Join(t.TempDir(), "policy.json"), filepath.Join(t.TempDir(), "root.json")
	for file, data := range map[string][]byte{policies: document, roots: root} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	assay, err := answers.Load(world.Host, policies, roots)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", demand.name, err))
	}
	return assay
}
