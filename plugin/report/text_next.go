package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assay-gitops/assay/plugin"
)

// step is one thing that a reader can do next.
type step struct {
	rules   []string
	command string // a space is put between it and the path
	// inFolder commands write beside the application, which standard input lacks.
	inFolder bool
	says     string
}

func steps() []step {
	return []step{
		{[]string{"image/no-trust-rule", "image/not-signed", "image/not-trusted"}, "assay init", false,
			"lists who signed each image and proposes a gate to review"},
		{[]string{"image/not-locked", "image/lock-drift"}, "assay lock", true,
			"writes the digests that the registry answers into " + plugin.LockFile},
		{[]string{"render/dependency"}, "assay vendor", true,
			"brings the chart's dependencies into the tree"},
	}
}

// mostExplained is the number of rules whose explanation is proposed.
const mostExplained = 8

// next ends the report with commands that fit what was found.
func (p *page) next(v *plugin.Verdict, path string) {
	rules := rulesToExplain(v.Findings)
	unanswered := v.Count(plugin.Undetermined) > 0
	if len(rules) == 0 && !unanswered {
		return
	}
	p.blank()
	p.line(0, span{strong, "next"})
	for _, s := range steps() {
		fits := slices.ContainsFunc(rules, func(rule string) bool { return slices.Contains(s.rules, rule) })
		switch {
		case !fits || path == "-" && s.inFolder:
		case path == "-":
			p.proposal(s.command+" -", s.says)
		default:
			p.proposal(s.command+" "+shellWord(path), s.says)
		}
	}
	p.explanations(rules)
	if unanswered {
		p.proposal("run it again", "for what had no answer, which is not a no")
	}
}

// explanations proposes to read about the rules.
func (p *page) explanations(rules []string) {
	const says = "says why a rule exists and how to satisfy it"
	switch count := len(rules); {
	case count == 1:
		p.proposal("assay explain "+shellWord(rules[0]), says)
	case count > mostExplained:
		p.proposal("assay explain RULE", fmt.Sprintf("%s: %s, and %d more", says, strings.Join(rules[:mostExplained], ", "), count-mostExplained))
	case count > 1:
		p.proposal("assay explain RULE", says+": "+strings.Join(rules, ", "))
	}
}

// proposal is a command and what it does: beside it, or below it where the
// terminal is too narrow for two columns.
func (p *page) proposal(command, says string) {
	const indent, column, least = 2, 40, 30
	command = neutral(command)
	p.out.WriteString(strings.Repeat(" ", indent))
	p.put(span{text: command})
	at := column
	if p.width-column < least {
		at = 2 * indent
	}
	room := at - indent - utf8.RuneCountInString(command)
	for i, text := range wrap(neutral(says), p.width-at) {
		if i == 0 && room >= 2 {
			p.out.WriteString(strings.Repeat(" ", room))
		} else {
			p.out.WriteString("\n" + strings.Repeat(" ", at))
		}
		p.put(span{faint, text})
	}
	p.out.WriteByte('\n')
}

// rulesToExplain are the rules of blocking findings, else of audited ones, else
// of warnings; each once, the worst first.
func rulesToExplain(findings []plugin.Finding) []string {
	classes := []func(plugin.Finding) bool{
		func(f plugin.Finding) bool { return f.Level.Blocks() && f.Level != plugin.Undetermined },
		func(f plugin.Finding) bool { return f.Audited },
		func(f plugin.Finding) bool { return f.Level == plugin.Warn },
	}
	for _, class := range classes {
		var rules []string
		for _, finding := range findings {
			if class(finding) && !slices.Contains(rules, finding.Rule) {
				rules = append(rules, finding.Rule)
			}
		}
		if len(rules) > 0 {
			return rules
		}
	}
	return nil
}
