package render

import (
	"maps"
	"reflect"
	"testing"

	"github.com/Masterminds/sprig/v3"

	"github.com/assay-gitops/assay/plugin"
)

// randomCase is a chart, and the findings about functions that answer
// differently each time.
type randomCase struct {
	name  string
	files map[string]string
	want  string
}

func (c randomCase) run(t *testing.T) {
	c.files["Chart.yaml"] = goodChart
	source := plugin.Source{Root: writeTree(t, c.files), Path: "."}
	cache := NewCache(1 << 20)
	renderer := New(Options{Limits: plugin.DefaultLimits(), Cache: cache})
	rendering, err := renderer.Render(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if got := rules(rendering.Findings); got != c.want {
		t.Errorf("got %q, want %q", got, c.want)
	}
	if _, kept := cache.lookup(source, plugin.DefaultLimits()); kept != (c.want == "") {
		t.Errorf("the rendering was kept: %t", kept)
	}
}

// withTemplate is a chart whose template also renders a comment.
func withTemplate(text string, more map[string]string) map[string]string {
	files := map[string]string{"templates/a.yaml": goodConfigMap + "# " + text}
	maps.Copy(files, more)
	return files
}

func TestRandom_IsNoticedWhereItIsCalled(t *testing.T) {
	helper := map[string]string{"templates/_h.tpl": "{{ define \"x\" }}{{ randAlphaNum 5 }}{{ end }}"}
	for _, test := range []randomCase{
		{name: "none", files: withTemplate("{{ .Values.now }} {{ \"now\" }}", nil)},
		{name: "now", files: withTemplate(`{{ now | date "2006" }}`, nil), want: "warn render/random templates/a.yaml:5"},
		{name: "in two places", files: withTemplate("{{ now }}\n# {{ uuidv4 }}\n# {{ now }}", nil), want: "warn render/random templates/a.yaml:5; warn render/random templates/a.yaml:7; warn render/random templates/a.yaml:6"},
		{name: "in a condition", files: withTemplate("\n{{ if (uuidv4) }}{{ end }}", nil), want: "warn render/random templates/a.yaml:6"},
		{name: "in a branch that is taken", files: withTemplate("{{ if not .Values.key }}{{ randAlpha 5 }}{{ end }}", nil), want: "warn render/random templates/a.yaml:5"},
		{name: "in a branch that is not taken", files: withTemplate("{{ if not .Values.key }}{{ randAlpha 5 }}{{ end }}", map[string]string{"values.yaml": "key: k\n"})},
		{name: "in an included helper", files: withTemplate(`{{ include "x" . }}`, helper), want: "warn render/random templates/_h.tpl:1"},
		{name: "in a helper that nobody includes", files: withTemplate("", helper)},
		{name: "included by a computed name", files: withTemplate(`{{ include (printf "%s" "x") . }}`, helper), want: "warn render/random templates/_h.tpl:1"},
	} {
		t.Run(test.name, test.run)
	}
}

func TestRandom_IsNoticedInWhatTplRenders(t *testing.T) {
	helper := map[string]string{"templates/_h.tpl": "{{ define \"x\" }}{{ randAlphaNum 5 }}{{ end }}", "values.yaml": "t: '{{ include \"x\" . }}'\n"}
	plain := map[string]string{
		"templates/_h.tpl": `{{ define "render" }}{{ if contains "{{" (toJson .value) }}{{ tpl .value .context }}{{ else }}{{ .value }}{{ end }}{{ end }}`,
		"values.yaml":      "t: '{{ .Release.Name }}-now'\n",
	}
	value := map[string]string{"values.yaml": "t: '{{ now }}'\n"}
	file := map[string]string{"x.txt": "{{ randAlpha 3 }}"}
	for _, test := range []randomCase{
		{name: "a value", files: withTemplate("{{ tpl .Values.t . }}", value), want: "warn render/random Chart.yaml"},
		{name: "a value that nobody renders", files: withTemplate("{{ .Values.t }}", value)},
		{name: "a file", files: withTemplate(`{{ tpl (.Files.Get "x.txt") . }}`, file), want: "warn render/random Chart.yaml"},
		{name: "a file that nobody renders", files: withTemplate(`{{ .Files.Get "x.txt" }}`, file)},
		{name: "a text in the template", files: withTemplate("{{ tpl `{{ randAlpha 9 }}` . }}", nil), want: "warn render/random Chart.yaml"},
		{name: "a text in the template that nobody renders", files: withTemplate("{{ `{{ randAlpha 9 }}` }}", nil)},
		{name: "a helper that a value includes", files: withTemplate("{{ tpl .Values.t . }}", helper), want: "warn render/random Chart.yaml"},
		{name: "a text that is put together", files: withTemplate(`{{ tpl (printf "{{ %s 5 }}" "randAlpha") . }}`, nil), want: "warn render/random Chart.yaml"},
		{name: "tpl in tpl", files: withTemplate("{{ tpl `{{ tpl .Values.t . }}` . }}", value), want: "warn render/random Chart.yaml"},
		{name: "values that call nothing random", files: withTemplate(`{{ include "render" (dict "value" .Values.t "context" $) }}`, plain)},
	} {
		t.Run(test.name, test.run)
	}
}

// TestRandom_ADateOfNoTimeIsTheClock: sprig takes the time of the rendering
// for whatever is not a time.
func TestRandom_ADateOfNoTimeIsTheClock(t *testing.T) {
	const at = "warn render/random templates/a.yaml:5"
	for _, test := range []randomCase{
		{name: "date", files: withTemplate("{{ date `15:04:05` `` }}", nil), want: at},
		{name: "date of nothing", files: withTemplate("{{ date `15:04:05` .Values.none }}", nil), want: at},
		{name: "date of a number", files: withTemplate("{{ date `15:04:05` 86400 }}", nil)},
		{name: "dateInZone", files: withTemplate("{{ dateInZone `15:04:05` `` `UTC` }}", nil), want: at},
		{name: "date_in_zone", files: withTemplate("{{ date_in_zone `15:04:05` `` `UTC` }}", nil), want: at},
		{name: "dateInZone of a time", files: withTemplate("{{ dateInZone `15:04:05` (toDate `2006-01-02` `2020-02-02`) `UTC` }}", nil)},
		{name: "htmlDate", files: withTemplate("{{ htmlDate `` }}", nil), want: at},
		{name: "htmlDate of a time", files: withTemplate("{{ htmlDate (toDate `2006-01-02` `2020-02-02`) }}", nil)},
		{name: "htmlDateInZone", files: withTemplate("{{ htmlDateInZone `` `UTC` }}", nil), want: at},
		{name: "durationRound of a time", files: withTemplate("{{ durationRound (toDate `2006-01-02` `2020-02-02`) }}", nil), want: at},
		{name: "durationRound", files: withTemplate("{{ durationRound `2h10m` }}", nil)},
		{name: "one of two", files: withTemplate("{{ date `15` 0 }}\n# {{ date `15` `` }}", nil), want: "warn render/random Chart.yaml"},
	} {
		t.Run(test.name, test.run)
	}
}

// TestRandom_EveryFunctionThatIsNotRepeatableIsNoted compares with sprig's own
// list, so that one that comes with a new version is not missed.
func TestRandom_EveryFunctionThatIsNotRepeatableIsNoted(t *testing.T) {
	all, repeatable, noted := sprig.TxtFuncMap(), sprig.HermeticTxtFuncMap(), newRandomCalls().functions()
	for _, known := range []string{"date_modify", "dateModify"} { // change a time that they are given
		repeatable[known] = all[known]
	}
	for _, absent := range []string{"env", "expandenv", "getHostByName"} { // the engine has none, or one that answers nothing
		repeatable[absent] = all[absent]
	}
	for name := range all {
		if _, is := repeatable[name]; !is && noted[name] == nil {
			t.Errorf("%s is not noted", name)
		}
	}
	for name := range noted {
		if got, want := reflect.TypeOf(noted[name]), reflect.TypeOf(all[name]); got != want {
			t.Errorf("%s is a %s, and the engine's own a %s", name, got, want)
		}
	}
}

func TestHelm_KeysAndValuesComeInOrder(t *testing.T) {
	files := withTemplate("", map[string]string{"templates/a.yaml": goodConfigMap + "data:\n  k: {{ keys .Values.m (dict `a` 1) | join `` }}\n  v: {{ values .Values.m | join `` | quote }}\n", "values.yaml": "m: {h: 1, g: 2, f: 3, e: 4, d: 5, c: 6, b: 7}\n"})
	files["Chart.yaml"] = goodChart
	source := plugin.Source{Root: writeTree(t, files), Path: "."}
	want := map[string]any{"k": "bcdefgha", "v": "7654321"}
	for range 5 {
		if got := mustRender(t, source).Objects[0].Fields["data"]; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// TestRandom_IsKeptWhereTheCacheIsToldTo: what a door judges again is what it
// published.
func TestRandom_IsKeptWhereTheCacheIsToldTo(t *testing.T) {
	for _, keep := range []bool{true, false} {
		files := withTemplate("{{ randAlphaNum 20 }}", map[string]string{"Chart.yaml": goodChart})
		source := plugin.Source{Root: writeTree(t, files), Path: "."}
		cache := NewCache(1 << 20)
		cache.KeepRandom = keep
		renderer := New(Options{Limits: plugin.DefaultLimits(), Cache: cache})
		for range 2 {
			if _, err := renderer.Render(t.Context(), source); err != nil {
				t.Fatal(err)
			}
		}
		if hits, _ := cache.Stats(); (hits == 1) != keep {
			t.Errorf("with KeepRandom %v, of two renderings %d were kept", keep, hits)
		}
	}
}
