package harden

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
)

// What hardening must not write, as the API server would refuse the object:
// each case was refused by a real one (make e2e-parity).

func TestReadOnlyRoot_MountsNothingWhereADeviceIs(t *testing.T) {
	more := gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "64Mi"}
	for device, want := range map[string]int{"/tmp": 0, "/dev/disk": 1} {
		objects, _ := hardened(t, more, good(), workload{container: "volumeDevices: [{name: disk, devicePath: " + device + "}]"}.object(t))
		if mounts, _ := firstContainer(objects[0])["volumeMounts"].([]any); len(mounts) != want {
			t.Errorf("a device at %s: mounts %v", device, mounts)
		}
	}
}

func TestResources_OfThePodAreTheLimitOfItsContainers(t *testing.T) {
	more := gate.Harden{Resources: gate.Resources{Requests: gate.Amounts{CPU: "50m", Memory: "64Mi"}, Limits: gate.Amounts{CPU: "1", Memory: "256Mi"}}}
	memory := map[string]any{"requests": map[string]any{"memory": "64Mi"}, "limits": map[string]any{"memory": "256Mi"}}
	for name, test := range map[string]struct {
		pod  string
		want any
	}{
		"a limit":               {"resources: {limits: {cpu: 5m}}", memory},
		"a request":             {"resources: {requests: {cpu: 5m}}", memory},
		"both kinds":            {"resources: {requests: {cpu: 5m}, limits: {memory: 8Mi}}", nil},
		"twin: of another kind": {"resources: {limits: {cpu: 5m}, requests: {hugepages-2Mi: 4Mi}}", memory},
	} {
		objects, findings := hardened(t, more, good(), workload{pod: test.pod}.object(t))
		if got := firstContainer(objects[0])["resources"]; !reflect.DeepEqual(got, test.want) || held(findings) != "" {
			t.Errorf("%s: %v, held back %q", name, got, held(findings))
		}
	}
}

func TestNew_ARequestAboveItsLimitIsAnError(t *testing.T) {
	for request, says := range map[string]string{"512Mi": "the request of memory (512Mi) is above its limit (256Mi)", "256Mi": "", "": ""} {
		_, err := New(Config{Profile: "none", More: gate.Harden{Resources: gate.Resources{Requests: gate.Amounts{Memory: request}, Limits: gate.Amounts{Memory: "256Mi"}}}})
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("a request of %q: %v", request, err)
		}
	}
}

func TestNetworkPolicies_NameAPortByNumberWhereTheServiceWritesItAsText(t *testing.T) {
	for written, want := range map[string]any{`"8080"`: int64(8080), "8080": int64(8080), "http": "http", "http-8080": "http-8080"} {
		service := object(t, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: "+written+"}]}\n")
		objects, _ := hardened(t, gate.Harden{NetworkPolicies: "Ingress"}, good(), workload{}.object(t), service)
		ports := at(objects[len(objects)-1].Fields, "spec", "ingress").([]any)[0].(map[string]any)["ports"].([]any)
		if got := ports[0].(map[string]any)["port"]; got != want {
			t.Errorf("%s: %T %v", written, got, got)
		}
	}
}
