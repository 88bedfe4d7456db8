package page_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/preview/page"
)

var (
	update = flag.Bool("update", false, "rewrite the golden files")
	pages  = flag.String("pages", "", "a folder to write pages into, for the test in a browser")
)

func write(t testing.TB, format string, r change.Report, o page.Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := page.Write(&out, format, r, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func options() page.Options {
	return page.Options{Rule: somePages, Version: "v1.2.3", Link: "https://ci.example.com/jobs/1?a=b&c=(d)"}
}

func TestWrite_EveryFormatIsGolden(t *testing.T) {
	for name, r := range map[string]change.Report{"empty": empty(), "rich": rich(), "hostile": hostile()} {
		for _, format := range page.Formats() {
			t.Run(name+"/"+format, func(t *testing.T) {
				got := write(t, format, r, options())
				if format == "html" {
					got = withoutCode(got)
				}
				path := filepath.Join("testdata", name+"."+format)
				if *update {
					if err := os.MkdirAll("testdata", 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatalf("%v; run the test with -update to write it", err)
				}
				if string(want) != got {
					t.Errorf("%s differs; run the test with -update and read the difference", path)
				}
			})
		}
	}
}

func TestWrite_AnUnknownFormatIsAnErrorThatListsThem(t *testing.T) {
	err := page.Write(&bytes.Buffer{}, "yaml", empty(), page.Options{})
	if err == nil || !strings.Contains(err.Error(), `"yaml"`) || !strings.Contains(err.Error(), strings.Join(page.Formats(), ", ")) {
		t.Error(err)
	}
	for _, o := range []page.Options{{Width: -1}, {Characters: 100}, {Characters: -1}} {
		if page.Write(&bytes.Buffer{}, "text", empty(), o) == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWrite_AWriterThatFailsIsAnError(t *testing.T) {
	for _, format := range page.Formats() {
		if err := page.Write(full{}, format, rich(), page.Options{}); err == nil || !strings.Contains(err.Error(), format) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestWrite_NothingSteersATerminal(t *testing.T) {
	for _, format := range page.Formats() {
		text := write(t, format, hostile(), options())
		for _, bad := range []string{"\x1b", "\u202e", "\x00"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q", format, bad)
			}
		}
	}
}
