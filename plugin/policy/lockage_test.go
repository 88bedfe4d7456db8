package policy

import (
	"context"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// TestBuildAge tells a forgotten lock from one that is renewed: the twin of
// each denial has one thing changed.
func TestBuildAge(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	config := func(created string) *plugin.ImageConfig { return &plugin.ImageConfig{Created: created} }
	for name, c := range map[string]struct {
		from   plugin.DigestSource
		config *plugin.ImageConfig
		denied bool
	}{
		"a locked image that is too old":         {plugin.DigestLocked, config("2026-09-01T00:00:00Z"), true},
		"a locked image that is young enough":    {plugin.DigestLocked, config("2026-10-20T00:00:00Z"), false},
		"a locked image without a time":          {plugin.DigestLocked, config(""), true},
		"a locked image without a known config":  {plugin.DigestLocked, nil, false},
		"an old image that the registry decided": {plugin.DigestResolved, config("2026-09-01T00:00:00Z"), false},
	} {
		t.Run(name, func(t *testing.T) {
			objects := []plugin.Object{{Fields: map[string]any{
				"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "a"},
				"spec": map[string]any{"containers": []any{map[string]any{"name": "a", "image": "registry.example.com/a:v1"}}},
			}}}
			images, _ := plugin.ImageFinder{}.Find(objects)
			images[0].DigestFrom, images[0].Config = c.from, c.config
			spec := gate.Gate{Metadata: gate.Metadata{Name: "g"}}
			spec.Spec.Lock.MaxBuildAge = gate.Duration(30 * 24 * time.Hour)
			compiled, err := NewCompiler().Compile(Config{Gate: spec})
			if err != nil {
				t.Fatal(err)
			}
			denied, unanswered := false, false
			for _, judge := range compiled.Judges {
				for _, finding := range judge.Judge(context.Background(), plugin.Sealed{Objects: objects, Images: plugin.NewImageIndex(images), At: at}) {
					unanswered = unanswered || finding.Rule == "image/build-age" && finding.Level == plugin.Undetermined
					denied = denied || finding.Rule == "image/build-age" && finding.Level == plugin.Deny
				}
			}
			if denied != c.denied {
				t.Errorf("denied: %v, want %v", denied, c.denied)
			}
			if unanswered != (c.config == nil) {
				t.Errorf("no answer: %v, with the config %v", unanswered, c.config)
			}
		})
	}
}
