package policy

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// FuzzJudge feeds objects of any shape to all engines: they may deny, and must
// neither panic nor change what they judge.
func FuzzJudge(f *testing.F) {
	paths, err := filepath.Glob(packRoot + "/*/*/fail/*.yaml")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds (%v)", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		encoded, err := yaml.YAMLToJSON(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	judges := []plugin.Judge{judgeOf(f, Config{Gate: defaultGate()}), judgeOf(f, Config{Gate: caseGate(NewestPacks()...)}), NewSelf(SelfConfig{})}
	f.Fuzz(func(t *testing.T, data []byte) {
		var fields map[string]any
		if kjson.Unmarshal(data, &fields) != nil || fields == nil {
			return
		}
		object := plugin.Object{Fields: fields}
		before := encoded(t, object.Fields)
		for _, judge := range judges {
			input := plugin.Sealed{Objects: []plugin.Object{object}}
			input.Source.Application.Namespace = "team-a"
			judge.Judge(context.Background(), input)
		}
		if after := encoded(t, object.Fields); after != before {
			t.Fatalf("a judge changed the object:\n%s\n%s", before, after)
		}
	})
}

func encoded(t *testing.T, fields map[string]any) string {
	t.Helper()
	text, err := kjson.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
