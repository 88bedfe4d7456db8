package harden

import (
	"fmt"
	"slices"
	"testing"

	"github.com/assay-gitops/assay/e2e/bench/cpu"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// rendering are 50 objects for each team: Deployments with two containers, and the
// Services, ConfigMaps, ServiceAccount and Namespace that stand beside them.
func rendering(t testing.TB, teams int) []plugin.Object {
	t.Helper()
	var objects []plugin.Object
	for i := range 20 * teams {
		at := fmt.Sprintf("metadata: {name: web-%d, namespace: team-%d}\n", i, i%teams)
		objects = append(objects,
			object(t, "apiVersion: apps/v1\nkind: Deployment\n"+at+fmt.Sprintf(`spec:
  template:
    metadata: {labels: {app: web-%d}}
    spec:
      serviceAccountName: web-%d
      containers:
      - {name: web, image: "registry.example.com/web-%d:1", ports: [{containerPort: 8080}], resources: {requests: {cpu: 10m}}}
      - {name: log, image: "registry.example.com/log:1"}
`, i, i, i%50)),
			object(t, "apiVersion: v1\nkind: Service\n"+at+fmt.Sprintf("spec: {selector: {app: web-%d}, ports: [{port: 80, targetPort: 8080}]}\n", i)))
	}
	for i := range 8 * teams {
		objects = append(objects, object(t, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c-%d, namespace: team-%d}\ndata: {a: b}\n", i, i%teams)))
	}
	for i := range teams {
		objects = append(objects, object(t, fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web-%d, namespace: team-%d}\n", i, i)),
			object(t, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: team-%d}\n", i)))
	}
	return objects
}

// each is a hardener for benchmarks and counts: the profile alone, and all that
// a gate may ask for.
func each(t testing.TB) map[string]*Hardener {
	t.Helper()
	all := map[string]*Hardener{}
	for name, more := range map[string]gate.Harden{"Profile": {}, "Everything": everything()} {
		hardener, err := New(Config{Profile: restricted, More: more})
		if err != nil {
			t.Fatal(err)
		}
		all[name] = hardener
	}
	return all
}

// BenchmarkHarden fills in 1,000 objects. Encode writes the same, which a run
// pays once: the budget is a ratio of the two.
func BenchmarkHarden(b *testing.B) {
	objects := rendering(b, 20)
	images := imagesOf(objects, good())
	for name, hardener := range each(b) {
		b.Run(name, func(b *testing.B) {
			cpu.Measure(b, func() { // changed objects get new maps, so the copy can be shallow
				hardener.Harden(b.Context(), plugin.Unhardened{Objects: slices.Clone(objects), Images: images})
			})
		})
	}
	hardened, _ := each(b)["Everything"].Harden(b.Context(), plugin.Unhardened{Objects: slices.Clone(objects), Images: images})
	b.Run("Encode", func(b *testing.B) {
		cpu.Measure(b, func() {
			if _, err := (plugin.JSONEncoding{}).Encode(hardened); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// TestHarden_WorkGrowsWithTheObjects: ten times the objects, or the containers of
// one Pod, are no more than ten times the allocations. What 1,000 objects may
// cost is what the budget of 50 ms was measured with, and a little more.
func TestHarden_WorkGrowsWithTheObjects(t *testing.T) {
	containers := func(count int) []plugin.Object {
		text := ""
		for i := range count {
			text += fmt.Sprintf(", {name: c-%d, image: registry.example.com/web:1}", i)
		}
		return []plugin.Object{object(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: big}\nspec: {containers: ["+text[2:]+"]}\n")}
	}
	budget := map[string]float64{"Profile": 60, "Everything": 190}
	for name, hardener := range each(t) {
		count := func(objects []plugin.Object) float64 {
			images := imagesOf(objects, good())
			return testing.AllocsPerRun(2, func() {
				hardener.Harden(t.Context(), plugin.Unhardened{Objects: slices.Clone(objects), Images: images})
			})
		}
		many, few := count(rendering(t, 20)), count(rendering(t, 2))
		t.Logf("%s: %.0f allocations for each of 1,000 objects", name, many/1000)
		if many > 11*few || many < 1000 || many > budget[name]*1000 {
			t.Errorf("%s: %.0f allocations for 1,000 objects, %.0f for 100; the budget is %.0f an object", name, many, few, budget[name])
		}
		if many, few := count(containers(1000)), count(containers(100)); many > 11*few || many < 1000 {
			t.Errorf("%s: %.0f allocations for a Pod of 1,000 containers, %.0f for one of 100", name, many, few)
		}
	}
}
