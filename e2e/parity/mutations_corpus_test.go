//go:build e2e

package parity_test

import (
	"fmt"
	"strings"
)

// mutation is a question about MutatingAdmissionPolicies: documents of the
// platform and an object. Each has a namespace of its own, to which its bindings
// are limited, so that no case changes another.
type mutation struct {
	name   string
	policy []mutatingPolicy
	// more are documents beside the policies, with NS for the namespace.
	more   string
	object string
}

// mutatingPolicy is a policy and its binding; absent parts are those of a policy
// about creations without conditions that is bound for its namespace.
type mutatingPolicy struct{ resources, spec, match, mutations, reinvoke, bindingMatch, paramRef string }

func (p mutatingPolicy) text(name, namespace string) string {
	group, resource, grouped := strings.Cut(p.resources, "/")
	if !grouped {
		group, resource = "", p.resources
	}
	reinvoke, selector := p.reinvoke, p.bindingMatch
	if reinvoke == "" {
		reinvoke = "Never"
	}
	if selector == "" {
		selector = "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: " + namespace + "}}"
	}
	return fmt.Sprintf(`apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  reinvocationPolicy: %[2]s
  matchConstraints: {resourceRules: [{apiGroups: [%[3]q], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [%[4]s]}], namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[9]s}}%[5]s}
  %[6]s
  mutations: [%[7]s]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s, matchResources: {%[8]s}%[10]s}
`, name, reinvoke, group, resource, p.match, p.spec, p.mutations, selector, namespace, p.paramRef)
}

func applies(expression string) string {
	return fmt.Sprintf("{patchType: ApplyConfiguration, applyConfiguration: {expression: %q}}", expression)
}

func patches(operations string) string {
	return fmt.Sprintf("{patchType: JSONPatch, jsonPatch: {expression: %q}}", operations)
}

func labels(name, value string) string {
	return applies(fmt.Sprintf("Object{metadata: Object.metadata{labels: {'%s': %s}}}", name, value))
}

// counted appends a letter each time that it is asked.
const counted = `Object{metadata: Object.metadata{annotations: {"count": (has(object.metadata.annotations) && "count" in object.metadata.annotations ? object.metadata.annotations["count"] : "") + "%s"}}}`

const (
	aConfigMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, labels: {app: web}}\ndata: {key: value}\n"
	aSecret    = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {key: old, other: stays}\n"
	aPod       = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web, ports: [{containerPort: 80}], env: [{name: A, value: a}]}]}\n"
	aPolicy    = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web}\nspec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}\n"
	aService   = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}, {name: metrics, port: 90}]}\n"
	aWidget    = "apiVersion: mutations.example.com/v1\nkind: Widget\nmetadata: {name: web}\nspec: {size: 1, items: [{name: a, value: x}], words: [a], parts: [{id: b}]}\n"
	aWorkload  = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "registry.example.com/web:1", ports: [{containerPort: 80}], env: [{name: A, value: a}], resources: {limits: {cpu: 1}}}
      - {name: debug, image: "registry.example.com/debug:1"}
      volumes: [{name: tmp, emptyDir: {}}]
`
	aCronJob = `apiVersion: batch/v1
kind: CronJob
metadata: {name: web}
spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: web, image: web}]}}}}}
`
	widgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.mutations.example.com}
spec:
  group: mutations.example.com
  scope: Namespaced
  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer}
              colour: {type: string, default: blue}
              words: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              parts: {type: array, items: {type: object, properties: {id: {type: string}}}}
              items:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, value: {type: string}, unit: {type: string, default: kg}}}
`
)

func inTemplate(fields string) string {
	return applies("Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{" + fields + "}}}}")
}

func one(resources, mutations string) []mutatingPolicy {
	return []mutatingPolicy{{resources: resources, mutations: mutations}}
}

// mutations is the corpus.
func mutations() []mutation {
	const container = "Object.spec.template.spec.containers"
	limits := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: NS, labels: {of: limits}}\ndata: {team: a}\n"
	param := func(ref string) []mutatingPolicy {
		return []mutatingPolicy{{resources: "secrets", spec: "paramKind: {apiVersion: v1, kind: ConfigMap}", paramRef: ", paramRef: " + ref,
			mutations: applies(`Object{metadata: Object.metadata{labels: {params == null ? "none" : params.metadata.name: params == null ? "none" : params.data.team}}}`)}}
	}
	return []mutation{
		{name: "label", policy: one("configmaps", labels("team", "'a'")), object: aConfigMap},
		{name: "label-overwritten", policy: one("configmaps", labels("app", "'other'")), object: aConfigMap},
		{name: "patch-adds", policy: one("configmaps", patches(`[JSONPatch{op: "add", path: "/data/new", value: "x"}]`)), object: aConfigMap},
		{name: "patch-removes", policy: one("configmaps", patches(`[JSONPatch{op: "remove", path: "/metadata/labels/app"}]`)), object: aConfigMap},
		{name: "patch-moves-and-copies", policy: one("configmaps", patches(`[JSONPatch{op: "move", from: "/data/key", path: "/data/moved"}, JSONPatch{op: "copy", from: "/data/moved", path: "/data/copied"}]`)), object: aConfigMap},
		{name: "patch-escapes", policy: one("configmaps", patches(`[JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/team"), value: "a"}]`)), object: aConfigMap},
		{name: "patch-test-fails", policy: one("configmaps", patches(`[JSONPatch{op: "test", path: "/data/key", value: "other"}, JSONPatch{op: "remove", path: "/data/key"}]`)), object: aConfigMap},
		{name: "patch-of-nothing", policy: one("configmaps", patches(`[JSONPatch{op: "remove", path: "/data/nothing"}]`)), object: aConfigMap},
		{name: "patch-with-an-unknown-field", policy: one("configmaps", patches(`[JSONPatch{op: "add", path: "/dat", value: "x"}]`)), object: aConfigMap},
		{name: "patch-with-a-wrong-type", policy: one("apps/deployments", patches(`[JSONPatch{op: "replace", path: "/spec/replicas", value: "many"}]`)), object: aWorkload},
		{name: "two-mutations", policy: one("configmaps", labels("team", "'a'")+", "+labels("copy", "object.metadata.labels['team']")), object: aConfigMap},
		{name: "variables", policy: []mutatingPolicy{{resources: "configmaps", spec: `variables: [{name: team, expression: "object.metadata.name + '-team'"}]`, mutations: labels("team", "variables.team")}}, object: aConfigMap},
		{name: "condition-holds", policy: []mutatingPolicy{{resources: "configmaps", spec: `matchConditions: [{name: a, expression: "object.metadata.name == 'web'"}]`, mutations: labels("team", "'a'")}}, object: aConfigMap},
		{name: "condition-is-false", policy: []mutatingPolicy{{resources: "configmaps", spec: `matchConditions: [{name: a, expression: "object.metadata.name == 'api'"}]`, mutations: labels("team", "'a'")}}, object: aConfigMap},
		{name: "condition-fails", policy: []mutatingPolicy{{resources: "configmaps", spec: `matchConditions: [{name: a, expression: "object.data.nothing == ''"}]`, mutations: labels("team", "'a'")}}, object: aConfigMap},
		{name: "condition-fails-ignored", policy: []mutatingPolicy{{resources: "configmaps", spec: "failurePolicy: Ignore\n  matchConditions: [{name: a, expression: \"object.data.nothing == ''\"}]", mutations: labels("team", "'a'")}}, object: aConfigMap},
		{name: "mutation-fails", policy: one("configmaps", labels("team", "object.data.nothing")), object: aConfigMap},
		{name: "mutation-fails-ignored", policy: []mutatingPolicy{{resources: "configmaps", spec: "failurePolicy: Ignore", mutations: labels("team", "object.data.nothing") + ", " + labels("other", "'b'")}}, object: aConfigMap},
		{name: "budget-exceeded", policy: one("configmaps", labels("team", "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, [1,2,3,4,5,6,7,8,9,10].all(g, a+b+c+d+e+f+g > 0))))))) ? 'a' : 'b'")), object: aConfigMap},
		{name: "namespace-by-label", policy: []mutatingPolicy{{resources: "configmaps", bindingMatch: "namespaceSelector: {matchLabels: {tier: gold}}", mutations: labels("team", "'a'")}}, object: aConfigMap},
		{name: "namespace-by-another-label", policy: []mutatingPolicy{{resources: "configmaps", bindingMatch: "namespaceSelector: {matchLabels: {tier: tin}}", mutations: labels("team", "'a'")}}, object: aConfigMap},
		{name: "namespace-object", policy: one("configmaps", labels("tier", "namespaceObject.metadata.labels['tier']")), object: aConfigMap},
		{name: "object-selector", policy: []mutatingPolicy{{resources: "configmaps", match: ", objectSelector: {matchLabels: {app: web}}", mutations: labels("team", "'a'")}}, object: aConfigMap},
		{name: "object-selector-of-another", policy: []mutatingPolicy{{resources: "configmaps", match: ", objectSelector: {matchLabels: {app: api}}", mutations: labels("team", "'a'")}}, object: aConfigMap},
		{name: "excluded", policy: []mutatingPolicy{{resources: "configmaps", match: `, excludeResourceRules: [{apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: [configmaps], resourceNames: [web]}]`, mutations: labels("team", "'a'")}}, object: aConfigMap},
		{name: "param-by-name", policy: param("{name: limits, namespace: NS, parameterNotFoundAction: Deny}"), more: limits, object: aSecret},
		{name: "param-of-the-namespace", policy: param("{name: limits, parameterNotFoundAction: Deny}"), more: limits, object: aSecret},
		{name: "params-by-label", policy: param("{selector: {matchLabels: {of: limits}}, parameterNotFoundAction: Deny}"), more: limits + strings.Replace(limits, "name: limits", "name: more", 1), object: aSecret},
		{name: "param-absent-allowed", policy: param("{name: nothing, parameterNotFoundAction: Allow}"), more: limits, object: aSecret},
		{name: "param-not-referred-to", policy: []mutatingPolicy{{resources: "secrets", spec: "paramKind: {apiVersion: v1, kind: ConfigMap}", mutations: labels("team", "params == null ? 'none' : 'some'")}}, more: limits, object: aSecret},
		{name: "secret-text-and-data", policy: one("secrets", applies(`Object{data: {"key": "bmV3"}}`)), object: aSecret},
		{name: "secret-key-removed", policy: one("secrets", patches(`[JSONPatch{op: "remove", path: "/data/key"}]`)), object: aSecret},
		{name: "sidecar", policy: one("apps/deployments", inTemplate(`initContainers: [Object.spec.template.spec.initContainers{name: "mesh", image: "registry.example.com/mesh:1", restartPolicy: "Always"}]`)), object: aWorkload},
		{name: "container-field", policy: one("apps/deployments", inTemplate(`containers: object.spec.template.spec.containers.map(c, `+container+`{name: c.name, imagePullPolicy: "Always"})`)), object: aWorkload},
		{name: "env-merges-by-name", policy: one("apps/deployments", inTemplate(`containers: [`+container+`{name: "web", env: [`+container+`.env{name: "B", value: "b"}, `+container+`.env{name: "A", value: "new"}]}]`)), object: aWorkload},
		{name: "ports-merge-by-two-keys", policy: one("apps/deployments", inTemplate(`containers: [`+container+`{name: "web", ports: [`+container+`.ports{containerPort: 80, name: "http"}, `+container+`.ports{containerPort: 80, protocol: "UDP"}]}]`)), object: aWorkload},
		{name: "security-context", policy: one("apps/deployments", inTemplate(`securityContext: Object.spec.template.spec.securityContext{runAsNonRoot: true}`)), object: aWorkload},
		{name: "resources", policy: one("apps/deployments", inTemplate(`containers: object.spec.template.spec.containers.map(c, `+container+`{name: c.name, resources: `+container+`.resources{limits: {"memory": "64Mi"}}})`)), object: aWorkload},
		{name: "atomic-list", policy: one("apps/deployments", inTemplate(`tolerations: [Object.spec.template.spec.tolerations{key: "a", operator: "Exists"}]`)), object: aWorkload},
		{name: "atomic-map", policy: one("apps/deployments", inTemplate(`nodeSelector: {"zone": "a"}`)), object: aWorkload},
		{name: "topology-spread", policy: one("apps/deployments", inTemplate(`topologySpreadConstraints: [Object.spec.template.spec.topologySpreadConstraints{maxSkew: 1, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway"}]`)), object: aWorkload},
		{name: "volume-replaced", policy: one("apps/deployments", patches(`[JSONPatch{op: "replace", path: "/spec/template/spec/volumes/0", value: Object.spec.template.spec.volumes{name: "tmp", emptyDir: Object.spec.template.spec.volumes.emptyDir{sizeLimit: "1Gi"}}}]`)), object: aWorkload},
		{name: "container-removed", policy: one("apps/deployments", patches(`[JSONPatch{op: "remove", path: "/spec/template/spec/containers/1"}]`)), object: aWorkload},
		{name: "all-containers-removed", policy: one("apps/deployments", patches(`[JSONPatch{op: "remove", path: "/spec/template/spec/containers/1"}, JSONPatch{op: "remove", path: "/spec/template/spec/containers/0"}]`)), object: aWorkload},
		{name: "container-first", policy: one("apps/deployments", patches(`[JSONPatch{op: "add", path: "/spec/template/spec/containers/0", value: `+container+`{name: "first", image: "first"}}]`)), object: aWorkload},
		{name: "image-changed", policy: one("apps/deployments", patches(`[JSONPatch{op: "replace", path: "/spec/template/spec/containers/0/image", value: "mirror.example.com/" + object.spec.template.spec.containers[0].image}]`)), object: aWorkload},
		{name: "default-removed", policy: one("apps/deployments", patches(`[JSONPatch{op: "remove", path: "/spec/template/spec/terminationGracePeriodSeconds"}, JSONPatch{op: "replace", path: "/spec/replicas", value: 3}]`)), object: aWorkload},
		{name: "reads-a-default", policy: one("apps/deployments", labels("strategy", "object.spec.strategy.type")), object: aWorkload},
		{name: "pod", policy: one("pods", applies(`Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, imagePullPolicy: "Never"})}}`)), object: aPod},
		{name: "pod-policy-and-a-workload", policy: one("pods", labels("team", "'a'")), object: aWorkload},
		{name: "pod-tolerations-seen", policy: one("pods", labels("tolerations", "string(object.spec.tolerations.size())")), object: aPod},
		{name: "pod-tolerations-patched", policy: one("pods", patches(`[JSONPatch{op: "add", path: "/spec/tolerations/-", value: Object.spec.tolerations{key: "a", operator: "Exists"}}]`)), object: aPod},
		{name: "cron-job", policy: one("batch/cronjobs", applies(`Object{spec: Object.spec{concurrencyPolicy: "Forbid", jobTemplate: Object.spec.jobTemplate{spec: Object.spec.jobTemplate.spec{ttlSecondsAfterFinished: 60}}}}`)), object: aCronJob},
		{name: "service-ports", policy: one("services", applies(`Object{spec: Object.spec{ports: [Object.spec.ports{port: 80, name: "http"}]}}`)), object: aService},
		{name: "empty-selectors-stay", policy: one("networking.k8s.io/networkpolicies", labels("team", "'a'")), object: aPolicy},
		{name: "empty-selector-added", policy: one("networking.k8s.io/networkpolicies", patches(`[JSONPatch{op: "add", path: "/spec/ingress/0/from/0/namespaceSelector", value: Object.spec.ingress.from.namespaceSelector{}}]`)), object: aPolicy},
		{name: "name-changed", policy: one("configmaps", patches(`[JSONPatch{op: "replace", path: "/metadata/name", value: "other"}]`)), object: aConfigMap},
		{name: "namespace-changed", policy: one("configmaps", patches(`[JSONPatch{op: "replace", path: "/metadata/namespace", value: "default"}]`)), object: aConfigMap},
		{name: "kind-changed", policy: one("configmaps", patches(`[JSONPatch{op: "replace", path: "/kind", value: "Secret"}]`)), object: aConfigMap},
		{name: "everything-removed", policy: one("configmaps", patches(`[JSONPatch{op: "remove", path: ""}]`)), object: aConfigMap},
		{name: "wrong-type-name", policy: one("apps/deployments", applies(`Object{spec: Object.spec{template: Object.spec.other{}}}`)), object: aWorkload},
		{name: "loop-never", policy: one("configmaps", applies(fmt.Sprintf(counted, "a"))), object: aConfigMap},
		{name: "loop-if-needed", policy: []mutatingPolicy{{resources: "configmaps", reinvoke: "IfNeeded", mutations: applies(fmt.Sprintf(counted, "a"))}}, object: aConfigMap},
		{name: "custom-map-list", policy: one("mutations.example.com/widgets", applies(`Object{spec: Object.spec{items: [Object.spec.items{name: "b", value: "y"}, Object.spec.items{name: "a", unit: "g"}]}}`)), object: aWidget},
		{name: "custom-set", policy: one("mutations.example.com/widgets", applies(`Object{spec: Object.spec{words: ["b"]}}`)), object: aWidget},
		{name: "custom-atomic", policy: one("mutations.example.com/widgets", applies(`Object{spec: Object.spec{parts: [Object.spec.parts{id: "c"}]}}`)), object: aWidget},
		{name: "custom-default-seen", policy: one("mutations.example.com/widgets", labels("colour", "object.spec.colour")), object: aWidget},
		{name: "custom-patch", policy: one("mutations.example.com/widgets", patches(`[JSONPatch{op: "replace", path: "/spec/size", value: 2}]`)), object: aWidget},
		{name: "two-policies", policy: []mutatingPolicy{{resources: "configmaps", mutations: labels("team", "'a'")}, {resources: "configmaps", mutations: labels("other", "'b'")}}, object: aConfigMap},
	}
}
