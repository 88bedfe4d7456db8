package harden

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

/*
networkPolicies adds, to each namespace that the application owns (its Namespace
is rendered, or the gate says so) and that gets Pods, a NetworkPolicy that lets
nothing in, and one for each Service that lets in what the Service serves. With
egress it also lets nothing out but to DNS and to the namespace itself. A
namespace with a NetworkPolicy of the author's for all of its Pods is left alone.
*/
func networkPolicies(mode string, dns []any, described []gate.Namespace) setSetting {
	return func(around *surroundings, objects []plugin.Object) ([]plugin.Object, []plugin.Finding) {
		owned := map[string]bool{}
		for _, namespace := range described {
			owned[namespace.Name] = namespace.Owned
		}
		guarded, used, taken, services := map[string]bool{}, map[string]bool{}, map[plugin.ObjectID]bool{}, map[string][]plugin.Object{}
		for _, object := range objects {
			id := object.ID()
			namespace := around.place(id)
			if id.Kind == "NetworkPolicy" {
				taken[networkPolicy(namespace, id.Name, nil).ID()] = true
			}
			_, makesPods := podSpecOf(id)
			switch {
			case isNamespace(id):
				owned[id.Name] = true
			case id.Kind == "NetworkPolicy" && id.Group() == "networking.k8s.io" && forAllPods(object):
				guarded[namespace] = true
			case id.Kind == "Service" && id.Group() == "":
				services[namespace] = append(services[namespace], object)
			case makesPods:
				used[namespace] = true
			}
		}
		var findings []plugin.Finding
		for _, namespace := range slices.Sorted(maps.Keys(used)) {
			if namespace == "" || !owned[namespace] || guarded[namespace] {
				continue
			}
			for _, made := range guard(services[namespace], namespace, mode, dns) {
				if taken[made.ID()] {
					findings = append(findings, nameTaken(made))
					continue
				}
				objects = append(objects, made)
				findings = append(findings, plugin.Finding{
					Rule: rulePrefix + "networkPolicies", Level: plugin.Info, Object: made.ID(), Was: "null", Now: plugin.Compact(made.Fields["spec"]),
					Message: "a NetworkPolicy was added", Why: "without one, every Pod of the cluster reaches every port of this one",
					Hint: "write a NetworkPolicy with an empty podSelector in the namespace to decide it yourself",
				})
			}
		}
		return objects, findings
	}
}

// nameTaken says that the author's own object stands where one would be added.
func nameTaken(made plugin.Object) plugin.Finding {
	return plugin.Finding{
		Rule: ruleHeldBack, Level: plugin.Warn, Object: made.ID(),
		Message: "no NetworkPolicy was added: the rendering has one of this name", Hint: "give yours another name than assay-*",
	}
}

func forAllPods(policy plugin.Object) bool {
	selector, _ := at(policy.Fields, "spec", "podSelector").(map[string]any)
	return len(selector) == 0
}

// dnsPorts are those of the cluster's DNS. OpenShift's Pods of it listen on 5353
// behind the Service's 53, and a policy is about the ports of Pods.
func dnsPorts(profile string) []any {
	ports := []any{port("UDP", int64(53)), port("TCP", int64(53))}
	if strings.HasPrefix(profile, "profile/openshift@") {
		ports = append(ports, port("UDP", int64(5353)), port("TCP", int64(5353)))
	}
	return ports
}

// guard makes the policies of one namespace with these Services.
func guard(services []plugin.Object, namespace, mode string, dns []any) []plugin.Object {
	deny := map[string]any{"podSelector": map[string]any{}, "policyTypes": []any{"Ingress"}}
	if mode == gate.NetworkBoth {
		deny["policyTypes"] = []any{"Ingress", "Egress"}
		deny["egress"] = []any{
			map[string]any{"ports": slices.Clone(dns)},
			map[string]any{"to": []any{map[string]any{"podSelector": map[string]any{}}}},
		}
		deny["ingress"] = []any{map[string]any{"from": []any{map[string]any{"podSelector": map[string]any{}}}}}
	}
	made := []plugin.Object{networkPolicy(namespace, "assay-default-deny", deny)}
	for _, object := range services {
		selector, _ := at(object.Fields, "spec", "selector").(map[string]any)
		ports := servedPorts(object)
		if len(selector) == 0 || len(ports) == 0 {
			continue
		}
		made = append(made, networkPolicy(namespace, "assay-allow-"+object.ID().Name, map[string]any{
			"podSelector": map[string]any{"matchLabels": maps.Clone(selector)}, "policyTypes": []any{"Ingress"},
			"ingress": []any{map[string]any{"ports": ports}},
		}))
	}
	return made
}

// servedPorts are those of the Pods behind a Service.
func servedPorts(service plugin.Object) []any {
	list, _ := at(service.Fields, "spec", "ports").([]any)
	var ports []any
	for _, item := range list {
		entry, _ := item.(map[string]any)
		target := entry["targetPort"]
		if target == nil {
			target = entry["port"]
		}
		protocol, _ := entry["protocol"].(string)
		if protocol == "" {
			protocol = "TCP"
		}
		if target != nil {
			ports = append(ports, port(protocol, target))
		}
	}
	return ports
}

// port is a port of a NetworkPolicy, by number or by name. The API refuses a
// number that is written as text.
func port(protocol string, numberOrName any) map[string]any {
	if text, isText := numberOrName.(string); isText {
		if number, err := strconv.ParseInt(text, 10, 32); err == nil {
			numberOrName = number
		}
	}
	return map[string]any{"protocol": protocol, "port": numberOrName}
}

func networkPolicy(namespace, name string, spec map[string]any) plugin.Object {
	return plugin.Object{Fields: map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
		"metadata": map[string]any{"name": name, "namespace": namespace}, "spec": spec,
	}}
}
