package harden

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand"
	"reflect"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// randomWorkload is one of many combinations of what an author may write.
func randomWorkload(random *rand.Rand) workload {
	pick := func(options ...string) string { return options[random.Intn(len(options))] }
	return workload{
		kind: pick("apps/v1 Deployment", "batch/v1 CronJob", "batch/v1 Job", "v1 Pod"),
		pod: pick("", "hostNetwork: true", "os: {name: windows}", "securityContext: {runAsUser: 0}", "securityContext: {runAsNonRoot: true, runAsUser: 101}",
			"initContainers: [{name: init, image: registry.example.com/init:1}]"),
		container: pick("", "ports: [{containerPort: 80}]", "securityContext: {privileged: true}", "securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}",
			"securityContext: null", "securityContext: {seccompProfile: {type: Localhost, localhostProfile: a.json}}", "securityContext: text"),
	}
}

func TestHarden_Properties(t *testing.T) {
	hardener, _ := New(Config{Profile: restricted})
	for seed := range int64(400) {
		random := rand.New(rand.NewSource(seed))
		w := randomWorkload(random)
		config := good()
		config.User = []string{"", "root", "nginx", "65532", "0"}[random.Intn(5)]
		original := w.object(t)
		objects := []plugin.Object{{Fields: maps.Clone(original.Fields), Origin: original.Origin}}
		before := encode(t, original)

		_, first := hardener.Harden(context.Background(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, config)})
		if encode(t, original) != before {
			t.Fatalf("seed %d: maps that others share were changed", seed)
		}
		if got, want := imagesIn(objects), imagesIn([]plugin.Object{original}); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: images %v became %v", seed, want, got)
		}
		for _, finding := range first {
			value, _ := plugin.FieldValue(objects[0].Fields, finding.Field)
			if finding.Now != "" && plugin.Compact(value) != finding.Now {
				t.Fatalf("seed %d: %s is %s, the finding says %s", seed, finding.Field, plugin.Compact(value), finding.Now)
			}
		}
		after := encode(t, objects[0])
		_, again := hardener.Harden(context.Background(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, config)})
		for _, finding := range again {
			if finding.Now != "" {
				t.Fatalf("seed %d: the second pass changed %+v", seed, finding)
			}
		}
		if encode(t, objects[0]) != after {
			t.Fatalf("seed %d: not idempotent", seed)
		}
	}
}

func encode(t testing.TB, object plugin.Object) string {
	t.Helper()
	text, err := json.Marshal(object.Fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func imagesIn(objects []plugin.Object) []string {
	images, _ := plugin.ImageFinder{}.Find(objects)
	var written []string
	for _, image := range images {
		written = append(written, image.Written)
	}
	return written
}
