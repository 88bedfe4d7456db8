package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// unspanned takes the code spans out of a line.
func unspanned(line string) string {
	for fence := 4; fence > 0; fence-- {
		ticks := strings.Repeat("`", fence)
		line = regexp.MustCompile("(^|[^`\\\\])"+ticks+"[^`](?:[^`]|`{1,"+fmt.Sprint(max(fence-1, 1))+"}[^`])*?"+ticks).ReplaceAllString(line, "$1")
	}
	return line
}

func TestMarkdown_UntrustedTextIsText(t *testing.T) {
	text := string(write(t, "markdown", report.Options{Rule: somePages}, trickyVerdict(t)))
	for _, line := range strings.Split(text, "\n") {
		bare := line
		for _, ours := range []string{"<br>", "<sub>", "</sub>", "<details>", "</details>", "<summary>", "</summary>", "https://docs.example.com"} {
			bare = strings.ReplaceAll(bare, ours, "")
		}
		bare = strings.ReplaceAll(unspanned(bare), `\://`, "") // an escaped colon makes no address
		for _, bad := range []string{"<", "\x1b", "\u202e", "@team", "#1", " [x](", "://", " www.evil"} {
			if strings.Contains(bare, bad) {
				t.Errorf("%q in %q", bad, bare)
			}
		}
		if strings.HasPrefix(line, "# ") {
			t.Errorf("a heading: %q", line)
		}
	}
}

func TestMarkdown_RowsHaveTheColumnsOfTheirTable(t *testing.T) {
	border := regexp.MustCompile(`(^|[^\\])\|`)
	rows := 0
	for _, line := range strings.Split(string(write(t, "markdown", report.Options{}, trickyVerdict(t))), "\n") {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		rows++
		if count := len(border.FindAllString(line, -1)); count != 7 {
			t.Errorf("%d borders in %q", count, line)
		}
	}
	if rows < 4 {
		t.Errorf("%d rows", rows)
	}
}

func TestMarkdown_FirstLineIsTheAnswer(t *testing.T) {
	for name, want := range map[string]string{
		"allowed":      "### \u2705 assay: allowed: `shop (overlays/prod)`",
		"denied":       "### \u274c assay: denied: `shop (overlays/prod)`",
		"undetermined": "### \u2753 assay: undetermined: `shop (overlays/prod)`",
	} {
		text := string(write(t, "markdown", report.Options{}, verdicts(t)[name]))
		if first, _, _ := strings.Cut(text, "\n"); first != want {
			t.Errorf("%s: %q", name, first)
		}
	}
	if text := string(write(t, "markdown", report.Options{}, verdicts(t)["breakglass"])); !strings.Contains(text, "> **BREAK GLASS") {
		t.Error(text)
	}
}

func TestMarkdown_FitsIntoACommentAndSaysWhatDoesNot(t *testing.T) {
	many := make([]plugin.Finding, 3000)
	for i := range many {
		many[i] = privileged()
		many[i].Object.Name = fmt.Sprintf("web-%d", i)
		many[i].Details = []string{fmt.Sprintf("looked at %d", i)}
	}
	text := string(write(t, "markdown", report.Options{}, complete(t, []string{"starter"}, nil, many...)))
	if len(text) > 65_000 || !regexp.MustCompile(`and \d+ findings more, not shown here`).MatchString(text) {
		t.Errorf("%d bytes, ends in %q", len(text), text[max(0, len(text)-300):])
	}
	if opened, closed := strings.Count(text, "<details>"), strings.Count(text, "</details>"); opened != closed {
		t.Errorf("%d folds are opened and %d closed", opened, closed)
	}
}
