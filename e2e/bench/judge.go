package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/assay-gitops/assay/plugin/policy"
)

const judgeHead = "| judging 1,000 objects | against | wall | CPU | memory, MiB | budget |\n|---|---|---|---|---|---|"

// judgeTable measures `assay check` of 1,000 objects where most of the work is
// judging. The peers judge the same rules and do nothing else.
func (b *bench) judgeTable(ctx context.Context) (string, error) {
	if err := b.judged(); err != nil {
		return "", err
	}
	lines := []string{judgeHead}
	for _, row := range []func(context.Context) (string, error){
		b.allPacks,
		func(ctx context.Context) (string, error) {
			return b.sameRules(ctx, "Gatekeeper's Rego", "gator", "`gator test`", "1", "test", "-f", "@RULES@", "-f", "@OBJECTS@")
		},
		func(ctx context.Context) (string, error) {
			return b.sameRules(ctx, "Kyverno's CEL", "kyverno", "`kyverno apply`", "0.1", "apply", "@RULES@", "--resource", "@OBJECTS@")
		},
	} {
		line, err := row(ctx)
		if err != nil {
			return "", err
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// judged writes the objects, one file each, and a gate for each set of rules.
func (b *bench) judged() error {
	const each = 450
	key, err := os.ReadFile(b.key)
	if err != nil {
		return err
	}
	files := map[string]string{}
	for i := range each {
		app := fmt.Sprintf("svc-%04d", i)
		files["w5/"+app+"-deployment.yaml"] = deployment(app, b.image(i))
		files["w5/"+app+"-service.yaml"] = service(app)
	}
	for i := range 1000 - 2*each {
		app := fmt.Sprintf("cfg-%04d", i)
		files["w5/"+app+".yaml"] = configMap(app, i)
	}
	for name, gate := range map[string]struct{ judge, rules string }{
		"packs":   {"{podSecurity: {level: restricted, version: latest}, packs: [" + strings.Join(policy.NewestPacks(), ", ") + "]}", ""},
		"gator":   {"{}", gatekeeperRules},
		"kyverno": {"{}", kyvernoRules},
	} {
		folder := "judge-" + name + "/"
		files[folder+"gate.yaml"] = strings.NewReplacer("@JUDGE@", gate.judge, "@HOST@", b.host).Replace(judgeGate)
		files[folder+"key.pub"] = string(key)
		files[folder+"images.yaml"] = strings.ReplaceAll(judgeImages, "@HOST@", b.host)
		if gate.rules != "" {
			files[folder+"rules.yaml"] = gate.rules
		}
	}
	return b.writeAll(files)
}

func (b *bench) checkBy(gate string) command {
	return command{
		name: "assay check", argv: []string{b.assay, "check", filepath.Join(b.dir, "w5"), "--root", b.dir, "--namespace", "shop", "--gate", filepath.Join(b.dir, "judge-"+gate)},
		env: []string{"DOCKER_CONFIG=" + filepath.Join(b.dir, "none")},
	}
}

// allPacks is a whole cold process with every shipped pack. Some of their rules
// deny the objects, so what it says is looked at once.
func (b *bench) allPacks(ctx context.Context) (string, error) {
	packs := b.checkBy("packs")
	packs.codes = []int{1}
	said, _ := exec.CommandContext(ctx, packs.argv[0], packs.argv[1:]...).CombinedOutput()
	if !bytes.Contains(said, []byte("1000 objects")) {
		return "", fmt.Errorf("judging by every pack: it did not judge 1,000 objects\n%s", tail(said))
	}
	result, err := compare(ctx, packs, b.checkBy("kyverno"), b.runs)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| `assay check`, cold, every pack and Pod Security restricted |  | %.2f s | %.2f s | %.0f | 1.5 s, 381 MiB (400 MB) |",
		median(result.a, wallOf), median(result.a, cpuOf), median(result.a, memoryOf)), nil
}

// sameRules compares with a peer that judges by the same files.
func (b *bench) sameRules(ctx context.Context, what, tool, name, budget string, args ...string) (string, error) {
	path, found := b.peers[tool]
	if !found {
		return "", nil
	}
	words := strings.NewReplacer("@RULES@", filepath.Join(b.dir, "judge-"+tool, "rules.yaml"), "@OBJECTS@", filepath.Join(b.dir, "w5"))
	for i := range args {
		args[i] = words.Replace(args[i])
	}
	peer := command{name: tool, argv: append([]string{path}, args...)}
	result, err := compare(ctx, b.checkBy(tool), peer, b.runs)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| `assay check`, cold, five rules of %s | %s | %.2f | %.2f | %.0f / %.0f | %s |",
		what, name, result.ratio(wallOf), result.ratio(cpuOf), median(result.a, memoryOf), median(result.b, memoryOf), budget), nil
}

const judgeGate = `apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: judge}
spec:
  base: true
  lock: {mode: Resolve}
  judge: @JUDGE@
  registries: [{host: "@HOST@", private: true, plainHTTP: true}]
`

const judgeImages = `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: judge}
spec:
  images: [{glob: "@HOST@/bench/**"}]
  authorities: [{name: key, key: {file: key.pub}}]
`

// gatekeeperRules are five templates with a constraint each.
var gatekeeperRules = strings.Join([]string{
	gatekeeperRule("BenchLabels", `[""]`, `["Service", "ConfigMap"]`, `
  violation[{"msg": msg}] {
    input.review.object.kind == "Service"
    not input.review.object.metadata.labels["app.kubernetes.io/name"]
    msg := "the label app.kubernetes.io/name is missing"
  }`),
	gatekeeperRule("BenchMemory", `["apps"]`, `["Deployment"]`, `
  violation[{"msg": msg}] {
    container := input.review.object.spec.template.spec.containers[_]
    not container.resources.limits.memory
    msg := sprintf("container %v has no limit of memory", [container.name])
  }`),
	gatekeeperRule("BenchProbes", `["apps"]`, `["Deployment"]`, `
  violation[{"msg": msg}] {
    container := input.review.object.spec.template.spec.containers[_]
    probe := ["readinessProbe", "livenessProbe"][_]
    not container[probe]
    msg := sprintf("container %v has no %v", [container.name, probe])
  }`),
	gatekeeperRule("BenchHost", `["apps"]`, `["Deployment"]`, `
  violation[{"msg": msg}] {
    field := ["hostNetwork", "hostPID", "hostIPC"][_]
    input.review.object.spec.template.spec[field]
    msg := sprintf("%v is set", [field])
  }`),
	gatekeeperRule("BenchVolumes", `["apps"]`, `["Deployment"]`, `
  violation[{"msg": msg}] {
    volume := input.review.object.spec.template.spec.volumes[_]
    volume.hostPath
    msg := sprintf("volume %v is a folder of the node", [volume.name])
  }`),
}, "---\n")

func gatekeeperRule(kind, groups, kinds, rego string) string {
	return strings.NewReplacer("@KIND@", kind, "@NAME@", strings.ToLower(kind), "@GROUPS@", groups, "@KINDS@", kinds, "@REGO@", strings.ReplaceAll(rego, "\n", "\n      ")).Replace(`apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: @NAME@}
spec:
  crd: {spec: {names: {kind: @KIND@}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package @NAME@
@REGO@
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: @KIND@
metadata: {name: @NAME@}
spec: {match: {kinds: [{apiGroups: @GROUPS@, kinds: @KINDS@}]}}
`)
}

// kyvernoRules are the same rules in CEL.
var kyvernoRules = strings.Join([]string{
	kyvernoRule("labels", `""`, "services", "'app.kubernetes.io/name' in object.metadata.?labels.orValue({})", "the label app.kubernetes.io/name is missing"),
	kyvernoRule("memory", "apps", "deployments", "object.spec.template.spec.containers.all(c, has(c.resources) && has(c.resources.limits) && 'memory' in c.resources.limits)", "a container has no limit of memory"),
	kyvernoRule("probes", "apps", "deployments", "object.spec.template.spec.containers.all(c, has(c.readinessProbe) && has(c.livenessProbe))", "a container has no probe"),
	kyvernoRule("host", "apps", "deployments", "!object.spec.template.spec.?hostNetwork.orValue(false) && !object.spec.template.spec.?hostPID.orValue(false)", "a namespace of the node is used"),
	kyvernoRule("volumes", "apps", "deployments", "object.spec.template.spec.?volumes.orValue([]).all(v, !has(v.hostPath))", "a volume is a folder of the node"),
}, "---\n")

func kyvernoRule(name, group, resource, expression, message string) string {
	return fmt.Sprintf(`apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: bench-%s}
spec:
  validationActions: [Deny]
  matchConstraints:
    resourceRules: [{apiGroups: [%s], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [%s]}]
  validations: [{expression: %q, message: %q}]
`, name, group, resource, expression, message)
}
