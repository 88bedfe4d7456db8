package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// TestCheck_BaselineIsOfWhatIsDeniedAlone: what had no answer and what the
// verdict leaves out are never waived, and the exit code is the verdict's.
func TestCheck_BaselineIsOfWhatIsDeniedAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*world)
		code   int
		says   []string
		writes bool
	}{
		"denied":  {func(*world) {}, exitDenied, []string{"wrote ", ": 1 waiver until "}, true},
		"allowed": {func(w *world) { w.sign(trusted()) }, exitAllowed, []string{"nothing is denied; nothing was written"}, false},
		"undetermined": {
			func(w *world) { w.server.SetFault(failing(ociserver.Fault{Status: http.StatusForbidden})) }, exitUndetermined,
			[]string{"nothing that is denied can be waived; nothing was written", "not waived: image/", "it had no answer, which is never waived"}, false,
		},
		"cut": {
			func(w *world) {
				w.limits["findingsPerVerdict"] = 1
				w.write("app/other.yaml", strings.ReplaceAll(deploymentOf(w.image), "name: web", "name: other")+"      hostNetwork: true\n")
			}, exitDenied, []string{"the verdict leaves findings out; raise findingsPerVerdict"}, false,
		},
		"never": {
			func(w *world) { w.spec = "  waiverTerms: {never: [image/*]}\n" }, exitDenied,
			[]string{"nothing that is denied can be waived; nothing was written", "spec.waiverTerms.never"}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.change(w)
			file := filepath.Join(t.TempDir(), "baseline.yaml")
			w.args = []string{
				"--write-baseline", file, "--owner", "team-a", "--approver", "platform@example.com", "--reason", "adoption",
				"--reference", "https://tickets.example.com/17", "--until", inDays(30),
			}
			got := w.run("check")
			if got.code != test.code || got.out == "" {
				t.Errorf("exit code %d:\n%s%s", got.code, got.out, got.err)
			}
			for _, part := range test.says {
				if !strings.Contains(got.err, part) {
					t.Errorf("it does not say %q:\n%s", part, got.err)
				}
			}
			if _, err := os.Stat(file); (err == nil) != test.writes {
				t.Errorf("the file: %v", err)
			}
		})
	}
}
