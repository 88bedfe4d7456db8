package harden

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

const restricted = "profile/restricted@1"

func object(t testing.TB, text string) plugin.Object {
	t.Helper()
	encoded, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := kjson.Unmarshal(encoded, &fields); err != nil {
		t.Fatal(err)
	}
	return plugin.Object{Fields: fields, Origin: plugin.Origin{File: "app.yaml", Line: 7}}
}

// workload is an object whose Pod has one container, with more YAML for the
// object's kind, the Pod and the container.
type workload struct{ kind, annotations, pod, container string }

func (w workload) object(t testing.TB) plugin.Object {
	kind := w.kind
	if kind == "" {
		kind = "apps/v1 Deployment"
	}
	version, kind, _ := strings.Cut(kind, " ")
	text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: web\n  annotations: {%s}\n", version, kind, w.annotations)
	pod := fmt.Sprintf("spec: {%scontainers: [{name: web, image: registry.example.com/web:1%s}]}", comma(w.pod), lead(w.container))
	switch kind {
	case "Pod":
		text += pod
	case "CronJob":
		text += "spec: {jobTemplate: {spec: {template: {" + pod + "}}}}"
	case "PodTemplate":
		text += "template: {" + pod + "}"
	default:
		text += "spec: {template: {" + pod + "}}"
	}
	return object(t, text)
}

func comma(text string) string {
	if text == "" {
		return ""
	}
	return text + ", "
}

func lead(text string) string {
	if text == "" {
		return ""
	}
	return ", " + text
}

func good() *plugin.ImageConfig {
	return &plugin.ImageConfig{User: "65532:65532", OS: "linux", ExposedPorts: []string{"8080/tcp"}, Entrypoint: []string{"/web"}}
}

// imagesOf knows the image of the only container; nil knows nothing.
func imagesOf(objects []plugin.Object, config *plugin.ImageConfig) plugin.ImageIndex {
	images, _ := plugin.ImageFinder{}.Find(objects)
	for i := range images {
		images[i].Config = config
	}
	return plugin.NewImageIndex(images)
}

// run hardens one object and returns its only container and the findings.
func run(t testing.TB, profile string, w workload, config *plugin.ImageConfig) (map[string]any, []plugin.Finding) {
	t.Helper()
	hardener, err := New(Config{Profile: profile})
	if err != nil {
		t.Fatal(err)
	}
	objects := []plugin.Object{w.object(t)}
	_, findings := hardener.Harden(context.Background(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, config)})
	place, _ := podSpecOf(objects[0].ID())
	return place.get(objects[0].Fields)["containers"].([]any)[0].(map[string]any), findings
}

func security(container map[string]any) map[string]any {
	context, _ := container["securityContext"].(map[string]any)
	return context
}

func byRule(findings []plugin.Finding) map[string]plugin.Finding {
	out := map[string]plugin.Finding{}
	for _, finding := range findings {
		out[finding.Rule+" "+finding.Field[strings.LastIndex(finding.Field, ".")+1:]] = finding
	}
	return out
}

func TestHarden_RestrictedFillsInAllFourSettings(t *testing.T) {
	container, findings := run(t, restricted, workload{}, good())
	want := map[string]any{
		"allowPrivilegeEscalation": false,
		"seccompProfile":           map[string]any{"type": "RuntimeDefault"},
		"capabilities":             map[string]any{"drop": []any{"ALL"}},
		"runAsNonRoot":             true,
	}
	if got := security(container); !reflect.DeepEqual(got, want) {
		t.Fatalf("securityContext %v, want %v", got, want)
	}
	if len(findings) != 4 {
		t.Fatalf("%d findings, want 4: %+v", len(findings), findings)
	}
	finding := byRule(findings)["harden/capabilities capabilities"]
	if finding.Level != plugin.Info || finding.Was != "null" || finding.Now != `{"drop":["ALL"]}` ||
		finding.Field != "spec.template.spec.containers[0].securityContext.capabilities" ||
		finding.Why == "" || finding.Origin.Line != 7 || finding.Image != "registry.example.com/web:1" {
		t.Errorf("finding %+v", finding)
	}
}

func TestHarden_BaselineFillsInWhatBreaksNothing(t *testing.T) {
	container, _ := run(t, "profile/baseline@1", workload{}, &plugin.ImageConfig{User: "root"})
	if got := security(container); len(got) != 2 || got["allowPrivilegeEscalation"] != false || got["seccompProfile"] == nil {
		t.Fatalf("securityContext %v", got)
	}
}

func TestHarden_WhatTheAuthorWroteStays(t *testing.T) {
	for name, test := range map[string]struct {
		workload workload
		field    string
		want     any
	}{
		"container":              {workload{container: "securityContext: {runAsNonRoot: false}"}, "runAsNonRoot", false},
		"pod":                    {workload{pod: "securityContext: {runAsNonRoot: false}"}, "runAsNonRoot", nil},
		"pod seccomp":            {workload{pod: "securityContext: {seccompProfile: {type: Unconfined}}"}, "seccompProfile", nil},
		"escalation":             {workload{container: "securityContext: {allowPrivilegeEscalation: true}"}, "allowPrivilegeEscalation", true},
		"dropped by name":        {workload{container: "securityContext: {capabilities: {drop: [NET_RAW]}}"}, "capabilities", map[string]any{"drop": []any{"NET_RAW"}}},
		"dropped none":           {workload{container: "securityContext: {capabilities: {drop: []}}"}, "capabilities", map[string]any{"drop": []any{}}},
		"added":                  {workload{container: "securityContext: {capabilities: {add: [NET_ADMIN]}}"}, "capabilities", map[string]any{"add": []any{"NET_ADMIN"}}},
		"twin: null is not set":  {workload{container: "securityContext: {runAsNonRoot: null}"}, "runAsNonRoot", true},
		"twin: NET_BIND_SERVICE": {workload{container: "securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}"}, "capabilities", map[string]any{"add": []any{"NET_BIND_SERVICE"}, "drop": []any{"ALL"}}},
	} {
		t.Run(name, func(t *testing.T) {
			container, _ := run(t, restricted, test.workload, good())
			if got := security(container)[test.field]; !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s is %v, want %v", test.field, got, test.want)
			}
		})
	}
}

func TestHarden_HeldBackWhereItWouldBreakTheWorkload(t *testing.T) {
	config := func(change func(*plugin.ImageConfig)) *plugin.ImageConfig {
		c := good()
		change(c)
		return c
	}
	for name, test := range map[string]struct {
		workload workload
		config   *plugin.ImageConfig
		field    string
		says     string
	}{
		"user name":                   {config: config(func(c *plugin.ImageConfig) { c.User = "nginx" }), field: "runAsNonRoot", says: `"nginx"`},
		"root by name":                {config: config(func(c *plugin.ImageConfig) { c.User = "root:root" }), field: "runAsNonRoot", says: "runs as root"},
		"root by number":              {config: config(func(c *plugin.ImageConfig) { c.User = "0:1000" }), field: "runAsNonRoot", says: "root"},
		"root by many zeros":          {config: config(func(c *plugin.ImageConfig) { c.User = "000" }), field: "runAsNonRoot", says: "root"},
		"no user":                     {config: config(func(c *plugin.ImageConfig) { c.User = "" }), field: "runAsNonRoot", says: "runs as root"},
		"not a user id":               {config: config(func(c *plugin.ImageConfig) { c.User = "99999999999999999999" }), field: "runAsNonRoot", says: "no user id"},
		"unknown image":               {config: nil, field: "runAsNonRoot", says: "not known"},
		"runAsUser 0":                 {workload: workload{container: "securityContext: {runAsUser: 0}"}, config: good(), field: "runAsNonRoot", says: "root"},
		"runAsUser 0 at the Pod":      {workload: workload{pod: "securityContext: {runAsUser: 0}"}, config: good(), field: "runAsNonRoot", says: "root"},
		"root keeps capabilities":     {config: config(func(c *plugin.ImageConfig) { c.User = "" }), field: "capabilities", says: "start script"},
		"low port of the container":   {workload: workload{container: "ports: [{containerPort: 80}]"}, config: good(), field: "capabilities", says: "port 80"},
		"low port of the image":       {config: config(func(c *plugin.ImageConfig) { c.ExposedPorts = []string{"443/tcp"} }), field: "capabilities", says: "port 443"},
		"low port of a probe":         {workload: workload{container: "readinessProbe: {tcpSocket: {port: 53}}"}, config: good(), field: "capabilities", says: "port 53"},
		"low port, escalation":        {workload: workload{container: "ports: [{containerPort: 80}]"}, config: good(), field: "allowPrivilegeEscalation", says: "port 80"},
		"sysctl on the host network":  {workload: workload{pod: `hostNetwork: true, securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: "0"}]}`, container: "ports: [{containerPort: 80}]"}, config: good(), field: "allowPrivilegeEscalation", says: "port 80"},
		"host network":                {workload: workload{pod: "hostNetwork: true"}, config: good(), field: "capabilities", says: "node's network"},
		"SYS_ADMIN":                   {workload: workload{container: "securityContext: {capabilities: {add: [CAP_SYS_ADMIN]}}"}, config: good(), field: "allowPrivilegeEscalation", says: "SYS_ADMIN"},
		"gosu in the image":           {config: config(func(c *plugin.ImageConfig) { c.User, c.Entrypoint = "", []string{"/usr/bin/gosu", "web"} }), field: "allowPrivilegeEscalation", says: "gosu"},
		"privileged":                  {workload: workload{container: "securityContext: {privileged: true}"}, config: good(), field: "allowPrivilegeEscalation", says: "privileged"},
		"privileged, seccomp":         {workload: workload{container: "securityContext: {privileged: true}"}, config: good(), field: "seccompProfile", says: "privileged"},
		"Windows image":               {config: config(func(c *plugin.ImageConfig) { c.OS = "windows" }), field: "seccompProfile", says: "Windows"},
		"Windows image, runAsNonRoot": {config: config(func(c *plugin.ImageConfig) { c.OS = "windows" }), field: "runAsNonRoot", says: "Windows"},
	} {
		t.Run(name, func(t *testing.T) {
			container, findings := run(t, restricted, test.workload, test.config)
			if got := security(container)[test.field]; got != nil && !strings.Contains(test.workload.container, test.field) {
				t.Errorf("%s was set to %v", test.field, got)
			}
			held := byRule(findings)["harden/held-back "+test.field]
			if !strings.Contains(held.Message, test.says) || held.Hint == "" || held.Level.Blocks() || held.Now != "" {
				t.Errorf("held back: %+v, want a message with %q", held, test.says)
			}
		})
	}
}

func TestHarden_TwinsOfHeldBackWithOneThingChangedAreFilledIn(t *testing.T) {
	for name, test := range map[string]struct {
		workload workload
		config   *plugin.ImageConfig
		field    string
	}{
		"number without group":   {config: &plugin.ImageConfig{User: "101"}, field: "runAsNonRoot"},
		"runAsUser over a name":  {workload: workload{container: "securityContext: {runAsUser: 101}"}, config: &plugin.ImageConfig{User: "nginx"}, field: "runAsNonRoot"},
		"runAsUser of the Pod":   {workload: workload{pod: "securityContext: {runAsUser: 101}"}, config: &plugin.ImageConfig{}, field: "runAsNonRoot"},
		"runAsUser, no config":   {workload: workload{container: "securityContext: {runAsUser: 101}"}, field: "runAsNonRoot"},
		"port 1024":              {workload: workload{container: "ports: [{containerPort: 1024}]"}, config: good(), field: "capabilities"},
		"low port with a sysctl": {workload: workload{pod: `securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: "0"}]}`, container: "ports: [{containerPort: 80}]"}, config: good(), field: "capabilities"},
		"port 1024, escalation":  {workload: workload{container: "ports: [{containerPort: 1024}]"}, config: good(), field: "allowPrivilegeEscalation"},
		"gosu, command replaced": {workload: workload{container: "command: [/web]"}, config: &plugin.ImageConfig{Entrypoint: []string{"gosu"}}, field: "allowPrivilegeEscalation"},
		"not privileged":         {workload: workload{container: "securityContext: {privileged: false}"}, config: good(), field: "seccompProfile"},
	} {
		t.Run(name, func(t *testing.T) {
			container, findings := run(t, restricted, test.workload, test.config)
			if security(container)[test.field] == nil {
				t.Errorf("%s is not set: %+v", test.field, findings)
			}
		})
	}
}

func TestHarden_CancelledRunHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	hardener, _ := New(Config{Profile: restricted})
	objects := []plugin.Object{workload{}.object(t)}
	_, findings := hardener.Harden(ctx, plugin.Unhardened{Objects: objects, Images: plugin.ImageIndex{}})
	if len(findings) != 1 || findings[0].Level != plugin.Undetermined {
		t.Fatalf("findings %+v", findings)
	}
}

func TestNew_UnknownProfileIsAnError(t *testing.T) {
	for profile, says := range map[string]string{"": "there is no", "profile/restricted@2": "there is no", "restricted": "there is no", "profile/openshift@2": "there is no"} {
		if _, err := New(Config{Profile: profile}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("New(%q): %v, want %q", profile, err, says)
		}
	}
	for _, profile := range []string{"profile/baseline@1", restricted, "profile/openshift@1", "none"} {
		if _, err := New(Config{Profile: profile}); err != nil {
			t.Errorf("twin %q: %v", profile, err)
		}
	}
}
