package report_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// secondLine is the line that says by what it was judged, in one piece.
func secondLine(t *testing.T, options report.Options, v *plugin.Verdict) string {
	t.Helper()
	options.Width = 1000
	return strings.Split(string(write(t, "text", options, v)), "\n")[1]
}

func TestText_HeadSaysWhatTheReaderChoseOrLeftOut(t *testing.T) {
	const builtIn, lenient, project = "built in; none was given: 'assay init' proposes one", "lenient: images that no trust rule covers only warn", "project: not given"
	known := complete(t, []string{"default"}, nil, privileged())
	unknown := complete(t, []string{"default"}, nil, privileged())
	unknown.Application.Project = ""
	for _, c := range []struct {
		name    string
		options report.Options
		v       *plugin.Verdict
		says    string
	}{
		{"a gate", report.Options{}, unknown, ""},
		{"no gate", report.Options{BuiltIn: true}, known, builtIn},
		{"lenient", report.Options{Lenient: true}, known, lenient},
		{"no project", report.Options{ProjectNeeded: true}, unknown, project},
		{"a project", report.Options{ProjectNeeded: true}, known, ""},
	} {
		line := secondLine(t, c.options, c.v)
		for _, text := range []string{builtIn, lenient, project} {
			if strings.Contains(line, text) != (text == c.says) {
				t.Errorf("%s: %s", c.name, line)
			}
		}
	}
}

func TestText_StandardInputIsCalledSo(t *testing.T) {
	v := complete(t, []string{"starter"}, nil, privileged())
	v.Application.Name, v.Path = "", "."
	finding := privileged()
	finding.Rule = "image/not-locked"
	v.Findings = append(v.Findings, finding)
	text := string(write(t, "text", report.Options{Path: "-"}, v))
	if !strings.HasPrefix(text, "denied: standard input: ") || strings.Contains(text, "assay lock") {
		t.Errorf("got\n%s", text)
	}
	v.Application.Name = "shop"
	if text := string(write(t, "text", report.Options{Path: "-"}, v)); !strings.HasPrefix(text, "denied: shop (standard input): ") {
		t.Errorf("got\n%s", text)
	}
	if text := string(write(t, "text", report.Options{Path: "apps/shop"}, v)); strings.Contains(text, "standard input") || !strings.Contains(text, "assay lock apps/shop") {
		t.Errorf("a folder:\n%s", text)
	}
}

func TestText_NextNamesEveryRuleOnceAndAFewOfMany(t *testing.T) {
	v := complete(t, []string{"starter"}, nil)
	rules := strings.Fields("pss/a pss/b pss/c pss/d pss/e pss/f pss/g pss/h pss/i pss/j")
	for i, rule := range rules {
		finding := privileged()
		finding.Rule = rule
		v.Findings = append(v.Findings, finding, finding)
		text := strings.Join(strings.Fields(string(write(t, "text", report.Options{}, v))), " ")
		_, next, _ := strings.Cut(text, " next ")
		want := "assay explain RULE says why a rule exists and how to satisfy it: " + strings.Join(rules[:min(i+1, 8)], ", ")
		switch {
		case i == 0:
			want = "assay explain pss/a says why a rule exists and how to satisfy it"
		case i == 8:
			want += ", and 1 more"
		case i == 9:
			want += ", and 2 more"
		}
		if next != want {
			t.Errorf("%d rules:\n got %s\nwant %s", i+1, next, want)
		}
	}
}

func TestText_NextBreaksBetweenWords(t *testing.T) {
	v := verdicts(t)["denied"]
	for _, width := range []int{40, 60, 70, 80, 100} {
		_, next, found := strings.Cut(string(write(t, "text", report.Options{Width: width}, v)), "\nnext\n")
		if !found {
			t.Fatal("nothing is proposed")
		}
		for line := range strings.Lines(next) {
			if len(strings.TrimSuffix(line, "\n")) > width || !strings.HasPrefix(line, "  ") {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

func TestText_CauseStandsBeforeWhatFollowsFromIt(t *testing.T) {
	cause, follows := privileged(), privileged()
	cause.Rule, cause.Image, cause.Message = "resolve/no-answer", webImage, "429"
	follows.Rule, follows.Image, follows.Message, follows.Hint = "image/not-pinned", webImage, "the image has no digest", "see what was said about resolving it"
	cause.Level, follows.Level = plugin.Undetermined, plugin.Undetermined
	const folded = "image/not-pinned: " + webImage + ": the image has no digest (resolve/no-answer says why)"
	text := string(write(t, "text", report.Options{Width: 200}, complete(t, []string{"starter"}, nil, follows, cause)))
	for _, rule := range []string{"image/not-found", "image/not-locked", "lock/invalid", "registry/no-answer"} {
		cause := cause
		cause.Rule = rule
		if text := string(write(t, "text", report.Options{Width: 200}, complete(t, []string{"starter"}, nil, follows, cause))); !strings.Contains(text, "("+rule+" says why)") {
			t.Errorf("%s:\n%s", rule, text)
		}
	}
	first, second := strings.Index(text, "resolve/no-answer  "), strings.Index(text, folded)
	if first < 0 || second < first || strings.Contains(text, follows.Hint) {
		t.Errorf("got\n%s", text)
	}
	for name, change := range map[string]func(cause, follows *plugin.Finding){
		"another image":          func(cause, _ *plugin.Finding) { cause.Image = workerImage },
		"the image has a digest": func(_, follows *plugin.Finding) { follows.Digest = digest("1a") },
		"another rule":           func(cause, _ *plugin.Finding) { cause.Rule = "image/stale" },
	} {
		cause, follows := cause, follows
		change(&cause, &follows)
		text := string(write(t, "text", report.Options{Width: 200}, complete(t, []string{"starter"}, nil, follows, cause)))
		if strings.Contains(text, "says why)") || !strings.Contains(text, follows.Hint) {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}
