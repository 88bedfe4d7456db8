package render

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// FuzzManifests: whatever is read is an object in JSON's types, comes out of a
// second rendering unchanged, or is refused.
func FuzzManifests(f *testing.F) {
	for _, seed := range []string{
		goodConfigMap, goodConfigMap + "---\n" + goodConfigMap, "{}", "", "---", "...\n--- {a: b}", "a: &a [*a]", "\xff\xfe",
		`{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"n": 1e400}}]}`,
		"apiVersion: v1\nkind: X\nmetadata: {name: y, annotations: {assay.dev/a: b}}\n1: 2\n2.5: on\n? [a]\n: b\n", "apiVersion: v1\nkind: X\nmetadata: {name: y}\nx: .inf\n",
		"apiVersion: v1\nkind: X\nmetadata: {name: y}\nd: 2020-01-01\nb: !!binary aGk=\no: 0o17\nbig: 18446744073709551615\n", yamlBomb(),
	} {
		f.Add([]byte(seed))
	}
	limits := plugin.DefaultLimits()
	limits.YAMLNodes = 10_000
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := renderStream(plugin.Source{Rendered: data}, limits)
		if err != nil {
			var refusal *plugin.Refusal
			if !errors.As(err, &refusal) || refusal.Rule == "" || refusal.Message == "" {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		var out []byte
		for _, object := range first.Objects {
			line, err := json.Marshal(object.Fields)
			if err != nil {
				t.Fatalf("an object that JSON cannot write: %v", err)
			}
			out = append(append(append(out, "---\n"...), line...), '\n')
		}
		second, err := renderStream(plugin.Source{Rendered: out}, limits)
		if err != nil {
			t.Fatalf("its own output is refused: %v\n%s", err, out)
		}
		if !reflect.DeepEqual(fieldsOf(first), fieldsOf(second)) {
			t.Fatalf("its own output is read as something else:\n%v\n%v", fieldsOf(first), fieldsOf(second))
		}
	})
}

// FuzzChartArchive: an archive is unpacked within its limits or refused; no
// name leads out.
func FuzzChartArchive(f *testing.F) {
	f.Add([]byte(chartArchive(nil)))
	f.Add([]byte(chartArchive(map[string]string{"x/../../e": "", `x\..\..\e`: ""})))
	f.Add([]byte(chartArchive(map[string]string{"x/charts/y.tgz": chartArchive(nil), "/x": "", "x": "", "x/c:/d": ""})))
	f.Add([]byte("\x1f\x8b\x08"))
	limits := plugin.DefaultLimits()
	limits.ArchiveBytes, limits.ArchiveFiles = 1<<20, 100
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := unpackChart(data, "charts/x.tgz", limits)
		if err != nil {
			var refusal *plugin.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		total := 0
		for _, file := range files {
			if _, err := within(".", file.name); err != nil || file.name == "" {
				t.Fatalf("the name %q: %v", file.name, err)
			}
			total += len(file.data)
		}
		if total > 1<<20 || len(files) > 100 {
			t.Fatalf("%d files of %d bytes", len(files), total)
		}
	})
}
