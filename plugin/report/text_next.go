package report

import (
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// step is one thing that a reader can do next.
type step struct {
	rules   []string
	command string // a space is put between it and the path
	says    string
}

func steps() []step {
	return []step{
		{[]string{"image/no-trust-rule", "image/not-signed", "image/not-trusted"}, "assay init",
			"lists who signed each image and proposes a gate to review"},
		{[]string{"image/not-locked", "image/lock-drift"}, "assay lock",
			"writes the digests that the registry answers into " + plugin.LockFile},
		{[]string{"render/dependency"}, "assay vendor",
			"brings the chart's dependencies into the tree"},
	}
}

// mostExplained is the number of rules whose explanation is proposed.
const mostExplained = 3

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
		if slices.ContainsFunc(rules, func(rule string) bool { return slices.Contains(s.rules, rule) }) {
			p.proposal(s.command+" "+shellWord(path), s.says)
		}
	}
	for i, rule := range rules {
		if i == mostExplained {
			break
		}
		p.proposal("assay explain "+shellWord(rule), "says what the rule asks for, why, and who may waive it")
	}
	if unanswered {
		p.proposal("run it again", "for what had no answer: something could not be looked at, which is not a no")
	}
}

func (p *page) proposal(command, says string) {
	const column = 44
	p.out.WriteString("  ")
	p.put(span{text: command})
	p.out.WriteString(strings.Repeat(" ", max(2, column-len(neutral(command)))))
	p.put(span{faint, says})
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
