package mutate

import (
	"os"
	"strings"
	"testing"
)

// The example of docs/hardening.md does what it is there for.
func TestDocs_TheExampleSpreadsADeployment(t *testing.T) {
	page, err := os.ReadFile("../../docs/hardening.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "## Mutations of the platform's own")
	_, example, begins := strings.Cut(section, "```yaml\n")
	example, _, ends := strings.Cut(example, "```")
	if !found || !begins || !ends {
		t.Fatal("docs/hardening.md has no example under its heading")
	}
	objects, findings := mutateWith(t, mutatorOf(t, "", example), deployment)
	wantObject(t, objects[0], deployment+"\n      topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway}]")
	if len(findings) != 1 || findings[0].Why != "replicas that stand on one node fall with it" {
		t.Errorf("%s", describe(findings))
	}
}
