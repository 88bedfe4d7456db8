package report

import (
	"os"
	"strings"
	"testing"
)

// A rule that was renamed would silently lose its next step.
func TestNext_EveryRuleOfAStepHasItsPage(t *testing.T) {
	for _, s := range steps() {
		for _, rule := range s.rules {
			if _, err := os.Stat("../../docs/rules/" + strings.ReplaceAll(rule, "/", "-") + ".md"); err != nil {
				t.Errorf("%s is proposed for %s, which is no rule: %v", s.command, rule, err)
			}
		}
	}
}
