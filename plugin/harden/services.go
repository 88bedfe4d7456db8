package harden

import (
	"maps"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// served is what a rendered Service says of the Pods behind it.
type served struct {
	selector map[string]any
	// ports are those that the Pods listen on, by number.
	ports []int64
}

// serviceKey finds the Services that may select a Pod: by one label that all of
// their Pods have.
type serviceKey struct{ namespace, label, value string }

// addService notes the ports of a Service. Without a selector it says nothing of
// Pods; a port by name is one that a container declares.
func (s *surroundings) addService(service plugin.Object) {
	selector, _ := at(service.Fields, "spec", "selector").(map[string]any)
	if len(selector) == 0 {
		return
	}
	one := served{selector: selector}
	for _, item := range servedPorts(service) {
		entry, _ := item.(map[string]any)
		if port := number(entry["port"]); port > 0 {
			one.ports = append(one.ports, port)
		}
	}
	label := slices.Min(slices.Collect(maps.Keys(selector)))
	value, _ := selector[label].(string)
	key := serviceKey{s.place(service.ID()), label, value}
	s.services[key] = append(s.services[key], one)
}

// servedPorts are the low ports that Services of the rendering send to the container:
// those that no container of the Pod declares may be any one's. A container that
// ends before the others start serves nobody.
func (c *container) servedPorts() []int64 {
	if c.list == "ephemeralContainers" || c.list == "initContainers" && c.fields["restartPolicy"] != "Always" {
		return nil
	}
	labels := c.pod.labels()
	var ports []int64
	for label, value := range labels {
		text, _ := value.(string)
		for _, service := range c.pod.target.around.services[serviceKey{c.pod.target.around.place(c.pod.id), label, text}] {
			if selects(service.selector, labels) {
				ports = append(ports, service.ports...)
			}
		}
	}
	slices.Sort(ports) // labels come in any order
	start := c.unprivilegedStart()
	return slices.DeleteFunc(slices.Compact(ports), func(port int64) bool { return port >= start || c.pod.declares(port) })
}

func selects(selector, labels map[string]any) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// declares reports whether a container of the Pod has the port among its own.
func (p *pod) declares(port int64) bool {
	return slices.ContainsFunc(p.containers, func(c *container) bool { return slices.Contains(c.declaredPorts(), port) })
}
