package setup_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
)

func waiverOf(rule string) string {
	return "  waivers:\n  - rule: " + rule + `
    image: registry.example.com/team-a/web
    content: sha256:` + strings.Repeat("0", 64) + `
    owner: team-a
    reason: it moves
    reference: "17"
    approver: platform@example.com
    until: 2026-12-31
`
}

func TestWarnings_WaiverOfARuleThatDoesNotExistIsTold(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	own := strings.Replace(rule, "EXPRESSION", "true", 1)
	for written, says := range map[string]string{
		"image/not-signed": "", "image/not-sgned": `; did you mean "image/not-signed"?`,
		"policy/few-replicas": "", "policy/fewer-replicas": "",
		"pss/hostPorts": "", "zzz/qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq": "",
	} {
		made, err := setup.New(setup.Options{Config: s.load(s.base("team-a", waiverOf(written)), own)})
		s.need(err)
		made.Close()
		warned := ""
		for _, warning := range made.Warnings() {
			if warning.Rule == "gate/unknown-rule" {
				warned += warning.Message
				if warning.Level != plugin.Warn || warning.Origin.Line == 0 || warning.Gate != "team-a" || warning.Hint == "" {
					t.Errorf("%s: %+v", written, warning)
				}
			}
		}
		exists := written == "image/not-signed" || written == "policy/few-replicas" || written == "pss/hostPorts"
		want := `waiver names rule "` + written + `", which does not exist` + says
		if exists != (warned == "") || !exists && !strings.HasPrefix(warned, want) {
			t.Errorf("%s: %q", written, warned)
		}
	}
}

func TestNew_LevelOfARuleThatDoesNotExistIsRefused(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	config := func(rule string) *gate.Config {
		return s.load(s.base("team-a", "  judge:\n    rules: [{rule: "+rule+", level: Warn}]\n"))
	}
	if _, err := setup.New(setup.Options{Config: config("image/not-pined")}); err == nil || !strings.Contains(err.Error(), `did you mean "image/not-pinned"?`) {
		t.Errorf("got %v", err)
	}
	made, err := setup.New(setup.Options{Config: config("image/not-pinned")})
	s.need(err)
	made.Close()
}
