package harden

import (
	"slices"
	"strconv"
	"strings"
)

// findLowPort is a port below 1024 on which the container listens, as far as its
// ports, its probes, the image's configuration and the Services of the rendering
// say; 0 when there is none, or when the Pod's own sysctl lets every user listen there.
func (c *container) findLowPort() int64 {
	start := c.unprivilegedStart()
	for _, port := range slices.Concat(c.declaredPorts(), c.exposedPorts(), c.servedPorts()) {
		if port > 0 && port < start {
			return port
		}
	}
	return 0
}

// unprivilegedStart is the first port that every user may listen on: 1024,
// unless the Pod sets net.ipv4.ip_unprivileged_port_start. On the node's
// network a Pod cannot.
func (c *container) unprivilegedStart() int64 {
	const usual = 1024
	if hostNetwork, _ := c.pod.spec["hostNetwork"].(bool); hostNetwork {
		return usual
	}
	sysctls, _ := c.pod.security["sysctls"].([]any)
	for _, item := range sysctls {
		sysctl, _ := item.(map[string]any)
		value, _ := sysctl["value"].(string)
		if start, err := strconv.ParseInt(value, 10, 64); err == nil && sysctl["name"] == "net.ipv4.ip_unprivileged_port_start" {
			return start
		}
	}
	return usual
}

// declaredPorts are those of the container's ports and probes.
func (c *container) declaredPorts() []int64 {
	var ports []int64
	items, _ := c.fields["ports"].([]any)
	for _, item := range items {
		port, _ := item.(map[string]any)
		if declared := number(port["containerPort"]); declared > 0 {
			ports = append(ports, declared)
		}
	}
	for _, name := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		probe, _ := c.fields[name].(map[string]any)
		for _, kind := range []string{"httpGet", "tcpSocket", "grpc"} {
			action, _ := probe[kind].(map[string]any)
			if probed := number(action["port"]); probed > 0 {
				ports = append(ports, probed)
			}
		}
	}
	return ports
}

// exposedPorts are those of the image's configuration ("8080/tcp").
func (c *container) exposedPorts() []int64 {
	config := c.config()
	if config == nil {
		return nil
	}
	var ports []int64
	for _, exposed := range config.ExposedPorts {
		text, _, _ := strings.Cut(exposed, "/")
		if port, err := strconv.ParseInt(text, 10, 64); err == nil {
			ports = append(ports, port)
		}
	}
	return ports
}

// number is a whole number, or 0: a port by name is declared elsewhere.
func number(value any) int64 {
	switch value := value.(type) {
	case int64:
		return value
	case float64:
		return int64(value)
	}
	return 0
}
