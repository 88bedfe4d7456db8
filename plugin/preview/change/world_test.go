package change_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// judged is the time of every verdict in these tests.
func judged() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC) }

// world is what the fakes of one side answer.
type world struct {
	// manifests are YAML documents; objects stand before them.
	manifests string
	objects   []plugin.Object
	// digests by "repository:tag"; what is not listed has one of its own.
	digests map[string]string
	// silent registries answer for no image.
	silent bool
	// evidence by repository.
	evidence map[string][]plugin.Evidence
	// against are statements that speak against every image.
	against  []plugin.Evidence
	findings []plugin.Finding
	// broken renderers fail, and unsealed pipelines stop before the seal.
	broken, unsealed bool
	hidden           []string
	// decider decides on exceptions where there is one, and requests are those
	// that the objects ask for.
	decider  plugin.Decider
	requests []plugin.Finding
}

func (w world) Render(context.Context, plugin.Source) (plugin.Rendering, error) {
	if w.broken {
		return plugin.Rendering{Findings: []plugin.Finding{{Rule: "render/failed", Message: "the template does not parse"}}}, nil
	}
	rendering := plugin.Rendering{Findings: w.requests}
	for _, object := range w.objects {
		rendering.Objects = append(rendering.Objects, object.DeepCopy())
	}
	for i, document := range strings.Split(w.manifests, "\n---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		data, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return rendering, err
		}
		var compact map[string]any
		if err := json.Unmarshal(data, &compact); err != nil {
			return rendering, err
		}
		rendering.Objects = append(rendering.Objects, plugin.Object{Fields: whole(compact).(map[string]any), Origin: plugin.Origin{File: "app.yaml", Line: i + 1}})
	}
	return rendering, nil
}

// whole makes whole numbers of those that JSON's reader takes for floats.
func whole(value any) any {
	switch value := value.(type) {
	case float64:
		if value == float64(int64(value)) {
			return int64(value)
		}
	case map[string]any:
		for key := range value {
			value[key] = whole(value[key])
		}
	case []any:
		for i := range value {
			value[i] = whole(value[i])
		}
	}
	return value
}

func (w world) Resolve(_ context.Context, references []plugin.Reference) []plugin.Resolution {
	var out []plugin.Resolution
	for _, reference := range references {
		if w.silent {
			out = append(out, plugin.Resolution{Err: context.DeadlineExceeded})
			continue
		}
		digest := w.digests[reference.Tagged()]
		if digest == "" {
			digest = digestOf(reference.Tagged())
		}
		out = append(out, plugin.Resolution{Digest: digest})
	}
	return out
}

func (w world) Verify(_ context.Context, images []plugin.Image) []plugin.Review {
	out := make([]plugin.Review, len(images))
	for i, image := range images {
		evidence, known := w.evidence[image.Reference.Repository]
		if known {
			out[i].Evidence, out[i].Against = evidence, w.against
		}
		if len(evidence) == 0 && image.Digest != "" {
			out[i].Findings = []plugin.Finding{{Rule: "image/not-signed", Level: plugin.Warn, Image: image.Written, Message: "nobody signed " + image.Digest, Digest: image.Digest}}
		}
	}
	return out
}

// Harden fills in what makes a container safe.
func (w world) Harden(_ context.Context, rendering plugin.Unhardened) ([]plugin.Object, []plugin.Finding) {
	for _, object := range rendering.Objects {
		containers, _ := plugin.FieldValue(object.Fields, "spec.template.spec.containers")
		items, _ := containers.([]any)
		for _, item := range items {
			if fields := item.(map[string]any); fields["securityContext"] == nil {
				fields["securityContext"] = map[string]any{"runAsNonRoot": true}
			}
		}
	}
	return rendering.Objects, []plugin.Finding{{Rule: "harden/run-as-non-root", Level: plugin.Info, Message: "filled in", Now: "true"}}
}

func (w world) Judge(context.Context, plugin.Sealed) []plugin.Finding { return w.findings }

// unwritable is an encoding that fails.
type unwritable struct{ plugin.JSONEncoding }

func (unwritable) Encode([]plugin.Object) ([]byte, error) { return nil, context.DeadlineExceeded }

// verdict is what a complete pipeline says of the world.
func (w world) verdict(t testing.TB) *plugin.Verdict {
	t.Helper()
	pipeline := plugin.Pipeline{
		Renderer: w, Resolver: w, Hardener: w, Encoding: plugin.JSONEncoding{}, Pin: true, KeepObjects: true, Clock: judged,
		Gates: []plugin.GateStages{{Name: "base", Deny: true, Verifiers: []plugin.Verifier{w}, Judges: []plugin.Judge{w}, Decider: w.decider}},
	}
	if w.unsealed {
		pipeline.Encoding = unwritable{}
	}
	return pipeline.Run(t.Context(), plugin.Source{Application: plugin.Application{Name: "shop"}})
}

func (w world) judged(t testing.TB) *change.Judged {
	t.Helper()
	return &change.Judged{Verdicts: []*plugin.Verdict{w.verdict(t)}, Hidden: w.hidden}
}

// compare compares two sides of the application "shop".
func compare(t testing.TB, base, head world, ignore ...string) change.Application {
	t.Helper()
	in := input()
	in.Base, in.Head = base.judged(t), head.judged(t)
	for _, text := range ignore {
		pattern, err := change.ParseIgnore(text)
		if err != nil {
			t.Fatal(err)
		}
		in.Options.Ignore = append(in.Options.Ignore, pattern)
	}
	return change.Compare(in)
}

func input() change.Input {
	return change.Input{Kind: "Application", Namespace: "argocd", Name: "shop", Path: "apps/shop", Origin: plugin.Origin{File: "apps/shop.yaml", Line: 1}}
}

func digestOf(name string) string {
	const hex = "0123456789abcdef"
	sum := 7
	for _, char := range name {
		sum = (sum*31 + int(char)) & 0xffff
	}
	return "sha256:" + strings.Repeat(string(hex[sum&15])+string(hex[sum>>4&15])+string(hex[sum>>8&15])+string(hex[sum>>12&15]), 16)
}

func evidence(t testing.TB, claims plugin.Claims, payload ...string) plugin.Evidence {
	t.Helper()
	if claims.Kind == "" {
		claims.Kind = plugin.EvidenceSignature
	}
	claims.Gate, claims.Policy = "base", "release"
	if claims.Digest == "" {
		claims.Digest = digestOf("subject")
	}
	made, err := plugin.NewEvidence(claims, []byte(strings.Join(payload, "")))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: web
        image: registry.example.com/shop/web:1.0
        args: [serve]
        env:
        - {name: MODE, value: blue}
`

// objectOf is the object of that kind and name in the report.
func objectOf(t testing.TB, app change.Application, kind, name string) change.Object {
	t.Helper()
	for _, object := range app.Objects {
		if object.ID.Kind == kind && object.ID.Name == name {
			return object
		}
	}
	t.Fatalf("no %s/%s in %+v", kind, name, app.Objects)
	return change.Object{}
}

// fieldOf is the field at the path.
func fieldOf(t testing.TB, object change.Object, path string) change.Field {
	t.Helper()
	for _, field := range object.Fields {
		if field.Path == path {
			return field
		}
	}
	t.Fatalf("no %s in %+v", path, object.Fields)
	return change.Field{}
}

// replaced is a text in which something was replaced, and fails when there was
// nothing to replace.
func replaced(t testing.TB, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("there is no %q in %s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}
