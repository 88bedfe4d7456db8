package report

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// mostRevision bounds a revision that is no commit, in bytes.
const mostRevision = 100

// lastAllowed is the line about what passed before a denial, and how to learn
// whether it passes now, which is not known here.
func (d Door) lastAllowed(v *plugin.Verdict) string {
	last := v.LastAllowed
	if v.Outcome() != plugin.Denied || last.Revision == "" {
		return ""
	}
	line := fmt.Sprintf("the last other revision that passed, as far as %s knows: %s, judged at %s", d.Log, shortRevision(last.Revision), last.Time.UTC().Format(time.RFC3339))
	if d.LastGood != "" {
		// What Argo CD names "<namespace>_<name>" is written with a slash.
		line += "; whether it passes now: " + d.LastGood + " " + shellWord(strings.Replace(v.Application.Name, "_", "/", 1))
	}
	return "\n" + cut(line, mostCondition/4)
}

// shortRevision is enough of a commit to name it. Another revision is in quotes
// unless it is plain, so that nothing in it reads as the line's own words.
func shortRevision(revision string) string {
	const sha1, sha256 = 20, 32 // bytes
	if sum, err := hex.DecodeString(revision); err == nil && (len(sum) == sha1 || len(sum) == sha256) {
		return revision[:12]
	}
	return shellWord(cut(revision, mostRevision))
}
