package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// severalContainers is an application with an init container and two others,
// which leave all their settings to hardening but what the last one adds.
func severalContainers(image, added string) string {
	name := "      - name: web\n"
	head, container, _ := strings.Cut(deploymentOf(image), name)
	head, _ = strings.CutSuffix(head, "      containers:\n")
	of := func(name string) string { return "      - name: " + name + "\n" + container }
	return head + "      initContainers:\n" + of("first") + "      containers:\n" + of("web") + of("beside") + added
}

// While the registry is down hardening cannot look at any of the images; what
// it would have filled in is nobody's mistake, in however many containers.
func TestOutage_SeveralContainersThatHardeningWouldFillInAreUndetermined(t *testing.T) {
	const privileged = "        securityContext: {privileged: true}\n"
	for name, test := range map[string]struct {
		added string
		down  bool
		code  int
		says  string
	}{
		"registry up":                            {"", false, exitAllowed, ""},
		"registry down":                          {"", true, exitUndetermined, "pss/runAsNonRoot (3), image/not-pinned: there is no answer about"},
		"registry down, and one container wrong": {privileged, true, exitDenied, "pss/privileged spec.template.spec.containers[1].securityContext.privileged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldWith(t, ociserver.Options{})
			w.sign(trusted())
			w.write("app/web.yaml", severalContainers(w.image, test.added))
			if test.down {
				must(t, w.server.Close())
			}
			got := w.run("check")
			if got.code != test.code || !strings.Contains(got.text(), test.says) {
				t.Fatalf("check ends with %d, want %d and %q:\n%s%s", got.code, test.code, test.says, got.out, got.err)
			}
			// The text has them on one line; the json report has each.
			w.args = []string{"-o", "json"}
			var whole struct {
				Findings []struct{ Rule, Field string }
			}
			must(t, json.Unmarshal([]byte(w.run("check").out), &whole))
			for _, container := range []string{"initContainers[0]", "containers[0]", "containers[1]"} {
				finding := struct{ Rule, Field string }{"pss/runAsNonRoot", fmt.Sprintf("spec.template.spec.%s.securityContext.runAsNonRoot", container)}
				if slices.Contains(whole.Findings, finding) != test.down {
					t.Errorf("whether %+v is said is not %v:\n%s", finding, test.down, got.out)
				}
			}
		})
	}
}
