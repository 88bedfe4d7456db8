package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the README's picture of the demo anew")

const (
	readme       = "../../README.md"
	pictureBegin = "<!-- demo:denied -->\n"
	pictureEnd   = "<!-- /demo:denied -->"
)

// changing is what differs from one demo to the next.
var changing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`judged at [0-9 :Z-]+`), "judged at 2026-11-23 09:00:00Z"},
	{regexp.MustCompile(`signed by key sha256:[0-9a-f]{12}`), "signed by key sha256:3f786850e387"},
	{regexp.MustCompile(`\) on [0-9-]{10}, rule`), ") on 2026-11-23, rule"},
}

// TestREADME_ShowsWhatTheDemoPrints: the picture in the README is the output
// of the command above it.
func TestREADME_ShowsWhatTheDemoPrints(t *testing.T) {
	t.Chdir(t.TempDir()) // the demo changes the working directory; this puts it back
	var out bytes.Buffer
	if err := demo(context.Background(), streams{in: strings.NewReader(""), out: &out, err: &out}, "demo"); err != nil {
		t.Fatal(err)
	}
	_, denied, found := strings.Cut(out.String(), "told at once.\n")
	picture, _, ended := strings.Cut(denied, "\n# ")
	if !found || !ended {
		t.Fatalf("the demo has no denied application:\n%s", out.String())
	}
	for _, each := range changing {
		picture = each.pattern.ReplaceAllString(picture, each.with)
	}
	t.Chdir(repository)
	comparePicture(t, "```console\n"+picture+"```\n")
}

// repository is this package's folder, before any test changes it.
var repository, _ = os.Getwd()

func comparePicture(t *testing.T, picture string) {
	t.Helper()
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(data), pictureBegin)
	shown, after, ended := strings.Cut(rest, pictureEnd)
	if !begun || !ended {
		t.Fatal("the README has no place for the picture")
	}
	if shown == picture {
		return
	}
	if !*update {
		t.Fatalf("the README shows something else than the demo prints; write it with: go test ./cmd/assay -run README -update\n%s", picture)
	}
	if err := os.WriteFile(readme, []byte(before+pictureBegin+picture+pictureEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
