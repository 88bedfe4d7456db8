package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// scenario measures one row; nil when what it compares with is not there.
type scenario func(context.Context) (*row, error)

func (b *bench) scenarios() []scenario {
	var all []scenario
	for _, delay := range delays {
		all = append(all,
			b.whole("the whole chain, 110 objects, kustomize", "w1/overlay", "library", delay),
			b.whole("the whole chain, 110 objects, Helm", "w2", "helm", delay),
			b.whole("the whole chain, 110 objects, kustomize", "w1/overlay", "chain", delay),
			b.whole("the whole chain, 110 objects, kustomize", "w1/overlay", "tuned", delay),
		)
	}
	return append(all, b.whole("the whole chain, 2,000 objects, kustomize", "w4/overlay", "library", 0), b.manyOverlays)
}

// budgets are the design's, by what is compared with and the delay in
// milliseconds: the ratio of wall time.
func budget(against string, delay time.Duration) string {
	switch {
	case against == "chain" && delay == 0:
		return "0.10"
	case against == "chain":
		return "0.05"
	case against == "tuned" && delay == 0:
		return "0.5"
	case against == "tuned":
		return "0.2"
	}
	return ""
}

// check is the whole main job as a process.
func (b *bench) check(path string) command {
	return command{
		name: "assay check", argv: []string{b.assay, "check", filepath.Join(b.dir, path), "--root", b.dir, "--gate", b.gate},
		env: []string{"DOCKER_CONFIG=" + filepath.Join(b.dir, "none")},
	}
}

// whole compares `assay check` with another command.
func (b *bench) whole(what, path, against string, delay time.Duration) scenario {
	return func(ctx context.Context) (*row, error) {
		other, name, found := b.against(against, path)
		if !found {
			return nil, nil
		}
		b.registry.SetDelay(delay)
		defer b.registry.SetDelay(0)
		result, err := compare(ctx, b.check(path), other, b.runs)
		if err != nil {
			return nil, err
		}
		requests, err := b.count(ctx, b.check(path), other)
		if err != nil {
			return nil, err
		}
		return &row{
			what: fmt.Sprintf("%s, %d ms a request", what, delay.Milliseconds()), against: name,
			wall: result.ratio(wallOf), cpu: result.ratio(cpuOf),
			memory:   fmt.Sprintf("%.0f / %.0f", median(result.a, memoryOf), median(result.b, memoryOf)),
			requests: requests, budget: budget(against, delay),
		}, nil
	}
}

// count runs both once more and counts the registry's requests.
func (b *bench) count(ctx context.Context, commands ...command) (string, error) {
	text := ""
	for i, each := range commands {
		b.registry.ResetRequests()
		if _, err := each.run(ctx); err != nil {
			return "", err
		}
		if i > 0 {
			text += " / "
		}
		text += fmt.Sprint(b.registry.Count())
	}
	return text, nil
}

// against is what a row compares with.
func (b *bench) against(name, path string) (command, string, bool) {
	target := filepath.Join(b.dir, path)
	switch name {
	case "library":
		self, err := os.Executable()
		return command{name: "kustomize library", argv: []string{self, "kustomize-library", target}}, "kustomize's library alone (build and print)", err == nil
	case "helm":
		helm, found := b.peers["helm"]
		return command{name: "helm template", argv: []string{helm, "template", "shop", target}}, "`helm template` alone", found
	case "chain", "tuned":
		for _, tool := range []string{"kustomize", "kbld", "cosign", "conftest"} {
			if b.peers[tool] == "" {
				return command{}, "", false
			}
		}
		script := map[string]string{"chain": chainScript, "tuned": tunedScript}[name]
		words := map[string]string{
			"chain": "`kustomize \\| kbld \\| cosign` for each image `\\| conftest`",
			"tuned": "the same, cosign with 5 images a call, 4 calls at once",
		}[name]
		return command{
			name: name, argv: []string{"bash", "-c", script},
			env: []string{
				"TARGET=" + target, "KEY=" + b.key, "POLICY=" + filepath.Join(b.dir, "conftest"),
				"PATH=" + filepath.Dir(b.peers["kustomize"]) + string(os.PathListSeparator) + os.Getenv("PATH"),
				"DOCKER_CONFIG=" + filepath.Join(b.dir, "none"), "COSIGN_EXPERIMENTAL=0",
			},
		}, words, true
	}
	return command{}, "", false
}

// manyOverlays judges 200 small applications in one process against as many
// processes of kustomize.
func (b *bench) manyOverlays(ctx context.Context) (*row, error) {
	kustomize, found := b.peers["kustomize"]
	if !found {
		return nil, nil
	}
	apps := filepath.Join(b.dir, "w3", "apps")
	one := command{name: "assay gate try", argv: []string{b.assay, "gate", "try", b.gate, "--against", apps, "--root", b.dir}, env: []string{"DOCKER_CONFIG=" + filepath.Join(b.dir, "none")}}
	many := command{name: "kustomize x 200", argv: []string{"bash", "-c", `for app in "$APPS"/*; do "$KUSTOMIZE" build "$app" >/dev/null || exit 1; done`}, env: []string{"APPS=" + apps, "KUSTOMIZE=" + kustomize}}
	result, err := compare(ctx, one, many, max(1, b.runs/2))
	if err != nil {
		return nil, err
	}
	requests, err := b.count(ctx, one)
	if err != nil {
		return nil, err
	}
	return &row{
		what: "200 overlays, the whole chain in one process", against: "200 × `kustomize build` alone",
		wall: result.ratio(wallOf), cpu: result.ratio(cpuOf),
		memory:   fmt.Sprintf("%.0f / %.0f", median(result.a, memoryOf), median(result.b, memoryOf)),
		requests: requests,
	}, nil
}

func findPeers() map[string]string {
	found := map[string]string{}
	for _, name := range []string{"kustomize", "kbld", "cosign", "conftest", "helm"} {
		if path, err := exec.LookPath(name); err == nil {
			found[name] = path
		}
	}
	return found
}

// The chains print the digests that kbld resolved, verify a signature and a
// provenance of each, and judge with the four rules of conftest.rego.
const (
	resolve = `set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
kustomize build "$TARGET" >"$T/r.yaml"
kbld -f "$T/r.yaml" >"$T/k.yaml" 2>"$T/kbld.log"
grep -oE 'image: .*@sha256:[0-9a-f]{64}' "$T/k.yaml" | sed 's/image: //' | sort -u >"$T/refs"
`
	judgeRendered = `
conftest test -p "$POLICY" "$T/k.yaml" >"$T/conftest.log"
`
	chainScript = resolve + `
xargs -n 1 cosign verify --key "$KEY" --insecure-ignore-tlog <"$T/refs" >"$T/v.log" 2>&1
xargs -n 1 cosign verify-attestation --key "$KEY" --insecure-ignore-tlog --type slsaprovenance1 <"$T/refs" >"$T/a.log" 2>&1
` + judgeRendered
	tunedScript = resolve + `
xargs -P 4 -n 5 cosign verify --key "$KEY" --insecure-ignore-tlog <"$T/refs" >"$T/v.log" 2>&1
xargs -P 4 -n 5 cosign verify-attestation --key "$KEY" --insecure-ignore-tlog --type slsaprovenance1 <"$T/refs" >"$T/a.log" 2>&1
` + judgeRendered
)

const conftestPolicy = `package main

import rego.v1

containers contains c if {
	input.kind == "Deployment"
	some c in input.spec.template.spec.containers
}

deny contains msg if {
	some c in containers
	not contains(c.image, "@sha256:")
	msg := sprintf("%s: image is not pinned", [c.name])
}

deny contains msg if {
	some c in containers
	c.securityContext.privileged
	msg := sprintf("%s: privileged", [c.name])
}

deny contains msg if {
	input.spec.template.spec.hostNetwork
	msg := "host network"
}

deny contains msg if {
	some v in input.spec.template.spec.volumes
	v.hostPath
	msg := "host path"
}
`
