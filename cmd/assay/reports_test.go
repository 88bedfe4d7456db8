package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/examples/showcase"
)

// documented are the commands of the page, in order, and its YAML blocks.
func documented(t *testing.T, page string) (commands [][]string, blocks []string) {
	t.Helper()
	data, err := os.ReadFile(page)
	must(t, err)
	for i, part := range strings.Split(string(data), "```") {
		language, text, _ := strings.Cut(part, "\n")
		switch {
		case i%2 == 0:
		case language == "yaml":
			blocks = append(blocks, text)
		case language == "sh":
			for line := range strings.Lines(text) {
				commands = append(commands, words(strings.ReplaceAll(line, "{{in 30 days}}", inDays(30))))
			}
		}
	}
	return commands, blocks
}

// words splits a command as a shell does, as far as the page needs it.
func words(line string) []string {
	var out []string
	for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
		out = append(out, strings.Trim(word, `"`))
	}
	return out
}

// TestReports_ThePagesCommandsDoWhatItSays runs every command of the page on
// the showcase.
func TestReports_ThePagesCommandsDoWhatItSays(t *testing.T) {
	commands, blocks := documented(t, filepath.Join(repository, "../../docs/reports.md"))
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	show, err := showcase.Start(t.Context(), t.TempDir())
	must(t, err)
	t.Cleanup(func() { _ = show.Close() })
	t.Chdir(show.Dir)
	must(t, os.Mkdir(".git", 0o755))
	must(t, os.Rename(newAttester(t).key, "cosign.key"))
	codes := ""
	for _, command := range commands {
		var out, failed bytes.Buffer
		if command[0] != "assay" {
			t.Fatalf("the page has a command of something else: %v", command)
		}
		code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: &failed}, command[1:])
		if code > exitDenied {
			t.Errorf("%v: exit code %d: %s", command, code, failed.String())
		}
		codes += string(rune('0' + code))
	}
	if codes != "010011101" { // the baseline leaves what nothing waives, so cart stays denied
		t.Errorf("exit codes %s", codes)
	}
	for _, file := range []string{"assay.sarif", "assay.xml", "assay.md", "report.yaml", "baseline.yaml", "cart.json", "shop.json", "all.yaml"} {
		if data, err := os.ReadFile(file); err != nil || len(data) == 0 {
			t.Errorf("%s: %d bytes, %v", file, len(data), err)
		}
	}
	for _, block := range blocks {
		var workflow any
		must(t, yaml.Unmarshal([]byte(block), &workflow))
	}
}

// volatile is what differs from one showcase to the next.
var volatile = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`sha256([:-])[0-9a-f]{12,64}`), "sha256${1}0"},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "127.0.0.1:5000"},
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:]{8}(\.[0-9]+)?Z?)?`), "2026-11-23"},
	{regexp.MustCompile(`seconds: [0-9]+`), "seconds: 0"},
	{regexp.MustCompile(`nanos: [0-9]+`), "nanos: 0"},
	{regexp.MustCompile(`"version": "[^"]*-[^"]*"|"version": "devel[^"]*"|"version": "v0[^"]*"`), `"version": "devel"`},
}

// TestReports_OfTheShowcase: what a reader gets of an application that is
// allowed and of one that is denied for several reasons, in every format.
func TestReports_OfTheShowcase(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	show, err := showcase.Start(t.Context(), t.TempDir())
	must(t, err)
	t.Cleanup(func() { _ = show.Close() })
	t.Chdir(show.Dir)
	must(t, os.Mkdir(".git", 0o755))
	for name, path := range map[string]string{"shop": "shop/overlays/prod", "cart": "cart"} {
		args := []string{"check", path, "--gate", "gate", "--project", "team-a", "--namespace", "shop"}
		files := map[string]string{"sarif": ".sarif", "junit": ".junit.xml", "markdown": ".md", "policyreport": ".policyreport.yaml", "openreports": ".openreports.yaml"}
		for format, ending := range files {
			args = append(args, "--report", format+"="+name+ending)
		}
		var out bytes.Buffer
		if code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: &out}, args); code > exitDenied {
			t.Fatal(out.String())
		}
		for _, ending := range files {
			data, err := os.ReadFile(name + ending)
			must(t, err)
			text := string(data)
			for _, each := range volatile {
				text = each.pattern.ReplaceAllString(text, each.with)
			}
			file := filepath.Join(repository, "testdata", "reports", name+ending)
			if *update {
				must(t, os.WriteFile(file, []byte(text), 0o644))
			}
			if want, err := os.ReadFile(file); err != nil || string(want) != text {
				t.Errorf("%s is not what is written (%v); read the difference after: go test ./cmd/assay -run Reports -update", file, err)
			}
		}
	}
}
