package harden

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// hardened runs what a gate asks for, and nothing of a profile.
func hardened(t testing.TB, more gate.Harden, config *plugin.ImageConfig, objects ...plugin.Object) ([]plugin.Object, []plugin.Finding) {
	t.Helper()
	hardener, err := New(Config{Profile: "none", More: more, Namespaces: []gate.Namespace{{Name: "owned", Owned: true}, {Name: "shared"}}})
	if err != nil {
		t.Fatal(err)
	}
	rendering := plugin.Unhardened{Objects: objects, Images: imagesOf(objects, config)}
	rendering.Source.Application.Namespace = "owned"
	once, findings := hardener.Harden(t.Context(), rendering)
	again, said := hardener.Harden(t.Context(), plugin.Unhardened{Source: rendering.Source, Objects: slices.Clone(once), Images: imagesOf(once, config)})
	if !reflect.DeepEqual(again, once) {
		t.Error("hardening what is hardened changes it")
	}
	for _, finding := range said {
		if finding.Now != "" {
			t.Errorf("the second time it says %s", finding.Message)
		}
	}
	return once, findings
}

func podOf(object plugin.Object) map[string]any {
	place, _ := podSpecOf(object.ID())
	return place.get(object.Fields)
}

func firstContainer(object plugin.Object) map[string]any {
	container, _ := podOf(object)["containers"].([]any)[0].(map[string]any)
	return container
}

// held are the messages of what was held back.
func held(findings []plugin.Finding) string {
	var all []string
	for _, finding := range findings {
		if finding.Rule == ruleHeldBack {
			all = append(all, finding.Message)
		}
	}
	return strings.Join(all, "\n")
}

func TestReadOnlyRoot_LeavesWritableWhatTheImageNeeds(t *testing.T) {
	config := good()
	config.Volumes = []string{"/data", "/data/cache/", "/var/lib/app"}
	more := gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "64Mi"}
	for name, test := range map[string]struct {
		container string
		want      string
	}{
		"nothing mounted":  {"", "/data /tmp /var/lib/app"},
		"tmp is mounted":   {"volumeMounts: [{name: t, mountPath: /tmp/}]", "/data /var/lib/app"},
		"a parent is":      {"volumeMounts: [{name: t, mountPath: /var}]", "/data /tmp"},
		"a neighbour is":   {"volumeMounts: [{name: t, mountPath: /tmpfiles}]", "/data /tmp /var/lib/app"},
		"the author wrote": {"securityContext: {readOnlyRootFilesystem: false}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			objects, findings := hardened(t, more, config, workload{container: test.container}.object(t))
			volumes, _ := podOf(objects[0])["volumes"].([]any)
			mounts, _ := firstContainer(objects[0])["volumeMounts"].([]any)
			var made []string
			for _, item := range mounts {
				mount := item.(map[string]any)
				for _, volume := range volumes {
					if volume := volume.(map[string]any); volume["name"] == mount["name"] {
						made = append(made, mount["mountPath"].(string))
						if size := volume["emptyDir"].(map[string]any)["sizeLimit"]; size != "64Mi" {
							t.Errorf("the emptyDir holds %v", size)
						}
					}
				}
			}
			if got := strings.Join(made, " "); got != test.want || len(volumes) != len(made) {
				t.Errorf("writable: %q, want %q; %d volumes", got, test.want, len(volumes))
			}
			if len(findings) != min(1, len(test.want)) {
				t.Errorf("findings %+v", findings)
			}
		})
	}
}

func TestReadOnlyRoot_HeldBack(t *testing.T) {
	more := gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "64Mi"}
	for name, test := range map[string]struct {
		workload workload
		config   *plugin.ImageConfig
		says     string
	}{
		"root":               {workload{}, &plugin.ImageConfig{}, "may write anywhere"},
		"unknown image":      {workload{}, nil, "not known"},
		"unknown, by number": {workload{container: "securityContext: {runAsUser: 5}"}, nil, "where it writes"},
		"privileged":         {workload{container: "securityContext: {privileged: true}"}, good(), "privileged"},
		"a plain Job":        {workload{kind: "batch/v1 Job"}, good(), "template of a Job"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, findings := hardened(t, more, test.config, test.workload.object(t))
			if podOf(objects[0])["volumes"] != nil || !strings.Contains(held(findings), test.says) {
				t.Errorf("volumes %v, said %q", podOf(objects[0])["volumes"], held(findings))
			}
		})
	}
}

func TestServiceAccountToken_IsTakenWhereNothingNeedsIt(t *testing.T) {
	account := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web%s}\n"
	binding := "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: web}\nroleRef: {kind: Role, name: web}\nsubjects: [%s]\n"
	for name, test := range map[string]struct {
		pod  string
		with []string
		held string
		want any
	}{
		"default":                  {"", nil, "", false},
		"rendered, without rights": {"serviceAccountName: web", []string{fmt.Sprintf(account, "")}, "", false},
		"rendered, with rights": {"serviceAccountName: web", []string{fmt.Sprintf(account, ""), fmt.Sprintf(binding, "{kind: ServiceAccount, name: web}")},
			"gives the service account web rights", nil},
		"rights of another namespace's": {"serviceAccountName: web", []string{fmt.Sprintf(account, ""), fmt.Sprintf(binding, "{kind: ServiceAccount, name: web, namespace: other}")}, "", false},
		"rights of a group":             {"", []string{fmt.Sprintf(binding, "{kind: Group, name: 'system:serviceaccounts'}")}, "a group", nil},
		"not rendered":                  {"serviceAccountName: web", nil, "not in the rendering", nil},
		"older field":                   {"serviceAccount: web", nil, "not in the rendering", nil},
		"said by the account":           {"serviceAccountName: web", []string{fmt.Sprintf(account, "}\nautomountServiceAccountToken: true\nx-: {")}, "", nil},
		"said by the author":            {"automountServiceAccountToken: true", nil, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			objects := []plugin.Object{workload{pod: test.pod}.object(t)}
			for _, text := range test.with {
				objects = append(objects, object(t, text))
			}
			objects, findings := hardened(t, gate.Harden{ServiceAccountTokens: true}, good(), objects...)
			if got := podOf(objects[0])["automountServiceAccountToken"]; got != test.want {
				t.Errorf("automountServiceAccountToken is %v", got)
			}
			if said := held(findings); (said == "") != (test.held == "") || !strings.Contains(said, test.held) {
				t.Errorf("held back: %q, want %q", said, test.held)
			}
		})
	}
}

func TestServiceAccountToken_StaysForAnInjectedAgent(t *testing.T) {
	pod := object(t, "apiVersion: v1\nkind: Pod\nmetadata: {generateName: web-, annotations: {vault.hashicorp.com/agent-inject: 'true'}}\nspec: {containers: [{name: web, image: registry.example.com/web:1}]}\n")
	objects, findings := hardened(t, gate.Harden{ServiceAccountTokens: true}, good(), pod)
	if podOf(objects[0])["automountServiceAccountToken"] != nil || !strings.Contains(held(findings), "vault.hashicorp.com/agent-inject") {
		t.Errorf("said %q", held(findings))
	}
}

func TestResources_FillInWhatIsMissing(t *testing.T) {
	more := gate.Harden{Resources: gate.Resources{Requests: gate.Amounts{CPU: "50m", Memory: "64Mi"}, Limits: gate.Amounts{Memory: "256Mi"}}}
	all := map[string]any{"requests": map[string]any{"cpu": "50m", "memory": "64Mi"}, "limits": map[string]any{"memory": "256Mi"}}
	for name, test := range map[string]struct {
		workload workload
		want     any
		held     string
	}{
		"nothing written":     {workload{}, all, ""},
		"a limit gives both":  {workload{container: "resources: {limits: {memory: 32Mi}}"}, map[string]any{"requests": map[string]any{"cpu": "50m"}, "limits": map[string]any{"memory": "32Mi"}}, ""},
		"a request above":     {workload{container: "resources: {requests: {memory: 512Mi}}"}, map[string]any{"requests": map[string]any{"cpu": "50m", "memory": "512Mi"}}, "more than the limit of 256Mi"},
		"a request below":     {workload{container: "resources: {requests: {memory: 128Mi}}"}, map[string]any{"requests": map[string]any{"cpu": "50m", "memory": "128Mi"}, "limits": map[string]any{"memory": "256Mi"}}, ""},
		"no quantity":         {workload{container: "resources: {requests: {memory: much}}"}, map[string]any{"requests": map[string]any{"cpu": "50m", "memory": "much"}}, "no quantity"},
		"amounts for the Pod": {workload{pod: "resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 2Gi}}"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			objects, findings := hardened(t, more, good(), test.workload.object(t))
			if got := firstContainer(objects[0])["resources"]; !reflect.DeepEqual(got, test.want) {
				t.Errorf("resources %v, want %v", got, test.want)
			}
			if said := held(findings); (said == "") != (test.held == "") || !strings.Contains(said, test.held) {
				t.Errorf("held back: %q", said)
			}
		})
	}
}

func TestNew_AmountsThatAreNoQuantitiesAreErrors(t *testing.T) {
	for says, more := range map[string]gate.Harden{
		"spec.harden.emptyDirSize":            {ReadOnlyRootFilesystem: true, EmptyDirSize: "big"},
		"spec.harden.resources.limits.memory": {Resources: gate.Resources{Limits: gate.Amounts{Memory: "lots"}}},
	} {
		if _, err := New(Config{Profile: "none", More: more}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestNodeFeatures_AreFilledInOrHeldBack(t *testing.T) {
	more := gate.Harden{AppArmor: true, UserNamespaces: true}
	for name, test := range map[string]struct {
		workload        workload
		armor, hostUser any
		held            string
	}{
		"both":               {workload{}, map[string]any{"type": "RuntimeDefault"}, false, ""},
		"the node's network": {workload{pod: "hostNetwork: true"}, map[string]any{"type": "RuntimeDefault"}, nil, "hostNetwork"},
		"a block device":     {workload{container: "volumeDevices: [{name: d, devicePath: /d}]"}, map[string]any{"type": "RuntimeDefault"}, nil, "block devices"},
		"a claim":            {workload{pod: "volumes: [{name: d, persistentVolumeClaim: {claimName: d}}]"}, map[string]any{"type": "RuntimeDefault"}, nil, "persistentVolumeClaim"},
		"privileged":         {workload{container: "securityContext: {privileged: true}"}, nil, nil, "privileged"},
		"the author wrote":   {workload{pod: "hostUsers: true, securityContext: {appArmorProfile: {type: Unconfined}}"}, nil, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			objects, findings := hardened(t, more, good(), test.workload.object(t))
			if got := security(firstContainer(objects[0]))["appArmorProfile"]; !reflect.DeepEqual(got, test.armor) {
				t.Errorf("appArmorProfile %v", got)
			}
			if got := podOf(objects[0])["hostUsers"]; got != test.hostUser {
				t.Errorf("hostUsers %v", got)
			}
			if said := held(findings); (said == "") != (test.held == "") || !strings.Contains(said, test.held) {
				t.Errorf("held back: %q", said)
			}
		})
	}
}

func TestPodSecurityLabels_EnforceOnlyWhatEveryPodPasses(t *testing.T) {
	namespace := "apiVersion: v1\nkind: Namespace\nmetadata: {name: owned%s}\n"
	for name, test := range map[string]struct {
		namespace string
		others    []plugin.Object
		enforce   any
		warn      any
		held      string
	}{
		"nothing runs there":     {fmt.Sprintf(namespace, ""), nil, "baseline", "baseline", ""},
		"what runs there passes": {fmt.Sprintf(namespace, ""), []plugin.Object{workload{}.object(t)}, "baseline", "baseline", ""},
		"what runs there does not": {fmt.Sprintf(namespace, ""), []plugin.Object{workload{pod: "hostNetwork: true"}.object(t)}, nil, "baseline",
			"deployment/web would be refused"},
		"an operator's kind": {fmt.Sprintf(namespace, ""), []plugin.Object{object(t, "apiVersion: db.example.com/v1\nkind: Cluster\nmetadata: {name: db}\n")}, nil, "baseline", "may make Pods"},
		"the author wrote":   {fmt.Sprintf(namespace, ", labels: {pod-security.kubernetes.io/warn: privileged}"), nil, nil, "privileged", ""},
	} {
		t.Run(name, func(t *testing.T) {
			objects, findings := hardened(t, gate.Harden{PodSecurityLabels: "baseline"}, good(), append([]plugin.Object{object(t, test.namespace)}, test.others...)...)
			labels, _ := at(objects[0].Fields, "metadata", "labels").(map[string]any)
			if labels["pod-security.kubernetes.io/enforce"] != test.enforce || labels["pod-security.kubernetes.io/warn"] != test.warn {
				t.Errorf("labels %v", labels)
			}
			if said := held(findings); (said == "") != (test.held == "") || !strings.Contains(said, test.held) {
				t.Errorf("held back: %q", said)
			}
		})
	}
}

func TestNetworkPolicies_OnlyWhereTheApplicationOwnsTheNamespace(t *testing.T) {
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: http}, {port: 53, protocol: UDP}]}\n"
	in := func(namespace string) plugin.Object {
		one := workload{}.object(t)
		one.Fields["metadata"].(map[string]any)["namespace"] = namespace
		return one
	}
	for name, test := range map[string]struct {
		mode    string
		objects []plugin.Object
		want    string
	}{
		"said by the gate":       {"Ingress", []plugin.Object{in("owned"), object(t, service)}, "owned/assay-default-deny owned/assay-allow-web"},
		"not said":               {"Ingress", []plugin.Object{in("shared"), in("other")}, ""},
		"rendered":               {"Ingress", []plugin.Object{in("other"), object(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n")}, "other/assay-default-deny"},
		"without Pods":           {"Ingress", []plugin.Object{object(t, service)}, ""},
		"guarded by the author":  {"Ingress", []plugin.Object{in("owned"), object(t, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all}\nspec: {podSelector: {}}\n")}, ""},
		"guarded for some":       {"IngressAndEgress", []plugin.Object{in("owned"), object(t, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: some}\nspec: {podSelector: {matchLabels: {a: b}}}\n")}, "owned/assay-default-deny"},
		"a Service without Pods": {"Ingress", []plugin.Object{in("owned"), object(t, "apiVersion: v1\nkind: Service\nmetadata: {name: out}\nspec: {type: ExternalName, externalName: example.com}\n")}, "owned/assay-default-deny"},
		"not asked for":          {"", []plugin.Object{in("owned")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			objects, findings := hardened(t, gate.Harden{NetworkPolicies: test.mode}, good(), test.objects...)
			var made []string
			for _, added := range objects[len(test.objects):] {
				made = append(made, added.ID().Namespace+"/"+added.ID().Name)
			}
			if got := strings.Join(made, " "); got != test.want || len(findings) != len(made) {
				t.Errorf("made %q, want %q; %d findings", got, test.want, len(findings))
			}
		})
	}
}

func TestNetworkPolicies_LetInWhatAServiceServesAndOutToDNS(t *testing.T) {
	objects, _ := hardened(t, gate.Harden{NetworkPolicies: "IngressAndEgress"}, good(), workload{}.object(t),
		object(t, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: http}, {port: 53, protocol: UDP}]}\n"))
	specs := map[string]string{}
	for _, added := range objects[2:] {
		specs[added.ID().Name] = plugin.Compact(added.Fields["spec"])
	}
	want := map[string]string{
		"assay-allow-web": `{"ingress":[{"ports":[{"port":"http","protocol":"TCP"},{"port":53,"protocol":"UDP"}]}],"podSelector":{"matchLabels":{"app":"web"}},"policyTypes":["Ingress"]}`,
		"assay-default-deny": `{"egress":[{"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}]},{"to":[{"podSelector":{}}]}],"ingress":[{"from":[{"podSelector":{}}]}],` +
			`"podSelector":{},"policyTypes":["Ingress","Egress"]}`,
	}
	if !reflect.DeepEqual(specs, want) {
		t.Errorf("made %v", specs)
	}
}
