package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// thousandObjects is a rendering of 250 each of Deployments, Services,
// ConfigMaps and ServiceAccounts.
func thousandObjects(b testing.TB) plugin.Sealed {
	var input plugin.Sealed
	for i := range 250 {
		text := podOf("Deployment", "{serviceAccountName: web, containers: ["+goodContainer+"]}") + "\n---\n" +
			"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: team-a}\nspec: {ports: [{port: 80}]}\n---\n" +
			unlabelled + "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: team-a}\n"
		input.Objects = append(input.Objects, objects(b, strings.ReplaceAll(text, "name: web", fmt.Sprintf("name: web-%d", i)))...)
	}
	return input
}

func defaultGate() gate.Gate {
	return gateWith(gate.Judge{PodSecurity: &gate.PodSecurity{Level: "restricted"}, Packs: []string{"pack/supply-chain@1", "pack/workload@1"}})
}

func BenchmarkCompileDefaultGate(b *testing.B) {
	for b.Loop() {
		if _, err := NewCompiler().Compile(Config{Gate: defaultGate()}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJudge1000Objects(b *testing.B) {
	judge, input := judgeOf(b, Config{Gate: defaultGate()}), thousandObjects(b)
	b.ResetTimer()
	for b.Loop() {
		judge.Judge(context.Background(), input)
	}
}

func BenchmarkPodSecurity1000Objects(b *testing.B) {
	judge, input := judgeOf(b, restrictedGate()), thousandObjects(b)
	b.ResetTimer()
	for b.Loop() {
		judge.Judge(context.Background(), input)
	}
}

func BenchmarkSelf1000Objects(b *testing.B) {
	judge, input := NewSelf(SelfConfig{}), thousandObjects(b)
	b.ResetTimer()
	for b.Loop() {
		judge.Judge(context.Background(), input)
	}
}
