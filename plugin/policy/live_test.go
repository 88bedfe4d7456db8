package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
)

const (
	renderedService = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: team-a}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
	// liveService has what the server and others added.
	liveService = `apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: team-a
  uid: 0b1c
  annotations:
    other.example.com/by: somebody
    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"team-a","annotations":{"team-a.example.com/old":"x"}},"spec":{"selector":{"app":"web"},"ports":[{"port":80}]}}'
    team-a.example.com/old: x
spec: {clusterIP: 10.0.0.7, selector: {app: web}, ports: [{port: 80, protocol: TCP, nodePort: 30080}]}
`
	liveWidget     = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web, namespace: team-a, uid: 0b1c}\nspec: {size: 3, colour: red}\n"
	renderedWidget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web, namespace: team-a}\nspec: {size: 5}\n"
)

// TestLive_DecidesAnUpdate: what is asked about the old object is known when
// the live one is, and the new one is what applying makes of both.
func TestLive_DecidesAnUpdate(t *testing.T) {
	const services, widgets = `"" services`, `"example.com" widgets`
	const namespaced = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
	for name, test := range map[string]struct{ resources, rendered, live, expression, want string }{
		"not given":                 {services, renderedService, "", "oldObject.spec.clusterIP == object.spec.clusterIP", "unknown"},
		"of another object":         {services, renderedService, strings.Replace(liveService, "name: web", "name: api", 1), "oldObject.spec.clusterIP == object.spec.clusterIP", "unknown"},
		"of another namespace":      {services, renderedService, strings.Replace(liveService, "namespace: team-a", "namespace: team-b", 1), "oldObject.spec.clusterIP == object.spec.clusterIP", "unknown"},
		"in another version":        {widgets, renderedWidget, strings.Replace(liveWidget, "/v1", "/v2", 1), "oldObject.spec.size == object.spec.size", "unknown"},
		"that cannot be read":       {services, renderedService, strings.Replace(liveService, "{app: web}", "web", 1), "oldObject.spec.clusterIP == object.spec.clusterIP", "unknown"},
		"what the server added":     {services, renderedService, liveService, "oldObject.spec.clusterIP == object.spec.clusterIP && object.metadata.uid == '0b1c'", "passes"},
		"in lists, too":             {services, renderedService, liveService, "object.spec.ports.size() == 1 && object.spec.ports[0].nodePort == 30080", "passes"},
		"what others wrote":         {services, renderedService, liveService, "'other.example.com/by' in object.metadata.annotations", "passes"},
		"what is rendered no more":  {services, renderedService, liveService, "!('team-a.example.com/old' in object.metadata.annotations) && 'team-a.example.com/old' in oldObject.metadata.annotations", "passes"},
		"what may not change":       {services, strings.Replace(renderedService, "port: 80", "port: 81", 1), liveService, "object.spec.ports.map(p, p.port) == oldObject.spec.ports.map(p, p.port)", "denied"},
		"in the namespace of all":   {services, namespaced, liveService, "oldObject.metadata.uid == '0b1c' && object.metadata.namespace == 'team-a'", "passes"},
		"a custom resource":         {widgets, renderedWidget, liveWidget, "object.spec.size == 5 && object.spec.colour == 'red' && oldObject.spec.size == 3", "passes"},
		"a custom one keeps others": {widgets, renderedWidget, strings.Replace(liveWidget, "uid: 0b1c", `annotations: {a: b, kubectl.kubernetes.io/last-applied-configuration: "{\"metadata\":{\"annotations\":{\"c\":\"d\"}},\"spec\":{\"colour\":\"red\"}}"}`, 1), "object.metadata.annotations.a == 'b' && !has(object.spec.colour)", "passes"},
		"a custom one that shrinks": {widgets, strings.Replace(renderedWidget, "5", "2", 1), liveWidget, "object.spec.size >= oldObject.spec.size", "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			text := policyText{resources: test.resources, operations: "UPDATE", validation: `{expression: "` + test.expression + `"}`}.String()
			input := sealed(t, test.rendered)
			input.Source.Application.Namespace = "team-a"
			if test.live != "" {
				input.Source.Live = objects(t, test.live)
			}
			found := withRule(judgeWith(t, policyConfig(t, text, nil), input), "policy/team-label")
			got := "passes"
			for _, finding := range found {
				if got = "denied"; finding.Indeterminate {
					got = "unknown"
				}
			}
			if got != test.want {
				t.Errorf("%s, want %s: %+v", got, test.want, found)
			}
		})
	}
}

// TestLive_ACreationIsStillAsked: an object that is deleted and synced again is
// created, and then there is no old one.
func TestLive_ACreationIsStillAsked(t *testing.T) {
	text := policyText{resources: `"" services`, operations: "CREATE, UPDATE", validation: `{expression: "has(object.spec.clusterIP)", message: no address}`}.String()
	input := sealed(t, renderedService)
	input.Source.Live = objects(t, liveService)
	if finding := one(t, withRule(judgeWith(t, policyConfig(t, text, nil), input), "policy/team-label")); finding.Indeterminate || finding.Message != "no address" {
		t.Errorf("%+v", finding)
	}
}

// TestLive_IsNotKeptWithTheView and changes nothing of what is handed on.
func TestLive_IsNotKeptWithTheView(t *testing.T) {
	var cache viewCache
	input := sealed(t, renderedService)
	input.Digest = "one"
	cache.of(input, []gate.Namespace{}).compareWith(objects(t, liveService))
	if s := cache.of(input, nil).subjects[0]; s.old != nil || s.updated != nil {
		t.Error("the second run has the first one's live object")
	}
	if spec := mapAt(input.Objects[0].Fields, "spec"); spec["clusterIP"] != nil {
		t.Errorf("the rendering was changed: %v", spec)
	}
}
