package harden

import (
	"context"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	psapi "k8s.io/pod-security-admission/api"
	pspolicy "k8s.io/pod-security-admission/policy"

	"github.com/assay-gitops/assay/plugin"
)

func TestHarden_KindsThatAreHardenedAndKindsThatAreNot(t *testing.T) {
	for name, test := range map[string]struct {
		workload workload
		want     bool
		held     bool
	}{
		"Deployment":            {workload: workload{}, want: true},
		"StatefulSet":           {workload: workload{kind: "apps/v1 StatefulSet"}, want: true},
		"DaemonSet":             {workload: workload{kind: "apps/v1 DaemonSet"}, want: true},
		"ReplicaSet":            {workload: workload{kind: "apps/v1 ReplicaSet"}, want: true},
		"ReplicationController": {workload: workload{kind: "v1 ReplicationController"}, want: true},
		"PodTemplate":           {workload: workload{kind: "v1 PodTemplate"}, want: true},
		"CronJob":               {workload: workload{kind: "batch/v1 CronJob"}, want: true},
		"Rollout":               {workload: workload{kind: "argoproj.io/v1alpha1 Rollout"}, want: true},
		"Pod":                   {workload: workload{kind: "v1 Pod"}, held: true},
		"Pod of an Argo hook":   {workload: workload{kind: "v1 Pod", annotations: "argocd.argoproj.io/hook: PostSync"}, want: true},
		"Job":                   {workload: workload{kind: "batch/v1 Job"}, held: true},
		"Job of a Helm hook":    {workload: workload{kind: "batch/v1 Job", annotations: "helm.sh/hook: pre-install"}, want: true},
		"Job of an Argo hook":   {workload: workload{kind: "batch/v1 Job", annotations: "argocd.argoproj.io/hook: PreSync"}, want: true},
		"Windows Pod":           {workload: workload{pod: "os: {name: windows}"}, held: true},
		"Windows by selector":   {workload: workload{pod: "nodeSelector: {kubernetes.io/os: windows}"}, held: true},
		"twin: Linux":           {workload: workload{pod: "os: {name: linux}"}, want: true},
		"static Pod":            {workload: workload{kind: "v1 Pod", annotations: "kubernetes.io/config.source: file"}, held: true},
	} {
		t.Run(name, func(t *testing.T) {
			container, findings := run(t, restricted, test.workload, good())
			if hardened := len(security(container)) == 4; hardened != test.want || !test.want && container["securityContext"] != nil {
				t.Errorf("securityContext %v, want hardened %v", security(container), test.want)
			}
			if held := len(findings) == 1 && findings[0].Rule == ruleHeldBack; held != test.held {
				t.Errorf("findings %+v, want one held back: %v", findings, test.held)
			}
		})
	}
}

func TestHarden_InitAndEphemeralContainersAreContainers(t *testing.T) {
	objects := []plugin.Object{workload{pod: "initContainers: [{name: init, image: registry.example.com/web:1}], ephemeralContainers: [{name: debug, image: registry.example.com/web:1}]"}.object(t)}
	hardener, _ := New(Config{Profile: restricted})
	_, findings := hardener.Harden(context.Background(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, good())})
	if len(findings) != 12 {
		t.Fatalf("%d findings, want 12: %+v", len(findings), findings)
	}
}

func TestHarden_AfterwardsAGoodImagePassesPodSecurityRestricted(t *testing.T) {
	if failed := failedChecks(t, workload{}, good()); len(failed) != 0 {
		t.Errorf("fails %v", failed)
	}
	if failed := failedChecks(t, workload{}, &plugin.ImageConfig{User: "root"}); len(failed) == 0 {
		t.Error("twin: an image that runs as root passes")
	}
}

func failedChecks(t *testing.T, w workload, config *plugin.ImageConfig) []string {
	t.Helper()
	container, _ := run(t, restricted, w, config)
	var spec corev1.PodSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(map[string]any{"containers": []any{container}}, &spec); err != nil {
		t.Fatal(err)
	}
	evaluator, err := pspolicy.NewEvaluator(pspolicy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	level := psapi.LevelVersion{Level: psapi.LevelRestricted, Version: psapi.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(level, &metav1.ObjectMeta{}, &spec) {
		if !result.Allowed {
			failed = append(failed, result.ForbiddenReason)
		}
	}
	return failed
}

func TestHarden_WhatIsHeldBackNamesTheContainer(t *testing.T) {
	hardener, err := New(Config{Profile: restricted})
	if err != nil {
		t.Fatal(err)
	}
	objects := []plugin.Object{object(t, `apiVersion: v1
kind: Pod
metadata: {generateName: web-}
spec:
  initContainers: [{name: init, image: "registry.example.com/init:1"}]
  containers: [{name: web, image: "registry.example.com/web:1"}, {image: "registry.example.com/log:1"}, {name: "a\nb", image: "registry.example.com/x:1"}]
`)}
	said := map[string]string{}
	_, findings := hardener.Harden(t.Context(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, nil)})
	for _, finding := range findings {
		if before, held := strings.CutSuffix(finding.Message, ": capabilities was not filled in: the image's configuration is not known, and a start script may need one to change owners or the user"); held {
			said[finding.Field] = before
		}
	}
	want := map[string]string{
		"spec.initContainers[0].securityContext.capabilities": "init container init",
		"spec.containers[0].securityContext.capabilities":     "container web",
		"spec.containers[1].securityContext.capabilities":     "container 1",
		"spec.containers[2].securityContext.capabilities":     `container "a\nb"`,
	}
	if !reflect.DeepEqual(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}
