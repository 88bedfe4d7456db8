package policy

import (
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	k8sappsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// moduleFolder is where a module's files were downloaded to. A module that is
// not there fails the test.
func moduleFolder(t testing.TB, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if folder := strings.TrimSpace(string(out)); err == nil && folder != "" {
		return folder
	}
	t.Fatalf("finding the folder of module %s: %v; go mod download fetches it", module, err)
	return ""
}

// TestDefaulting_EveryServedVersionIsListed: a group that a later release of
// Kubernetes gives defaults to is not forgotten.
func TestDefaulting_EveryServedVersionIsListed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../apiserver/defaulting.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	imported := map[string]bool{}
	for _, each := range file.Imports {
		path, _ := strconv.Unquote(each.Path.Value)
		imported[path] = true
	}
	generated, err := filepath.Glob(filepath.Join(moduleFolder(t, "k8s.io/kubernetes"), "pkg", "apis", "*", "v*", "zz_generated.defaults.go"))
	if err != nil || len(generated) < 30 {
		t.Fatalf("%d files with defaults: %v", len(generated), err)
	}
	for _, path := range generated {
		version := filepath.Base(filepath.Dir(path))
		if strings.Contains(version, "alpha") || strings.Contains(version, "beta") || !strings.Contains(readFile(t, path), "\nfunc SetObjectDefaults_") {
			continue
		}
		if group := filepath.Base(filepath.Dir(filepath.Dir(path))); !imported["k8s.io/kubernetes/pkg/apis/"+group+"/"+version] {
			t.Errorf("%s/%s has defaults and is not listed", group, version)
		}
	}
}

// TestDefaulting_EnginesSeeWhatTheAPIServerSees: each expression is false, or
// cannot be evaluated, about what the author wrote.
func TestDefaulting_EnginesSeeWhatTheAPIServerSees(t *testing.T) {
	const container = `{containers: [{name: web, image: "registry.example.com/web:1", ports: [{containerPort: 80}]}]}`
	const deployment, pods = `"apps" deployments`, `"" pods`
	for name, test := range map[string]struct{ resources, object, expression string }{
		"resources are a struct": {pods, podOf("Pod", container), "object.spec.containers.all(c, has(c.resources))"},
		"the pull policy":        {pods, podOf("Pod", container), "object.spec.containers.all(c, c.imagePullPolicy == 'IfNotPresent')"},
		"of a workload's Pods":   {pods, podOf("Deployment", container), "object.spec.restartPolicy == 'Always' && object.spec.containers[0].ports[0].protocol == 'TCP'"},
		"of a custom workload's": {pods, podOf("Rollout", container), "object.spec.dnsPolicy == 'ClusterFirst' && object.spec.enableServiceLinks"},
		"requests follow limits": {pods, podOf("Deployment", `{containers: [{name: web, image: "registry.example.com/web", resources: {limits: {memory: 1Gi}}}]}`), "object.spec.containers[0].resources.requests.memory == '1Gi'"},
		"not in the template":    {deployment, podOf("Deployment", `{containers: [{name: web, image: "registry.example.com/web", resources: {limits: {memory: 1Gi}}}]}`), "!has(object.spec.template.spec.containers[0].resources.requests)"},
		"replicas and strategy":  {deployment, podOf("Deployment", container), "object.spec.replicas == 1 && object.spec.strategy.type == 'RollingUpdate'"},
		"a Service's type":       {`"" services`, "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: team-a}\nspec: {ports: [{port: 80}]}", "object.spec.type == 'ClusterIP' && object.spec.ports[0].protocol == 'TCP'"},
		"a Job's":                {`"batch" jobs`, podOf("Job", container), "object.spec.backoffLimit == 6 && object.spec.completionMode == 'NonIndexed'"},
		"a Role's reference":     {`"rbac.authorization.k8s.io" rolebindings`, "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: web, namespace: team-a}\nroleRef: {kind: Role, name: web}\nsubjects: [{kind: User, name: a}]", "object.roleRef.apiGroup == 'rbac.authorization.k8s.io' && object.subjects[0].apiGroup == 'rbac.authorization.k8s.io'"},
		"a policy's types":       {`"networking.k8s.io" networkpolicies`, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: team-a}\nspec: {podSelector: {}}", "object.spec.policyTypes == ['Ingress']"},
		"an autoscaler's":        {`"autoscaling" horizontalpodautoscalers`, "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: team-a}\nspec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: web}}", "object.spec.minReplicas == 1"},
		"a Namespace's own name": {`"" namespaces`, "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}", "object.metadata.labels['kubernetes.io/metadata.name'] == 'team-a'"},
	} {
		t.Run(name, func(t *testing.T) {
			text := policyText{resources: test.resources, operations: "CREATE", validation: `{expression: "` + test.expression + `"}`}.String()
			if found := withRule(judgeWith(t, policyConfig(t, text, nil), sealed(t, test.object)), "policy/team-label"); len(found) != 0 {
				t.Errorf("%+v", found)
			}
			negated := policyText{resources: test.resources, operations: "CREATE", validation: `{expression: "!(` + test.expression + `)", message: asked}`}.String()
			if finding := one(t, withRule(judgeWith(t, policyConfig(t, negated, nil), sealed(t, test.object)), "policy/team-label")); finding.Message != "asked" {
				t.Errorf("the policy was not asked: %+v", finding)
			}
		})
	}
}

func TestDefaulting_ANamespaceIsSelectedByTheLabelThatTheServerGivesIt(t *testing.T) {
	for name, want := range map[string]int{"team-a": 1, "team-b": 0} {
		text := policyText{resources: "namespaces", match: "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: " + name + "}}", validation: `{expression: "false"}`}.String()
		config := policyConfig(t, text, func(g *gate.Gate) { g.Spec.Judge.TrustObjectLabels = true })
		if found := judgeWith(t, config, sealed(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}")); len(found) != want {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// TestDefaulting_NothingIsWrittenIntoTheRendering: the sealed objects are what
// is handed on, and judging them changes nothing of them.
func TestDefaulting_NothingIsWrittenIntoTheRendering(t *testing.T) {
	var text []string
	for _, kind := range []string{"Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "PodTemplate", "ReplicationController", "Rollout", "JobSet", "Operator"} {
		text = append(text, podOf(kind, `{volumes: [{name: tmp}, {name: c, configMap: {name: c}}], containers: [{name: web, image: "registry.example.com/web:1", ports: [{containerPort: 80}], resources: {limits: {cpu: 1}}, livenessProbe: {httpGet: {port: 80}}}]}`))
	}
	text = append(text, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}", "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {a: b}", unlabelled)
	input := sealed(t, strings.Join(text, "\n---\n"))
	input.Source.Application.Namespace = "team-b"
	before, err := json.Marshal(input.Objects)
	if err != nil {
		t.Fatal(err)
	}
	config := policyConfig(t, policyText{resources: `"*" "*"`}.String(), func(g *gate.Gate) { g.Spec = defaultGate().Spec })
	judgeWith(t, config, input)
	NewSelf(SelfConfig{}).Judge(t.Context(), input)
	after, err := json.Marshal(input.Objects)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Errorf("before: %s\nafter:  %s", before, after)
	}
	if v := newView(input, nil); v.subjects[0].pod.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		t.Error("the copy got no defaults either, so the test shows nothing")
	}
}

// TestDefaulting_APodSharesNothingWithItsTemplate: what a Pod gets, the
// workload's template does not.
func TestDefaulting_APodSharesNothingWithItsTemplate(t *testing.T) {
	v := newView(sealed(t, podOf("Deployment", `{containers: [{name: web, image: "registry.example.com/web:1", resources: {limits: {memory: 1Gi}}}]}`)), nil)
	workload, pod := v.subjects[0].object.(*k8sappsv1.Deployment), v.subjects[1].pod
	if len(workload.Spec.Template.Spec.Containers[0].Resources.Requests) != 0 || len(pod.Spec.Containers[0].Resources.Requests) != 1 {
		t.Errorf("template: %v, Pod: %v", workload.Spec.Template.Spec.Containers[0].Resources, pod.Spec.Containers[0].Resources)
	}
	pod.Labels["app"] = "changed"
	if !maps.Equal(workload.Spec.Template.Labels, map[string]string{"app": "web"}) {
		t.Errorf("the template's labels: %v", workload.Spec.Template.Labels)
	}
}

// filesBelow are all files of a folder and of those in it.
func filesBelow(t testing.TB, folder string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(slices.Values(files))
}

func BenchmarkDefaulting(b *testing.B) {
	for b.Loop() {
		apiserver.NewDefaulting()
	}
}
