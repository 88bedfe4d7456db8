package registries

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/oracles/answers"
	"github.com/assay-gitops/assay/e2e/oracles/sandbox"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
)

// account is how assay reaches the guarded server.
func account(d *Distribution) registry.Host {
	return registry.Host{
		Host: d.GuardedHost(), Private: true, CA: d.CA(), Credential: registry.Credential{Username: User, Password: Password},
	}
}

func start(t *testing.T) (*Distribution, *sandbox.World) {
	t.Helper()
	d, err := Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	world, err := sandbox.NewWorld(context.Background(), t.TempDir(), d.OpenHost())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	return d, world
}

func guarded(d *Distribution, world *sandbox.World, image string) string {
	return strings.Replace(world.Reference(image), d.OpenHost(), d.GuardedHost(), 1)
}

// TestDistribution asks over TLS, with tokens, of a registry without the
// referrers API. Filling it takes longer than all the questions, so it is
// filled once.
func TestDistribution(t *testing.T) {
	d, world := start(t)
	for name, test := range map[string]func(*testing.T, *Distribution, *sandbox.World){
		"verdicts over the fallback tag equal cosign's": verdictsEqualCosigns,
		"one image costs the requests of the budget":    requestsWithinBudget,
		"tags are resolved and failures are told apart": failuresToldApart,
	} {
		t.Run(name, func(t *testing.T) { test(t, d, world) })
	}
}

// verdictsEqualCosigns compares, image by image, what assay says over TLS and
// with tokens with what cosign says through the open door.
func verdictsEqualCosigns(t *testing.T, d *Distribution, world *sandbox.World) {
	ctx := context.Background()
	compared, admitted := 0, map[bool]int{}
	for name, ask := range map[string]struct {
		cosign    sandbox.Demand
		authority string
	}{
		"key": {sandbox.Demand{Key: world.Keys["a"]}, fmt.Sprintf("key:\n        data: %q", world.Keys["a"].PublicPEM)},
		"identity": {
			sandbox.Demand{Email: sandbox.Email, Issuer: sandbox.Issuer, Log: true, TrustedRoot: world.TrustedRoot(world.Main)},
			fmt.Sprintf("keyless:\n        url: %s\n        trustRootRef: main\n        identities:\n          - issuer: %s\n            subject: %s\n"+
				"      ctlog:\n        url: %[1]s\n        trustRootRef: main", world.Main.URL(), sandbox.Issuer, sandbox.Email),
		},
	} {
		assay, err := answers.LoadFrom(account(d), policyFiles(t, world, ask.authority)...)
		if err != nil {
			t.Fatal(err)
		}
		for _, image := range world.Images() {
			if world.Attested[image] {
				continue // docs/parity.md: an attestation is no signature
			}
			theirs, why := answers.Admitted, ""
			if err := sandbox.CosignVerify(ctx, world.Reference(image), ask.cosign); err != nil {
				theirs, why = answers.Denied, err.Error()
			}
			ours, reason := assay.Ask(ctx, guarded(d, world, image))
			compared++
			if ours != theirs {
				t.Errorf("%s | %s\n\tcosign: %s %s\n\tassay: %s %s", name, image, theirs, why, ours, reason)
			}
			if ours == answers.Admitted {
				admitted[strings.HasSuffix(image, "-bundle")]++
			}
		}
	}
	t.Logf("distribution/v3: %d verdicts compared with cosign, admitted: %d by bundle over the fallback tag, %d by tag", compared, admitted[true], admitted[false])
	if admitted[true] == 0 || admitted[false] == 0 {
		t.Error("nothing was admitted in one of the formats")
	}
}

func policyFiles(t *testing.T, world *sandbox.World, authority string) []string {
	t.Helper()
	policy := "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: one\nspec:\n  images:\n    - glob: \"**\"\n" +
		"  authorities:\n    - " + authority + "\n"
	root, err := world.Main.TrustRootYAML()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "root.json")}
	for i, data := range [][]byte{[]byte(policy), root} {
		if err := os.WriteFile(files[i], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func requestsWithinBudget(t *testing.T, d *Distribution, world *sandbox.World) {
	assay, err := answers.LoadFrom(account(d), policyFiles(t, world, fmt.Sprintf("key:\n        data: %q", world.Keys["a"].PublicPEM))...)
	if err != nil {
		t.Fatal(err)
	}
	d.Take()
	if answer, why := assay.Ask(context.Background(), guarded(d, world, "key-a-bundle")); answer != answers.Admitted {
		t.Fatal(answer, why)
	}
	requests, scopes := d.Take()
	counts := map[string]int{}
	for _, request := range requests {
		counts[kind(request)]++
	}
	// Design, section 6: 1 referrers, +1 without that API, 2 for one piece of
	// evidence; once per credential a ping and, per repository, a token.
	want := map[string]int{"ping": 1, "token": 1, "referrers": 1, "manifest": 2, "blob": 1}
	for what, count := range want {
		if counts[what] > count {
			t.Errorf("%d %s requests, want at most %d: %q", counts[what], what, count, requests)
		}
	}
	for _, scope := range scopes {
		if strings.Contains(scope, "push") {
			t.Errorf("a token to push was asked for: %s", scope)
		}
	}
	t.Logf("distribution/v3: %d requests for one image, cold: %q", len(requests), requests)
	assay.Ask(context.Background(), guarded(d, world, "key-a-bundle"))
	if again, _ := d.Take(); len(again) != 0 {
		t.Errorf("asking again while fresh costs %q", again)
	}
}

func kind(request string) string {
	switch {
	case strings.HasSuffix(request, " /v2/"):
		return "ping"
	case strings.HasSuffix(request, " /token"):
		return "token"
	case strings.Contains(request, "/referrers/"):
		return "referrers"
	case strings.Contains(request, "/blobs/"):
		return "blob"
	}
	return "manifest"
}

func failuresToldApart(t *testing.T, d *Distribution, world *sandbox.World) {
	const image = "key-a-bundle"
	tag := plugin.Reference{Repository: d.GuardedHost() + "/" + image, Tag: "v1"}
	good, wrong, stranger := account(d), account(d), account(d)
	wrong.Credential.Password = "guessed"
	stranger.CA = nil
	for name, test := range map[string]struct {
		host      registry.Host
		reference plugin.Reference
		// want is a digest, "refused" or "no answer".
		want string
	}{
		"a tag":                        {good, tag, world.Digests[image]},
		"a tag that is missing":        {good, plugin.Reference{Repository: tag.Repository, Tag: "v2"}, "refused"},
		"a repository that is missing": {good, plugin.Reference{Repository: d.GuardedHost() + "/nothing", Tag: "v1"}, "refused"},
		"a wrong password":             {wrong, tag, "not admitted"},
		"an unknown certificate":       {stranger, tag, "no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := registry.New(registry.Options{Hosts: []registry.Host{test.host}})
			if err != nil {
				t.Fatal(err)
			}
			answer := client.Resolve(context.Background(), []plugin.Reference{test.reference})[0]
			var refusal *plugin.Refusal
			var noAnswer *plugin.StageError
			got := answer.Digest
			switch {
			case errors.As(answer.Err, &refusal):
				got = "refused"
			case errors.As(answer.Err, &noAnswer):
				got = "no answer"
			}
			if got != test.want && (test.want != "not admitted" || got == world.Digests[image]) {
				t.Errorf("got %q (%v), want %q", got, answer.Err, test.want)
			}
			if answer.Err != nil && strings.Contains(answer.Err.Error(), test.host.Credential.Password) {
				t.Errorf("the password stands in %v", answer.Err)
			}
		})
	}
}
