package appset_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/discover/appset"
)

func elements(count int) string {
	var out strings.Builder
	out.WriteString("[{list: {elements: [")
	for i := range count {
		fmt.Fprintf(&out, "{name: app-%d},", i)
	}
	return out.String() + "]}}]"
}

func TestExpand_FiveThousandElements(t *testing.T) {
	input := written(t)
	if is := appset.Expand(t.Context(), object(t, set(elements(5000), "{{.name}}")), input); len(is.Applications) != 5000 || len(is.Problems) != 0 {
		t.Fatalf("%d Applications, %d problems", len(is.Applications), len(is.Problems))
	}
	input.Limits.RenderedObjects = 4999
	expand(t, input, set(elements(5000), "{{.name}}"), nil, "more than 4999 sets of parameters (limit renderedObjects)")
}

func TestExpand_FiveThousandErrorsAreToldInAFewLines(t *testing.T) {
	is := appset.Expand(t.Context(), object(t, set(elements(5000), "{{.gone}}")), written(t))
	if len(is.Applications) != 0 || len(is.Problems) != 1 {
		t.Errorf("%d Applications, %d problems", len(is.Applications), len(is.Problems))
	}
}

func TestExpand_MatrixIsBounded(t *testing.T) {
	inner := strings.TrimSuffix(strings.TrimPrefix(elements(3000), "["), "]")
	expand(t, written(t), set(fmt.Sprintf("[{matrix: {generators: [%s, %s]}}]", inner, strings.ReplaceAll(inner, "name", "other")), "{{.name}}-{{.other}}"), nil, "limit renderedObjects")
}

// Each of these would take all memory, or never end.
func TestExpand_LoopsAreBounded(t *testing.T) {
	for name, template := range map[string]string{
		"a long list":             `{{range until 1000000000}}{{end}}`,
		"a list backwards":        `{{until -1000000000}}`,
		"a list in steps":         `{{untilStep 0 1000000000 1}}`,
		"a sequence":              `{{seq 1 1 1000000000}}`,
		"a repeated text":         `{{repeat 1000000000 "x"}}`,
		"an indent":               `{{indent 1000000000 "x"}}`,
		"random text":             `{{randAlphaNum 1000000000}}`,
		"what prints without end": `{{range 1000000000}}xxxxxxxxxxxxxxxx{{end}}`,
		"a text that doubles":     `{{$s := "x"}}{{range 100}}{{$s = print $s $s}}{{end}}`,
		"a replaced text":         `{{$s := repeat 60000 "a"}}{{replace "a" $s $s}}`,
		"a split text":            `{{$s := repeat 500000 ","}}{{split "," $s}}`,
		"a joined list":           `{{join (repeat 10000 "x") (until 10000)}}`,
		"a wrapped text":          `{{wrapWith 1 (repeat 1000 "x") (repeat 10000 "y")}}`,
		"a list that doubles":     `{{$l := list 1}}{{range 100}}{{$l = concat $l $l}}{{end}}`,
		"a mapping of mappings":   `{{$d := dict "a" "x"}}{{range 60}}{{$d = dict "a" $d "b" $d}}{{end}}{{toJson $d}}`,
		"the same, printed":       `{{$d := list 1}}{{range 60}}{{$d = list $d $d}}{{end}}{{$d}}`,
		"what contains itself":    `{{$d := dict}}{{$_ := set $d "self" $d}}{{$d}}`,
		"a width":                 `{{printf "%1000000d%1000000d" 1 2}}`,
		"a width in an argument":  `{{printf "%*d" 2000000 1}}`,
		"one argument many times": `{{printf (repeat 1000 "%[1]s") (repeat 10000 "x")}}`,
		"a regular expression":    `{{regexReplaceAll "a" (repeat 10000 "a") (repeat 10000 "x")}}`,
		"a slow expression":       `{{regexMatch (repeat 100000 "a?") (repeat 900000 "a")}}`,
		"many comparisons":        `{{uniq (until 100000)}}`,
		"a template in itself":    `{{define "t"}}{{template "t"}}{{end}}{{template "t"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			expand(t, written(t), set(one, "{{.name}}"+template), nil, "limit ")
		})
	}
}

// Of these neither the length nor the depth is too great, only the time.
func TestExpand_TimeIsBounded(t *testing.T) {
	for name, template := range map[string]string{
		"loops in loops":              `{{range 1000000}}{{range 1000000}}{{end}}{{end}}`,
		"loops over a variable":       `{{$l := until 10000}}{{range $l}}{{range $l}}{{range $l}}{{range $l}}{{end}}{{end}}{{end}}{{end}}`,
		"loops that call functions":   `{{range 1000000}}{{range until 10000}}{{end}}{{end}}`,
		"templates that call two":     `{{define "t"}}{{if gt . 0}}{{template "t" (sub . 1)}}{{template "t" (sub . 1)}}{{end}}{{end}}{{template "t" 200}}`,
		"loops that say nothing":      `{{range $i := 1000000000}}{{$x := $i}}{{end}}`,
		"loops behind a condition":    `{{with .name}}{{if true}}{{range 1000000000}}{{end}}{{end}}{{end}}`,
		"loops in the other branch":   `{{if false}}{{else}}{{range 1000000000}}{{end}}{{end}}`,
		"loops in a loop's own other": `{{range list}}{{else}}{{range 1000000000}}{{end}}{{end}}`,
		"loops in a defined template": `{{define "t"}}{{range 1000000000}}{{end}}{{end}}{{template "t"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input := written(t)
			input.Limits.RenderSeconds = 1
			expand(t, input, set(one, "{{.name}}"+template), nil, "longer than the limit renderSeconds (1)")
		})
	}
}

// What stays within the bounds is as it was.
func TestExpand_OrdinaryTemplatesAreNotRefused(t *testing.T) {
	for template, want := range map[string]string{
		`{{range until 3}}{{.}}{{end}}`:                    "a012",
		`{{repeat 3 "x"}}`:                                 "axxx",
		`{{printf "%05.1f-%3d" 1.25 7 | replace " " "0"}}`: "a001.2-007",
		`{{define "t"}}{{if gt . 0}}x{{template "t" (sub . 1)}}{{end}}{{end}}{{template "t" 5}}`: "axxxxx",
		`{{range $i := 3}}{{if eq $i 1}}{{continue}}{{end}}{{$i}}{{end}}`:                        "a02",
		`{{- range list "b" "c" }}-{{ . }}{{ else }}none{{ end -}}`:                              "a-b-c",
		`{{.name}}{{/* a comment */}}`:                                                           "aa",
	} {
		expand(t, written(t), set(one, "{{.name}}"+template), []string{want})
	}
}

func TestExpand_FilesAreBounded(t *testing.T) {
	files := set(`[{git: {repoURL: https://git.example.com/team-a/deploy.git, revision: HEAD, files: [{path: "*.yaml"}]}}]`, "{{.name}}")
	input := written(t, "one.yaml", "name: a", "two.yaml", "name: b")
	expand(t, input, files, []string{"a", "b"})
	input.Limits.FileBytes = 6
	expand(t, input, files, nil, "more than 6 bytes (limit fileBytes)")
	input.Limits.FileBytes, input.Limits.TreeBytes = 7, 13
	expand(t, input, files, nil, "more than 13 bytes (limit treeBytes)")
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'k'; i++ {
		laughs += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	expand(t, written(t, "one.yaml", laughs), files, nil, "excessive aliasing")
}
