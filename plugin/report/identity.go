package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"

	"github.com/assay-gitops/assay/plugin"
)

// ID names a verdict by what stops it. The same denial has the same id at each
// time that it is judged, so that a condition does not change when nothing did.
func ID(v *plugin.Verdict) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %q %q %q", v.Application.Name, v.Application.Project, v.Application.SourceNamespace, v.Path, v.Outcome())
	for _, finding := range v.Findings {
		if finding.Level != plugin.Info {
			fmt.Fprintf(sum, "\n%q %q %q %q %q %q", finding.Rule, finding.Level, finding.Subject(), finding.Field, finding.Digest, steady(finding.Message))
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// ownPort is this side's address of a connection, which is another one each
// time.
var ownPort = regexp.MustCompile(`(tcp|udp) \S+:\d+->`)

// steady leaves out of a message what changes when nothing did.
func steady(message string) string { return ownPort.ReplaceAllString(message, "$1 ") }

// Lasting reports whether asking again gets no answer either: nothing has to
// wait but for somebody's change.
func Lasting(v *plugin.Verdict) bool {
	unanswered := 0
	for _, finding := range v.Findings {
		if finding.Level == plugin.Undetermined {
			if !finding.Lasting {
				return false
			}
			unanswered++
		}
	}
	return unanswered > 0
}
