package harden

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// TestUserNamespaces_IdsAboveTheRangeAreHeldBack: a Pod in a user namespace has
// 65536 ids, and no container starts as another.
func TestUserNamespaces_IdsAboveTheRangeAreHeldBack(t *testing.T) {
	image := func(user string, number int64) *plugin.ImageConfig {
		config := good()
		if config.User = user; number > 0 {
			config.Named = &plugin.NamedUser{ID: number}
		}
		return config
	}
	for name, test := range map[string]struct {
		workload workload
		config   *plugin.ImageConfig
		says     string
	}{
		"the Pod's user":             {workload{pod: "securityContext: {runAsUser: 65536}"}, good(), "runAsUser is 65536"},
		"the Pod's files":            {workload{pod: "securityContext: {fsGroup: 1000680000}"}, good(), "fsGroup is 1000680000"},
		"a further group":            {workload{pod: "securityContext: {supplementalGroups: [1, 70000]}"}, good(), "supplementalGroups is 70000"},
		"the container's user":       {workload{container: "securityContext: {runAsUser: 70000}"}, good(), "the runAsUser of container web is 70000"},
		"the container's group":      {workload{container: "securityContext: {runAsGroup: 70000}"}, good(), "the runAsGroup of container web"},
		"the image's user":           {workload{}, image("70000", 0), "the image of container web is 70000"},
		"the image's group":          {workload{}, image("1000:70000", 0), "the image of container web is 70000"},
		"the image's user, by name":  {workload{}, image("big", 70000), "the image of container web is 70000"},
		"twin: the last id":          {workload{pod: "securityContext: {runAsUser: 65535, fsGroup: 65535}"}, good(), ""},
		"twin: the author's instead": {workload{container: "securityContext: {runAsUser: 1000}"}, image("70000", 0), ""},
		"twin: a name's number":      {workload{}, image("small", 101), ""},
		"twin: nothing is known":     {workload{}, nil, ""},
	} {
		objects, findings := hardened(t, gate.Harden{UserNamespaces: true}, test.config, test.workload.object(t))
		got, said := podOf(objects[0])["hostUsers"], held(findings)
		if test.says == "" && got != false || test.says != "" && (got != nil || !strings.Contains(said, test.says)) {
			t.Errorf("%s: hostUsers %v, held back %q", name, got, said)
		}
	}
}

// TestReadOnlyRoot_AVolumeOfTheSourceKeepsItsName: what was written into the
// source once stands beside what a later image needs; the API server refuses two
// volumes of one name.
func TestReadOnlyRoot_AVolumeOfTheSourceKeepsItsName(t *testing.T) {
	more, config := gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "1Mi"}, good()
	objects, _ := hardened(t, more, config, workload{}.object(t))
	delete(security(firstContainer(objects[0])), "readOnlyRootFilesystem")
	config.Volumes = []string{"/data"}
	objects, _ = hardened(t, more, config, objects...)
	names, volumes := map[any]bool{}, podOf(objects[0])["volumes"].([]any)
	for _, volume := range volumes {
		names[volume.(map[string]any)["name"]] = true
	}
	if len(volumes) != 2 || len(names) != 2 {
		t.Errorf("volumes %v", volumes)
	}
	mounts := firstContainer(objects[0])["volumeMounts"].([]any)
	if first, second := mounts[0].(map[string]any), mounts[1].(map[string]any); first["mountPath"] != "/tmp" || second["mountPath"] != "/data" || first["name"] == second["name"] {
		t.Errorf("mounts %v", mounts)
	}
}

// TestServiceAccountToken_StaysWhereTheNamespaceIsNotKnown: a ClusterRoleBinding
// names the namespace that a Deployment leaves to the sync.
func TestServiceAccountToken_StaysWhereTheNamespaceIsNotKnown(t *testing.T) {
	account := object(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n")
	binding := "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: web}\nsubjects: [{kind: ServiceAccount, name: %s, namespace: team-a}]\n"
	for name, test := range map[string]struct {
		namespace, subject string
		want               any
	}{
		"not known":             {"", "web", nil},
		"the same":              {"team-a", "web", nil},
		"twin: another account": {"", "other", false},
		"twin: another place":   {"team-b", "web", false},
	} {
		objects := []plugin.Object{workload{pod: "serviceAccountName: web"}.object(t), account, object(t, fmt.Sprintf(binding, test.subject))}
		rendering := plugin.Unhardened{Objects: objects, Images: imagesOf(objects, good())}
		rendering.Source.Application.Namespace = test.namespace
		objects, findings := newHardener(t, Config{Profile: "none", More: gate.Harden{ServiceAccountTokens: true}}).Harden(t.Context(), rendering)
		if got := podOf(objects[0])["automountServiceAccountToken"]; got != test.want {
			t.Errorf("%s: %v, held back %q", name, got, held(findings))
		}
	}
}

// TestResources_ARenderedLimitRangeDecides: an amount of ours would stand in the
// place of its default, and may be one that it refuses.
func TestResources_ARenderedLimitRangeDecides(t *testing.T) {
	more := gate.Harden{Resources: gate.Resources{Limits: gate.Amounts{Memory: "256Mi"}}}
	for limits, want := range map[string]bool{
		"metadata: {name: a}\nspec: {limits: [{type: Container, default: {memory: 64Mi}}]}":                   false,
		"metadata: {name: a}\nspec: {limits: [{type: Pod, max: {memory: 64Mi}}]}":                             false,
		"metadata: {name: a, namespace: owned}\nspec: {limits: [{type: Container, max: {memory: 64Mi}}]}":     false,
		"metadata: {name: a}\nspec: {limits: [{type: PersistentVolumeClaim, max: {storage: 1Gi}}]}":           true,
		"metadata: {name: a, namespace: elsewhere}\nspec: {limits: [{type: Container, max: {memory: 64Mi}}]}": true,
	} {
		objects, findings := hardened(t, more, good(), workload{}.object(t), object(t, "apiVersion: v1\nkind: LimitRange\n"+limits+"\n"))
		if filled := firstContainer(objects[0])["resources"] != nil; filled != want || strings.Contains(held(findings), "LimitRange") == want {
			t.Errorf("%s: filled in %v, held back %q", limits, filled, held(findings))
		}
	}
}

// TestNetworkPolicies_DNSOfOpenShiftIsLetOut: its Pods listen on 5353.
func TestNetworkPolicies_DNSOfOpenShiftIsLetOut(t *testing.T) {
	for profile, want := range map[string]bool{"profile/openshift@1": true, restricted: false, "none": false} {
		hardener := newHardener(t, Config{Profile: profile, More: gate.Harden{NetworkPolicies: gate.NetworkBoth}, Namespaces: []gate.Namespace{{Name: "team-a", Owned: true}}})
		objects := []plugin.Object{workload{}.object(t)}
		rendering := plugin.Unhardened{Objects: objects, Images: imagesOf(objects, good())}
		rendering.Source.Application.Namespace = "team-a"
		objects, _ = hardener.Harden(t.Context(), rendering)
		policy := plugin.Compact(objects[1].Fields)
		if !strings.Contains(policy, `"port":53,`) || strings.Contains(policy, `"port":5353,`) != want {
			t.Errorf("%s: %s", profile, policy)
		}
	}
}

// TestHooks_FluxKnowsNone: it applies a Job with the annotations of a hook as any
// other, and makes one anew where its own annotation says so.
func TestHooks_FluxKnowsNone(t *testing.T) {
	for name, test := range map[string]struct {
		annotations, sourceNamespace string
		want                         bool
	}{
		"Helm's hook, in Flux":             {"helm.sh/hook: pre-install", "team-a", false},
		"Argo CD's hook, in Flux":          {"argocd.argoproj.io/hook: Sync", "team-a", false},
		"Flux's annotation, elsewhere":     {"kustomize.toolkit.fluxcd.io/force: enabled", "", false},
		"Flux's annotation, off":           {"kustomize.toolkit.fluxcd.io/force: disabled", "team-a", false},
		"twin: Flux's annotation":          {"kustomize.toolkit.fluxcd.io/force: Enabled", "team-a", true},
		"twin: Helm's hook, in Argo CD":    {"helm.sh/hook: pre-install", "", true},
		"twin: Argo CD's hook, in its own": {"argocd.argoproj.io/hook: Sync", "", true},
	} {
		objects := []plugin.Object{workload{kind: "batch/v1 Job", annotations: test.annotations}.object(t)}
		rendering := plugin.Unhardened{Objects: objects, Images: imagesOf(objects, good())}
		rendering.Source.Application.SourceNamespace = test.sourceNamespace
		objects, _ = newHardener(t, Config{Profile: restricted}).Harden(t.Context(), rendering)
		if set := security(firstContainer(objects[0])) != nil; set != test.want {
			t.Errorf("%s: filled in %v", name, set)
		}
	}
}
