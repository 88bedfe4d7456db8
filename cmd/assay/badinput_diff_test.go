package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// twoFolders writes both sides of a comparison, by side and path.
func twoFolders(t *testing.T, sides map[string]map[string]string) (base, head string) {
	t.Helper()
	dir := t.TempDir()
	for side, files := range sides {
		for path, text := range files {
			file := filepath.Join(dir, side, path)
			must(t, os.MkdirAll(filepath.Dir(file), 0o755))
			must(t, os.WriteFile(file, []byte(text), 0o644))
		}
	}
	return filepath.Join(dir, "base"), filepath.Join(dir, "head")
}

// reportsOf compares two folders, and gives the exit code and every report.
func reportsOf(t *testing.T, base, head string) (int, map[string]string) {
	t.Helper()
	t.Setenv("ASSAY_CACHE_DIR", t.TempDir())
	t.Setenv("ASSAY_CACHE_KEY", filepath.Join(t.TempDir(), "key"))
	dir := t.TempDir()
	args := []string{"diff", base, head}
	for _, format := range []string{"markdown", "html", "json", "sarif"} {
		args = append(args, "--report", format+"="+filepath.Join(dir, format))
	}
	var out, problems bytes.Buffer
	code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: &problems}, args)
	if problems.Len() > 0 {
		t.Logf("standard error: %s", &problems)
	}
	reports := map[string]string{"text": out.String()}
	for _, format := range []string{"markdown", "html", "json", "sarif"} {
		data, err := os.ReadFile(filepath.Join(dir, format))
		must(t, err)
		reports[format] = string(data)
	}
	return code, reports
}

// manyConfigMaps are so many objects, in files of 500, with so long a value each.
func manyConfigMaps(count int, value string) map[string]string {
	files := map[string]string{}
	for i := range count {
		files[fmt.Sprintf("app/m%02d.yaml", i/500)] += fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c-%05d, namespace: shop}\ndata: {a: %q}\n", i, value)
	}
	return files
}

func TestDiff_TenThousandChangedObjectsAreCountedAndEachReportFits(t *testing.T) {
	base, head := twoFolders(t, map[string]map[string]string{"base": manyConfigMaps(10_000, "one"), "head": manyConfigMaps(10_000, "two")})
	code, reports := reportsOf(t, base, head)
	if code != exitAllowed || !strings.Contains(reports["text"], "10000 changed") {
		t.Errorf("exit code %d: %.600s", code, reports["text"])
	}
	checkSizes(t, reports)
}

func TestDiff_ALargeDiffIsCutInEachReport(t *testing.T) {
	base, head := twoFolders(t, map[string]map[string]string{
		"base": manyConfigMaps(500, strings.Repeat("one ", 5000)), "head": manyConfigMaps(500, strings.Repeat("two ", 5000)),
	})
	code, reports := reportsOf(t, base, head)
	if code != exitAllowed || !strings.Contains(reports["text"], "500 changed") {
		t.Errorf("exit code %d: %.600s", code, reports["text"])
	}
	checkSizes(t, reports)
}

// checkSizes demands of every report what can be read, posted or uploaded.
func checkSizes(t *testing.T, reports map[string]string) {
	t.Helper()
	for format, most := range map[string]int{"text": 1 << 20, "markdown": 65_536, "html": 16 << 20, "json": 16 << 20, "sarif": 10 << 20} {
		if size := len(reports[format]); size == 0 || size > most {
			t.Errorf("%s has %d bytes, at most %d are allowed", format, size, most)
		}
	}
}

// TestDiff_AFileNameIsTextInEachReport has a file named by somebody who wants a
// reader, a robot or a terminal to do something.
func TestDiff_AFileNameIsTextInEachReport(t *testing.T) {
	name := "app/ a b\n::error::x\n<img src=x onerror=alert(1)>\x1b[2J@platform.yaml"
	text := manyConfigMaps(1, "one")["app/m00.yaml"]
	base, head := twoFolders(t, map[string]map[string]string{"base": {name: text}, "head": {name: strings.Replace(text, "one", "two", 1)}})
	code, reports := reportsOf(t, base, head)
	if code != exitAllowed || !strings.Contains(reports["text"], "1 changed") {
		t.Errorf("exit code %d: %s", code, reports["text"])
	}
	for format, report := range reports {
		if strings.Contains(report, "\n::error::") || strings.Contains(report, "\x1b[2J") {
			t.Errorf("%s has a line or an escape of the name: %.2000q", format, report)
		}
	}
	// In Markdown it stands between backticks, in one line.
	if strings.Contains(reports["html"], "<img") || !strings.Contains(reports["markdown"], "`app/ a b\\n::error::x\\n<img") {
		t.Errorf("a name is markup: %.2000q", reports["markdown"])
	}
}
