package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// everyKind is a rendering of 1,000 objects, in which every policy of the packs
// finds an object to be asked about.
func everyKind(t testing.TB) plugin.Sealed {
	t.Helper()
	input := thousandObjects(t)
	input.Objects = input.Objects[:800]
	for i := 0; len(input.Objects) < 1000; i++ {
		name := fmt.Sprintf("web-%d", i)
		for _, text := range []string{
			"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: web, namespace: team-a}\nrules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]",
			"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: web}\nrules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]",
			"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: web, namespace: team-a}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}",
			"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: web}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: web}",
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: team-a}\nspec: {podSelector: {}, policyTypes: [Ingress]}",
			"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: team-a}\nspec: {tls: [{hosts: [web.example.com]}], rules: [{host: web.example.com}]}",
			"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web, namespace: team-a}\nspec: {schedule: 5 4 * * *, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: web, image: registry.example.com/web:1}]}}}}}",
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: web}",
			"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: team-a}\nspec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}",
			"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: team-a}\nspec: {project: team-a, source: {repoURL: 'https://git.example.com/a', path: a, targetRevision: main}}",
			"apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: web, namespace: team-a}\nspec: {sourceRepos: ['https://git.example.com/a']}",
			"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: web, namespace: team-a}\nspec: {interval: 5m, prune: true, sourceRef: {kind: GitRepository, name: web}}",
			"apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: web, namespace: team-a}\nspec: {interval: 5m, url: 'oci://registry.example.com/web'}",
			"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: web, namespace: team-a}\nspec: {mtls: {mode: STRICT}}",
			"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: web, namespace: team-a}\nspec: {}",
			"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: web, namespace: team-a}\nspec: {host: web}",
		} {
			input.Objects = append(input.Objects, objects(t, strings.Replace(text, "name: web", "name: "+name, 1))...)
		}
	}
	input.Objects = input.Objects[:1000]
	return input
}

// BenchmarkAllPacks1000ObjectsCold compiles every policy in every round, as a
// process does once; the budget is 1.5 s on two cores.
func BenchmarkAllPacks1000ObjectsCold(b *testing.B) {
	input := everyKind(b)
	for b.Loop() {
		compiled, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{Packs: NewestPacks()})})
		if err != nil {
			b.Fatal(err)
		}
		compiled.Judges[0].Judge(context.Background(), input)
	}
}

// BenchmarkAllPacks1000ObjectsWarm is a second application of the process.
func BenchmarkAllPacks1000ObjectsWarm(b *testing.B) {
	judge, input := judgeOf(b, Config{Gate: gateWith(gate.Judge{Packs: NewestPacks()})}), everyKind(b)
	judge.Judge(context.Background(), input)
	b.ResetTimer()
	for b.Loop() {
		judge.Judge(context.Background(), input)
	}
}

// BenchmarkLoadAllPacks is what a gate costs before the first object.
func BenchmarkLoadAllPacks(b *testing.B) {
	for b.Loop() {
		if _, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{Packs: NewestPacks()})}); err != nil {
			b.Fatal(err)
		}
	}
}
