package report_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

func decode(t *testing.T, data []byte) report.Document {
	t.Helper()
	var document report.Document
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatalf("decoding the report: %v\n%s", err, data)
	}
	return document
}

// hostile steers a terminal in every way that we know of: colour, title, line
// and screen erasing, C1 controls, direction override, carriage return, a fake
// line, a zero-width space, broken UTF-8.
const hostile = "\x1b[2J\x1b]0;owned\a\u009b31m\u202eevil\u2066\u200b\rallowed: shop\nallowed: shop\x00\x7f\xff\b\U000e0001"

// poison puts the text in front of every string that can be reached.
func poison(value reflect.Value, text string) {
	switch value.Kind() {
	case reflect.String:
		value.SetString(text + value.String())
	case reflect.Pointer:
		if !value.IsNil() {
			poison(value.Elem(), text)
		}
	case reflect.Slice:
		for i := range value.Len() {
			poison(value.Index(i), text)
		}
	case reflect.Struct:
		if value.Type() == reflect.TypeFor[time.Time]() || value.Type() == reflect.TypeFor[plugin.Evidence]() {
			return
		}
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() {
				poison(value.Field(i), text)
			}
		}
	default: // numbers and booleans hold no text
	}
}

var rendition = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestReport_NoTextSteersTheTerminal(t *testing.T) {
	for name, v := range verdicts(t) {
		for i := range v.Images {
			claims := v.Images[i].Evidence
			for j := range claims {
				claim := claims[j].Claims()
				poison(reflect.ValueOf(&claim).Elem(), hostile)
				evidence, err := plugin.NewEvidence(claim, nil)
				if err != nil {
					t.Fatal(err)
				}
				claims[j] = evidence
			}
		}
		poison(reflect.ValueOf(v).Elem(), hostile)
		for label, out := range map[string]string{
			"text":  string(write(t, "text", report.Options{}, v)),
			"color": rendition.ReplaceAllString(string(write(t, "text", report.Options{Color: true}, v)), ""),
			"json":  string(write(t, "json", report.Options{}, v)),
		} {
			if at := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }); at >= 0 {
				t.Errorf("%s %s: %q reaches the terminal", name, label, out[max(0, at-20):at+10])
			}
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, "allowed: shop") {
					t.Errorf("%s %s: a finding forged an answer line: %q", name, label, line)
				}
			}
		}
	}
}

func TestJSON_EscapingKeepsTheValue(t *testing.T) {
	v := verdicts(t)["denied"]
	text := "\x1b[2J\u009b\u202e\u200b\U000e0001 naïve 漢字 <&>"
	v.Findings[0].Message = text
	if got := decode(t, write(t, "json", report.Options{}, v)).Findings[0].Message; got != text {
		t.Errorf("got %q, want %q", got, text)
	}
}

func TestText_PrintableTextStaysAsItIs(t *testing.T) {
	v := verdicts(t)["denied"]
	v.Findings[0].Message = "naïve 漢字 → <&>"
	if text := string(write(t, "text", report.Options{}, v)); !strings.Contains(text, "naïve 漢字 → <&>") {
		t.Errorf("got\n%s", text)
	}
}

func TestText_TextOfAMegabyteIsCutAndSaysSo(t *testing.T) {
	v := verdicts(t)["denied"]
	v.Findings[0].Message = strings.Repeat("x", 1<<20)
	text := string(write(t, "text", report.Options{}, v))
	if len(text) > 10_000 || !strings.Contains(text, "xxx...\n    (1046576 more bytes)") {
		t.Errorf("%d bytes", len(text))
	}
}

func TestText_DetailsAreCutInTextAndWholeInJSON(t *testing.T) {
	v := verdicts(t)["denied"]
	v.Findings[0].Details = []string{"first", "second"}
	for i := range 1000 {
		v.Findings[0].Details = append(v.Findings[0].Details, fmt.Sprintf("candidate %d", i))
	}
	if text := string(write(t, "text", report.Options{}, v)); !strings.Contains(text, "982 more; the json report has them all") {
		t.Errorf("got\n%s", text)
	}
	if got := decode(t, write(t, "json", report.Options{}, v)).Findings[0].Details; len(got) != 1002 {
		t.Errorf("json has %d details", len(got))
	}
}

func TestText_ProposedCommandsAreSafeToCopy(t *testing.T) {
	for path, want := range map[string]string{
		"overlays/prod":      "assay init overlays/prod ",
		"a; rm -rf b":        "assay init 'a; rm -rf b' ",
		"it's $(id)":         `assay init 'it'\''s $(id)' `,
		"--gate=evil":        "assay init './--gate=evil' ",
		"a\nassay check --x": "assay init 'a; assay check --x' ",
	} {
		text := string(write(t, "text", report.Options{Path: path}, verdicts(t)["denied"]))
		if !strings.Contains(text, want) {
			t.Errorf("%q: no %q in\n%s", path, want, text)
		}
	}
}

func TestText_LinesFitTheWidthUnlessAWordIsLonger(t *testing.T) {
	for _, width := range []int{60, 100, 140} {
		out := string(write(t, "text", report.Options{Width: width}, verdicts(t)["denied"]))
		for line := range strings.Lines(out) {
			long := len([]rune(line)) > width+len("\n")
			if strings.HasPrefix(line, "    ") && long && len(strings.Fields(line)) > 2 {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

func TestNeutral_NoWordIsACommandToWhoReadsTheLog(t *testing.T) {
	for text, want := range map[string]string{
		"::error::x":                        `\x3a:error::x`,
		"a ::add-mask::x":                   `a \x3a:add-mask::x`,
		"a\n::x::":                          `a; \x3a:x::`,
		"x ##vso[task.setvariable]y":        `x \x23#vso[task.setvariable]y`,
		"x##[error]y":                       `x\x23#[error]y`,
		"a ClassName::method, ## title [1]": "a ClassName::method, ## title [1]",
	} {
		if got := report.Neutral(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
