package inplace_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/inplace"
)

// object is a Deployment whose Pod's spec is given.
func object(spec string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n" + spec
}

const container = "      containers:\n      - name: web\n        image: registry.example.com/web:1\n"

// TestMake_BadInput: each input is refused with a reason and left byte for
// byte as it was, and its twin, with one thing changed, is written.
func TestMake_BadInput(t *testing.T) {
	for name, c := range map[string]struct{ file, bad, twin, want string }{
		"broken YAML":                {"app/a.yaml", object("      containers: [\n"), object(container), "a.yaml"},
		"tabs":                       {"app/a.yaml", strings.Replace(object(container), "        image", "\timage", 1), object(container), "a.yaml"},
		"a key that stands twice":    {"app/a.yaml", object(container + "        image: registry.example.com/web:1\n"), object(container), "second time"},
		"a key twice, elsewhere":     {"app/a.yaml", object(container) + "---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {a: b, a: c}\n", object(container) + "---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {a: b, b: c}\n", "already defined"},
		"comments alone":             {"app/a.yaml", "# nothing\n# at all\n", "# nothing\n---\n# at all\n---\n" + object(container), "no objects"},
		"an anchor that is used":     {"app/a.yaml", object("      containers:\n      - &web\n        name: web\n        image: registry.example.com/web:1\n      initContainers:\n      - *web\n"), object("      containers:\n      - &web\n        name: web\n        image: registry.example.com/web:1\n"), "anchor (&web)"},
		"a merge key":                {"app/a.yaml", object("      containers:\n      - <<: {image: 'registry.example.com/web:1'}\n        name: web\n"), object(container), "<<"},
		"a line break of its own":    {"app/a.yaml", object(container) + "# \u2028\n", object(container) + "# \n", "line breaks"},
		"two JSON keys":              {"app/a.json", `{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"a-"},"spec":{"containers":[{"name":"a","name":"b","image":"registry.example.com/web:1"}]}}`, `{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"a-"},"spec":{"containers":[{"name":"b","image":"registry.example.com/web:1"}]}}`, "second time"},
		"a value that is not a list": {"app/a.yaml", object("      containers: none\n      initContainers:\n      - {name: a, image: 'registry.example.com/silent:1'}\n"), object("      containers: []\n      initContainers:\n      - {name: a, image: 'registry.example.com/web:1'}\n"), "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, gate.Harden{}, map[string]string{c.file: c.bad})
			said := ""
			plan, err := inplace.Make(t.Context(), s, s.source)
			if err != nil {
				said = err.Error()
			} else {
				for _, left := range plan.Left {
					said += left.Reason
				}
				if err := plan.Write(s.source.Root); err != nil || len(plan.Files) > 0 {
					t.Errorf("error %v, files %+v", err, plan.Files)
				}
			}
			if !strings.Contains(said, c.want) {
				t.Errorf("%q, want %q", said, c.want)
			}
			sameFiles(t, map[string]string{c.file: c.bad}, s.files(t))

			twin := newScene(t, gate.Harden{}, map[string]string{c.file: c.twin})
			if plan := twin.write(t); len(plan.Files) != 1 || len(plan.Left) > 0 {
				t.Errorf("the twin: files %+v, left %+v", plan.Files, plan.Left)
			}
			settled(t, twin)
		})
	}
}

// settled demands that hardening finds nothing to fill in, and that a second
// run writes nothing.
func settled(t testing.TB, s *scene) {
	t.Helper()
	if _, changes := s.hardened(t); changes > 0 {
		t.Errorf("hardening still fills in %d settings", changes)
	}
	if again := s.make(t); len(again.Files) > 0 {
		t.Errorf("a second run would write %+v", again.Files)
	}
}

// TestMake_OddInput is written all the same, and every old line is kept.
func TestMake_OddInput(t *testing.T) {
	many := "      containers:\n"
	for i := range 1000 {
		many += fmt.Sprintf("      - name: c%d\n        image: registry.example.com/web:1 # %d\n", i, i)
	}
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: text}\ndata:\n  a: |\n    one\n    ---\n    kind: Pod\n\n"
	for name, c := range map[string]struct {
		file, text string
		more       gate.Harden
	}{
		"a thousand containers":     {file: "app/a.yaml", text: object(many)},
		"CRLF":                      {file: "app/a.yaml", text: strings.ReplaceAll(object(container), "\n", "\r\n")},
		"a byte order mark":         {file: "app/a.yaml", text: "\xef\xbb\xbf" + object(container)},
		"no line end":               {file: "app/a.yaml", text: strings.TrimRight(object(container), "\n")},
		"dashes in a text":          {file: "app/a.yaml", text: text + "---\n" + object(container) + "---\n" + text[:len(text)-1]},
		"a list":                    {file: "app/a.yaml", text: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {generateName: a-}\n  spec:\n    containers:\n    - {name: a, image: 'registry.example.com/web:1'}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n"},
		"JSON with tabs":            {file: "app/a.json", text: "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"generateName\": \"a-\"},\n\t\"spec\": {\n\t\t\"containers\": [\n\t\t\t{\n\t\t\t\t\"name\": \"a\",\n\t\t\t\t\"image\": \"registry.example.com/web:1\"\n\t\t\t}\n\t\t]\n\t}\n}\n", more: everything()},
		"null values":               {file: "app/a.yaml", text: object(container + "        securityContext: # later\n        volumeMounts: ~\n        resources: null\n      volumes:\n"), more: everything()},
		"half of a securityContext": {file: "app/a.yaml", text: object(container + "        securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}\n"), more: everything()},
		"a file without a suffix s": {file: "app/a.yml", text: "%YAML 1.1\n---\n" + object(container) + "...\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, c.more, map[string]string{c.file: c.text})
			before, _ := s.hardened(t)
			plan := s.write(t)
			if len(plan.Files) == 0 || len(plan.Left) > 0 {
				t.Fatalf("files %d, left %+v", len(plan.Files), plan.Left)
			}
			after, _ := s.hardened(t)
			sameObjects(t, before, after)
			settled(t, s)
			rest := s.files(t)[c.file]
			for line := range strings.Lines(c.text) {
				line = strings.TrimRight(line, "}~\r\n")
				_, found, is := strings.Cut(rest, strings.TrimSuffix(strings.TrimSuffix(line, "null"), "# later"))
				if !is && c.more == (gate.Harden{}) {
					t.Fatalf("the line %q is gone or moved", line)
				}
				rest = found
				if c.more != (gate.Harden{}) {
					break
				}
			}
			if strings.Contains(c.text, "\r\n") && strings.Count(s.files(t)[c.file], "\n") != strings.Count(s.files(t)[c.file], "\r\n") {
				t.Error("line ends are mixed")
			}
		})
	}
}
