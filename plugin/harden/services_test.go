package harden

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// TestPorts_AServiceTellsThatAPodListensBelow1024, where the Pod itself says
// nothing of its ports.
func TestPorts_AServiceTellsThatAPodListensBelow1024(t *testing.T) {
	deployment := func(pod string) plugin.Object {
		return object(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {labels: {app: web, tier: front}}, spec: {"+pod+"}}}\n")
	}
	const web = `containers: [{name: web, image: "registry.example.com/web:1"}]`
	service := func(namespace, selector, ports string) plugin.Object {
		return object(t, fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: %s}\nspec: {selector: {%s}, ports: [%s]}\n", namespace, selector, ports))
	}
	for name, test := range map[string]struct {
		pod     string
		service plugin.Object
		held    bool
	}{
		"a low target":                 {web, service("team-a", "app: web", "{port: 8080, targetPort: 80}"), true},
		"no target":                    {web, service("team-a", "app: web", "{port: 443}"), true},
		"two labels":                   {web, service("team-a", "app: web, tier: front", "{port: 443}"), true},
		"twin: a high target":          {web, service("team-a", "app: web", "{port: 80, targetPort: 8080}"), false},
		"twin: a target by name":       {web, service("team-a", "app: web", "{port: 80, targetPort: http}"), false},
		"twin: other Pods":             {web, service("team-a", "app: api", "{port: 80}"), false},
		"twin: one label is another":   {web, service("team-a", "app: web, tier: back", "{port: 80}"), false},
		"twin: another namespace":      {web, service("team-b", "app: web", "{port: 80}"), false},
		"twin: another container's":    {`containers: [{name: web, image: "registry.example.com/web:1", ports: [{containerPort: 8080}]}], initContainers: [{name: proxy, image: "registry.example.com/web:1", restartPolicy: Always, ports: [{containerPort: 80}]}]`, service("team-a", "app: web", "{port: 80}"), false},
		"twin: by the sysctl":          {web + `, securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: "0"}]}`, service("team-a", "app: web", "{port: 80}"), false},
		"twin: another kind's Service": {web, object(t, "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"), false},
	} {
		t.Run(name, func(t *testing.T) {
			objects := []plugin.Object{deployment(test.pod), test.service}
			rendering := plugin.Unhardened{Objects: objects, Images: imagesOf(objects, good())}
			rendering.Source.Application.Namespace = "team-a"
			objects, findings := newHardener(t, Config{Profile: restricted}).Harden(t.Context(), rendering)
			said := ""
			for _, finding := range findings {
				if strings.HasPrefix(finding.Message, "container web: capabilities") {
					said = finding.Message
				}
			}
			if set := security(firstContainer(objects[0]))["capabilities"] != nil; set == test.held || strings.Contains(said, "listens on port") != test.held {
				t.Errorf("capabilities set: %v, said %q", set, said)
			}
		})
	}
}
