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
			b.whole("the whole chain, 110 objects, kustomize", "w1/overlay", "plain", delay),
			b.whole("the whole chain, 110 objects, kustomize", "w1/overlay", "tuned", delay),
			b.whole("the whole chain, 110 objects, kustomize", "w1/overlay", "lean", delay),
		)
	}
	return append(all, b.whole("the whole chain, 2,000 objects, kustomize", "w4/overlay", "library", 0), b.manyOverlays)
}

// budget is the design's ratio of wall time, by what is compared with, without
// and with a delay.
func budget(against string, delay time.Duration) string {
	budgets := map[string][2]string{"plain": {"0.10", "0.05"}, "tuned": {"0.25", "0.15"}, "lean": {"0.5", "0.2"}}
	if delay == 0 {
		return budgets[against][0]
	}
	return budgets[against][1]
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
	}
	made, known := chains()[name]
	for _, tool := range made.tools {
		if b.peers[tool] == "" {
			return command{}, "", false
		}
	}
	return command{
		name: name, argv: []string{"bash", "-c", made.script},
		env: []string{
			"TARGET=" + target, "KEY=" + b.key, "POLICY=" + filepath.Join(b.dir, "conftest"), "KYVERNO=" + filepath.Join(b.dir, "kyverno"),
			"PATH=" + filepath.Dir(b.peers["kustomize"]) + string(os.PathListSeparator) + os.Getenv("PATH"),
			"DOCKER_CONFIG=" + filepath.Join(b.dir, "none"),
		},
	}, made.words, known
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
	for _, name := range []string{"kustomize", "kbld", "cosign", "conftest", "helm", "kyverno", "gator"} {
		if path, err := exec.LookPath(name); err == nil {
			found[name] = path
		}
	}
	return found
}

// chain is a script of tools that people use today for the same job.
type chain struct {
	words  string
	tools  []string
	script string
}

// chains resolve with kbld, verify a signature and a provenance of each image
// with cosign, and judge; the first two inject settings before they judge.
func chains() map[string]chain {
	return map[string]chain{
		"plain": {
			"`kustomize \\| kbld \\| cosign` for each image, `kyverno` to inject and to judge",
			[]string{"kustomize", "kbld", "cosign", "kyverno"}, resolveScript + verifyEach + injectAndJudge,
		},
		"tuned": {
			"the same, cosign with 5 images a call and 4 calls at once, `kyverno` once",
			[]string{"kustomize", "kbld", "cosign", "kyverno"}, resolveScript + verifyTuned + injectAndJudgeOnce,
		},
		"lean": {
			"`kustomize \\| kbld \\| cosign` tuned, `conftest` in the place of kyverno: nothing is injected",
			[]string{"kustomize", "kbld", "cosign", "conftest"}, resolveScript + verifyTuned + judgeRendered,
		},
	}
}

const (
	resolveScript = `set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
kustomize build "$TARGET" >"$T/r.yaml"
kbld -f "$T/r.yaml" >"$T/k.yaml" 2>"$T/kbld.log"
grep -oE 'image: .*@sha256:[0-9a-f]{64}' "$T/k.yaml" | sed 's/image: //' | sort -u >"$T/refs"
`
	verifyEach = `
xargs -n 1 cosign verify --key "$KEY" --insecure-ignore-tlog <"$T/refs" >"$T/v.log" 2>&1
xargs -n 1 cosign verify-attestation --key "$KEY" --insecure-ignore-tlog --type slsaprovenance1 <"$T/refs" >"$T/a.log" 2>&1
`
	verifyTuned = `
xargs -P 4 -n 5 cosign verify --key "$KEY" --insecure-ignore-tlog <"$T/refs" >"$T/v.log" 2>&1
xargs -P 4 -n 5 cosign verify-attestation --key "$KEY" --insecure-ignore-tlog --type slsaprovenance1 <"$T/refs" >"$T/a.log" 2>&1
`
	injectAndJudge = `
kyverno apply "$KYVERNO/inject.yaml" --resource "$T/k.yaml" -o "$T/m.yaml" >"$T/inject.log" 2>&1
kyverno apply "$KYVERNO/judge.yaml" --resource "$T/m.yaml" >"$T/judge.log" 2>&1
`
	injectAndJudgeOnce = `
kyverno apply "$KYVERNO/inject.yaml" "$KYVERNO/judge.yaml" --resource "$T/k.yaml" -o "$T/m.yaml" >"$T/kyverno.log" 2>&1
`
	judgeRendered = `
conftest test -p "$POLICY" "$T/k.yaml" >"$T/conftest.log"
`
)

const kyvernoInject = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: fill-in
spec:
  background: false
  rules:
  - name: security-context
    match:
      any:
      - resources:
          kinds: [Pod]
    mutate:
      patchStrategicMerge:
        spec:
          containers:
          - (name): "*"
            securityContext:
              +(allowPrivilegeEscalation): false
              +(runAsNonRoot): true
              +(capabilities):
                drop: [ALL]
              +(seccompProfile):
                type: RuntimeDefault
`

const kyvernoJudge = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: restricted
spec:
  background: true
  validationFailureAction: Enforce
  rules:
  - name: pod-security
    match:
      any:
      - resources:
          kinds: [Pod]
    validate:
      podSecurity:
        level: restricted
        version: latest
`

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
