package main

import (
	"fmt"
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
		"registry down":                          {"", true, exitUndetermined, "(resolve/no-answer says why)"},
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
			for _, container := range []string{"initContainers[0]", "containers[0]", "containers[1]"} {
				field := fmt.Sprintf("pss/runAsNonRoot spec.template.spec.%s.securityContext.runAsNonRoot", container)
				if strings.Contains(got.text(), field) != test.down {
					t.Errorf("whether %q is said is not %v:\n%s", field, test.down, got.out)
				}
			}
		})
	}
}
