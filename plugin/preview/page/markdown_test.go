package page_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/preview/page"
)

// structure reads a comment line by line and fails on what is open at its end,
// on a row without the columns of its table, and on what is no text of ours
// outside of code.
func structure(t *testing.T, text string) {
	t.Helper()
	fence, folds, columns := "", 0, 0
	border := regexp.MustCompile(`(^|[^\\])\|`)
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "/") || fence == "" && strings.HasPrefix(strings.TrimSpace(line), "/") {
			t.Fatalf("line %d is a command: %q", i, line)
		}
		if fence != "" {
			if line == fence {
				fence = ""
			}
			continue
		}
		switch {
		case strings.HasSuffix(line, "diff") && strings.HasPrefix(line, "```"):
			fence = strings.TrimSuffix(line, "diff")
			continue
		case strings.HasPrefix(line, "<details>"):
			folds++
		case strings.HasPrefix(line, "</details>"):
			folds--
		}
		if !strings.HasPrefix(line, "|") {
			columns = 0
			plain(t, i, line)
			continue
		}
		count := len(border.FindAllString(line, -1))
		if columns == 0 {
			columns = count
		}
		if count != columns {
			t.Fatalf("line %d has %d borders and not %d: %q", i, count, columns, line)
		}
		plain(t, i, line)
	}
	if fence != "" || folds != 0 {
		t.Fatalf("fence %q and %d folds are open at the end", fence, folds)
	}
}

// spans are code spans: as many backticks at the end as at the beginning.
func withoutSpans(line string) string {
	var out strings.Builder
	for line != "" {
		start := strings.Index(line, "`")
		if start > 0 && line[start-1] == '\\' { // an escaped one begins nothing
			out.WriteString(line[:start+1])
			line = line[start+1:]
			continue
		}
		if start < 0 {
			break
		}
		out.WriteString(line[:start])
		rest := strings.TrimLeft(line[start:], "`")
		fence := line[start : len(line)-len(rest)]
		end := regexp.MustCompile("[^`](" + fence + ")([^`]|$)").FindStringSubmatchIndex(rest)
		if end == nil {
			return out.String() + line[start:]
		}
		line = rest[end[3]:]
	}
	return out.String() + line
}

// plain fails on what a service would take for mark-up, a link or a mention.
func plain(t *testing.T, number int, line string) {
	t.Helper()
	bare := withoutSpans(line)
	if strings.HasPrefix(line, "<details><summary>") { // HTML: neither Markdown nor its escapes are read in it
		bare = regexp.MustCompile(`<code>[^<]*</code>`).ReplaceAllString(line, "")
	}
	for _, ours := range []string{"<br>", "<sub>", "</sub>", "<details>", "</details>", "<summary>", "</summary>", "<!-- assay-diff:default -->", "(https://docs.example.com/", "(<https://ci.example.com/jobs/1?a=b&c=(d)>)"} {
		bare = strings.ReplaceAll(bare, ours, "")
	}
	bare = strings.NewReplacer(`\://`, "", `\]`, "", `\[`, "").Replace(bare) // what is escaped is no mark-up
	for _, bad := range []string{"<", "@team", "#1", "GH-2", "[x](", "](http", "![", "://", "www.evil", "!3", "~bug", "%4", "$5", "&6", "&amp;6", "&#36;5"} {
		if strings.Contains(bare, bad) {
			t.Fatalf("line %d has %q: %q of %q", number, bad, bare, line)
		}
	}
	if strings.HasPrefix(line, "# ") {
		t.Fatalf("a heading of another: %q", line)
	}
}

func TestMarkdown_WhatOthersWroteIsText(t *testing.T) {
	for name, r := range map[string]change.Report{"rich": rich(), "hostile": hostile(), "empty": empty()} {
		t.Run(name, func(t *testing.T) { structure(t, write(t, "markdown", r, options())) })
	}
}

func TestMarkdown_BeginsWithTheMarkerOfItsID(t *testing.T) {
	o := options()
	o.ID = "team-a/shop --> <script>"
	text := write(t, "markdown", empty(), o)
	if first, _, _ := strings.Cut(text, "\n"); first != "<!-- assay-diff:team-a/shop______script_ -->" || first != page.MarkdownMarker(o.ID) {
		t.Errorf("%q", first)
	}
	if page.MarkdownMarker("a") == page.MarkdownMarker("b") {
		t.Error("two ids have one marker")
	}
}

// The summary has every count, whatever is cut.
func TestMarkdown_IsNeverLongerThanTheLimitAndAlwaysWhole(t *testing.T) {
	wide := hostile()
	for range 200 {
		wide.Applications = append(wide.Applications, wide.Applications[0])
		wide.Unseen = append(wide.Unseen, wide.Unseen[0])
	}
	emoji := many(3, 50, 3, 2)
	for i := range emoji.Applications[0].Objects {
		emoji.Applications[0].Objects[i].Fields[0].Now = strings.Repeat("\U0001f600", 900)
	}
	reports := map[string]change.Report{
		"rich": rich(), "hostile": wide, "emoji": emoji, "one large": many(1, 10_000, 2, 3), "applications": many(700, 2, 2, 2),
		"denials": many(2, 1, 1, 4000), "fields": many(1, 1, 20_000, 0),
	}
	limits := []int{page.GitHubCharacters, page.GitLabCharacters}
	for limit := 8_000; limit < 90_000; limit += 9_571 {
		limits = append(limits, limit)
	}
	for name, r := range reports {
		t.Run(name, func(t *testing.T) {
			for _, limit := range limits {
				o := options()
				o.Characters = limit
				text := write(t, "markdown", r, o)
				if length := len(utf16.Encode([]rune(text))); length > limit {
					t.Fatalf("%d characters and not %d", length, limit)
				}
				structure(t, text)
				if want := fmt.Sprintf("%d new denial", r.Summary.NewDenials); r.Summary.NewDenials > 0 && strings.Count(text, want) < 2 {
					t.Fatalf("%d: the count of new denials is missing", limit)
				}
				if !strings.Contains(text, "[the whole report](<https://ci.example.com/jobs/1?a=b&c=(d)>)") {
					t.Fatalf("%d: the link is missing", limit)
				}
			}
		})
	}
}

func TestMarkdown_WhatIsCutIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		r    change.Report
		want string
	}{
		"objects":      {many(1, 10_000, 2, 0), `and \d{4} objects more, which did not fit`},
		"applications": {many(700, 2, 2, 0), `- and \d{3} applications more`},
		"denials":      {many(1, 1, 1, 4000), `and 3950 rows more, which did not fit`},
		"fields":       {many(1, 1, 20_000, 0), `\.\.\. \d{5} lines more`},
	} {
		if text := write(t, "markdown", c.r, options()); !regexp.MustCompile(c.want).MatchString(text) {
			t.Errorf("%s: no %s in %d characters, which end in %q", name, c.want, len(text), text[max(0, len(text)-500):])
		}
	}
	if text := write(t, "markdown", rich(), options()); strings.Contains(text, "did not fit") {
		t.Error("something is cut though there is room")
	}
}

func TestMarkdown_TheMostImportantComesFirst(t *testing.T) {
	text := write(t, "markdown", rich(), options())
	last := 0
	for _, part := range []string{"2 new denials", "New denials (2)", "New, and without an answer (1)", "What changes in whom you trust", "Not seen (2)", "Application argocd/checkout</code>", "Kustomization flux-system/search</code>", "the whole report"} {
		at := strings.Index(text[last:], part)
		if at < 0 {
			t.Fatalf("no %q behind what comes before it", part)
		}
		last += at
	}
}

func TestMarkdown_OneLargeApplicationLeavesRoomForTheNext(t *testing.T) {
	r := many(1, 10_000, 2, 1)
	r.Applications = append(r.Applications, rich().Applications...)
	text := write(t, "markdown", r, options())
	for _, a := range r.Applications {
		if !strings.Contains(text, a.Name) {
			t.Errorf("%s is not named", a.Name)
		}
	}
}
