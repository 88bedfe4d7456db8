package manifests_test

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/tree"
)

// TestFluxAdmission_EveryFieldOfFluxsAPIIsDecided fails for a field that Flux
// adds: whether it changes what is applied is said in the policy, in its
// expressions or in the comment that lists the harmless ones.
func TestFluxAdmission_EveryFieldOfFluxsAPIIsDecided(t *testing.T) {
	for file, spec := range map[string]reflect.Type{
		"flux/admission/kustomizations.yaml": reflect.TypeFor[kustomizev1.KustomizationSpec](),
		"flux/admission/helmreleases.yaml":   reflect.TypeFor[helmv2.HelmReleaseSpec](),
	} {
		policy, fields := read(t, file), 0
		for field := range spec.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if fields++; !regexp.MustCompile(`\b` + name + `\b`).MatchString(policy) {
				t.Errorf("%s says nothing about spec.%s", file, name)
			}
		}
		if fields < 15 {
			t.Errorf("%s: only %d fields were looked for", file, fields)
		}
	}
}

// TestFluxController_IsWhatTheAdmissionPoliciesName keeps the installation and
// the policies about it together.
func TestFluxController_IsWhatTheAdmissionPoliciesName(t *testing.T) {
	installed := build(t, "flux")
	deployment, service := object(t, installed, "Deployment"), object(t, installed, "Service")
	args, _ := at(named(t, at(deployment.Fields, "spec", "template", "spec", "containers"), "assay-source"), "args").([]any)
	text := ""
	for _, arg := range args {
		if written, is := arg.(string); is {
			text += written + "\n"
		}
	}
	address := "assay-source.$(RUNTIME_NAMESPACE).svc.cluster.local."
	if !strings.Contains(text, "--storage-adv-addr="+address) || !strings.Contains(text, "--no-cross-namespace-refs") || !strings.Contains(text, "--source-hosts=*.flux-system.svc.cluster.local,") {
		t.Errorf("%s", text)
	}
	namespace := service.ID().Namespace
	platform := read(t, "flux/admission/platform.yaml")
	if url := "http://" + strings.Replace(address, "$(RUNTIME_NAMESPACE)", namespace, 1) + "/"; !strings.Contains(platform, url) {
		t.Errorf("the admission policies do not know %s", url)
	}
	if writer := "system:serviceaccount:" + namespace + ":assay-source"; !strings.Contains(platform, writer) {
		t.Errorf("the admission policies do not know %s", writer)
	}
	if at(deployment.Fields, "spec", "strategy", "type") != "Recreate" {
		t.Error("an update would wait for a replica that is ready once the other one has gone")
	}
}

// TestFluxController_ItsStoresFitIntoItsVolume: the sources' trees and what is
// published, with a fifth to spare for what renders.
func TestFluxController_ItsStoresFitIntoItsVolume(t *testing.T) {
	deployment := object(t, build(t, "flux"), "Deployment")
	data := named(t, at(deployment.Fields, "spec", "template", "spec", "volumes"), "data")
	container := named(t, at(deployment.Fields, "spec", "template", "spec", "containers"), "assay-source")
	volume := quantity(t, at(data, "emptyDir", "sizeLimit"))
	if stores := tree.DefaultLimits().StoreBytes + publish.DefaultStoreBytes; stores > volume/5*4 {
		t.Errorf("the stores take up to %d bytes, and the volume has %d", stores, volume)
	}
	if disk := quantity(t, at(container, "resources", "limits", "ephemeral-storage")); disk < volume {
		t.Errorf("the Pod is evicted at %d bytes, and the volume has %d", disk, volume)
	}
	for _, arg := range at(container, "args").([]any) {
		if text := fmt.Sprint(arg); strings.Contains(text, "storage-limit") {
			t.Errorf("%s is not what this test counts", text)
		}
	}
}

func quantity(t *testing.T, written any) int64 {
	t.Helper()
	read, err := resource.ParseQuantity(fmt.Sprint(written))
	if err != nil {
		t.Fatalf("%v: %v", written, err)
	}
	return read.Value()
}
