package harden

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// TestBadInput_AThousandContainers: each is filled in by itself.
func TestBadInput_AThousandContainers(t *testing.T) {
	containers := make([]string, 1000)
	for i := range containers {
		containers[i] = fmt.Sprintf("{name: c-%d, image: registry.example.com/web:1}", i)
	}
	big := object(t, "apiVersion: v1\nkind: Pod\nmetadata: {generateName: big-}\nspec: {containers: ["+strings.Join(containers, ", ")+"]}\n")
	objects, findings := hardened(t, gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "1Mi"}, good(), big)
	names := map[any]bool{}
	volumes, _ := podOf(objects[0])["volumes"].([]any)
	for _, volume := range volumes {
		names[volume.(map[string]any)["name"]] = true
	}
	if len(findings) != 1000 || len(names) != 1000 {
		t.Errorf("%d findings, %d volumes of their own", len(findings), len(names))
	}
}

// TestBadInput_HalfASecurityContextIsCompleted, and the half that was written is
// as it was.
func TestBadInput_HalfASecurityContextIsCompleted(t *testing.T) {
	container, findings := run(t, restricted, workload{container: "securityContext: {runAsUser: 1000, runAsNonRoot: true, capabilities: {add: [NET_BIND_SERVICE]}}"}, nil)
	want := map[string]any{
		"runAsUser": int64(1000), "runAsNonRoot": true, "allowPrivilegeEscalation": false, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
		"capabilities": map[string]any{"add": []any{"NET_BIND_SERVICE"}, "drop": []any{"ALL"}},
	}
	if got := security(container); !reflect.DeepEqual(got, want) || len(findings) != 3 {
		t.Errorf("securityContext %v, %d findings", got, len(findings))
	}
}

// TestBadInput_ContradictionsAreTheAuthorsAndNeverOurs: what the API server
// refuses is left as it is written, and is not made where it was not.
func TestBadInput_ContradictionsAreTheAuthorsAndNeverOurs(t *testing.T) {
	for name, test := range map[string]struct {
		written string
		want    any // allowPrivilegeEscalation
	}{
		"privileged, and no escalation":        {"privileged: true, allowPrivilegeEscalation: false", false},
		"privileged alone":                     {"privileged: true", nil},
		"SYS_ADMIN, and no escalation":         {"capabilities: {add: [SYS_ADMIN]}, allowPrivilegeEscalation: false", false},
		"SYS_ADMIN alone":                      {"capabilities: {add: [SYS_ADMIN]}", nil},
		"CAP_SYS_ADMIN alone":                  {"capabilities: {add: [CAP_SYS_ADMIN]}", nil},
		"twin: not privileged":                 {"privileged: false", false},
		"twin: another capability":             {"capabilities: {add: [CHOWN]}", false},
		"non-root, as root":                    {"runAsNonRoot: true, runAsUser: 0", false},
		"unconfined, and of a local profile":   {"seccompProfile: {type: Unconfined, localhostProfile: x}", false},
		"dropped and added":                    {"capabilities: {add: [ALL], drop: [ALL]}", false},
		"twin: everything is written and well": {"allowPrivilegeEscalation: true, runAsNonRoot: false", true},
	} {
		before := workload{container: "securityContext: {" + test.written + "}"}
		container, _ := run(t, restricted, before, good())
		if got := security(container)["allowPrivilegeEscalation"]; got != test.want {
			t.Errorf("%s: allowPrivilegeEscalation is %v, want %v", name, got, test.want)
		}
		if problem := kept(security(firstContainer(before.object(t))), security(container), "."); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// TestBadInput_WindowsIsToldInThreeWays.
func TestBadInput_WindowsIsToldInThreeWays(t *testing.T) {
	const affinity = "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [%s]}}}"
	windows := good()
	windows.OS = "windows"
	for name, test := range map[string]struct {
		pod    string
		config *plugin.ImageConfig
		set    bool
	}{
		"by the Pod":                {"os: {name: windows}", good(), false},
		"by the nodes":              {"nodeSelector: {kubernetes.io/os: windows}", good(), false},
		"by the nodes, older":       {"nodeSelector: {beta.kubernetes.io/os: windows}", good(), false},
		"by the image":              {"", windows, false},
		"by an affinity":            {fmt.Sprintf(affinity, "{matchExpressions: [{key: disk, operator: Exists}, {key: kubernetes.io/os, operator: In, values: [windows]}]}"), good(), false},
		"twin: one term of two":     {fmt.Sprintf(affinity, "{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [windows]}]}, {matchExpressions: [{key: disk, operator: Exists}]}"), good(), true},
		"twin: not there":           {fmt.Sprintf(affinity, "{matchExpressions: [{key: kubernetes.io/os, operator: NotIn, values: [windows]}]}"), good(), true},
		"twin: no terms":            {fmt.Sprintf(affinity, ""), good(), true},
		"by the Pod, of any image":  {"os: {name: windows}", nil, false},
		"twin: Linux by the Pod":    {"os: {name: linux}", good(), true},
		"twin: Linux by the nodes":  {"nodeSelector: {kubernetes.io/os: linux}", good(), true},
		"twin: nobody says a thing": {"", good(), true},
	} {
		hardener := newHardener(t, Config{Profile: restricted, More: gate.Harden{AppArmor: true, ReadOnlyRootFilesystem: true, EmptyDirSize: "1Mi"}})
		objects := []plugin.Object{workload{pod: test.pod}.object(t)}
		objects, findings := hardener.Harden(t.Context(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, test.config)})
		if set := len(security(firstContainer(objects[0]))) > 0; set != test.set || !set && !strings.Contains(held(findings), "Windows") {
			t.Errorf("%s: %v, held back %q", name, firstContainer(objects[0]), held(findings))
		}
	}
}

// TestBadInput_SettingsGoToContainersAlone: a value at the Pod binds containers
// that others inject later.
func TestBadInput_SettingsGoToContainersAlone(t *testing.T) {
	pod := object(t, `apiVersion: v1
kind: Pod
metadata: {generateName: web-}
spec:
  initContainers:
  - {name: setup, image: "registry.example.com/web:1"}
  - {name: sidecar, image: "registry.example.com/web:1", restartPolicy: Always}
  containers: [{name: web, image: "registry.example.com/web:1"}]
  ephemeralContainers: [{name: debug, image: "registry.example.com/web:1"}]
`)
	objects := []plugin.Object{pod}
	objects, _ = newHardener(t, Config{Profile: restricted, More: everything()}).Harden(t.Context(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, good())})
	spec := podOf(objects[0])
	if spec["securityContext"] != nil {
		t.Errorf("the Pod's securityContext is %v", spec["securityContext"])
	}
	for list, want := range map[string]int{"initContainers": 6, "containers": 6, "ephemeralContainers": 5} { // nothing is mounted into a debugging container
		for i, item := range spec[list].([]any) {
			if got := len(security(item.(map[string]any))); got != want {
				t.Errorf("%s[%d] has %d settings, want %d: %v", list, i, got, want, item)
			}
		}
	}
}

// TestBadInput_JobsHooksAndNames: a template that cannot change is left alone.
func TestBadInput_JobsHooksAndNames(t *testing.T) {
	for name, test := range map[string]struct {
		workload workload
		set      bool
	}{
		"a plain Job":              {workload{kind: "batch/v1 Job"}, false},
		"an empty hook is none":    {workload{kind: "batch/v1 Job", annotations: `helm.sh/hook: ""`}, false},
		"twin: a hook":             {workload{kind: "batch/v1 Job", annotations: "helm.sh/hook: post-install"}, true},
		"twin: a CronJob":          {workload{kind: "batch/v1 CronJob"}, true},
		"a mirror of a static Pod": {workload{kind: "v1 Pod", annotations: "kubernetes.io/config.mirror: abc"}, false},
		"a bare Pod":               {workload{kind: "v1 Pod"}, false},
		"twin: a Pod of a hook":    {workload{kind: "v1 Pod", annotations: "argocd.argoproj.io/hook: PostSync"}, true},
		"a static Pod of a hook":   {workload{kind: "v1 Pod", annotations: "helm.sh/hook: test, kubernetes.io/config.mirror: abc"}, false},
	} {
		container, _ := run(t, restricted, test.workload, good())
		if set := security(container) != nil; set != test.set {
			t.Errorf("%s: %v", name, container)
		}
	}
	for metadata, want := range map[string]bool{"generateName: made-": true, "name: made": false, "name: made, generateName: made-": false} {
		const containers = "containers: [{name: web, image: registry.example.com/web:1}]"
		for kind, text := range map[string]string{
			"Job": "apiVersion: batch/v1\nkind: Job\nmetadata: {" + metadata + "}\nspec: {template: {spec: {" + containers + "}}}\n",
			"Pod": "apiVersion: v1\nkind: Pod\nmetadata: {" + metadata + "}\nspec: {" + containers + "}\n",
		} {
			objects := []plugin.Object{object(t, text)}
			objects, _ = newHardener(t, Config{Profile: restricted}).Harden(t.Context(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, good())})
			if set := security(firstContainer(objects[0])) != nil; set != want {
				t.Errorf("a %s with %s: %v", kind, metadata, set)
			}
		}
	}
}
