package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

func TestMisfit_NamesTheFieldAndWhatToWrite(t *testing.T) {
	configMap := func(data string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: team-a}\ndata: " + data
	}
	secret := func(data string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: team-a}\n" + data
	}
	deployment := func(more, container string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: team-a}\nspec: {" + more + "selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web" + container + "}]}}}"
	}
	const booleans = "write it in quotes (YAML 1.1 reads true, y, yes, on and false, n, no, off without quotes as booleans)"
	const first = "spec.template.spec.containers[0]."
	for name, test := range map[string]struct{ bad, field, says, good string }{
		"number for a string":       {configMap("{port: 80}"), "data.port", `data.port is a number, a string is expected; write "80"`, configMap(`{port: "80"}`)},
		"fraction for a string":     {configMap("{port: 1.5}"), "data.port", `write "1.5"`, configMap(`{port: "1.5"}`)},
		"boolean for a string":      {configMap("{debug: yes}"), "data.debug", "data.debug is a boolean, a string is expected; " + booleans, configMap(`{debug: "yes"}`)},
		"mapping for a string":      {configMap("{web: {a: b}}"), "data.web", "data.web is a mapping, a string is expected; write one value", configMap("{web: '{a: b}'}")},
		"list for a mapping":        {configMap("[a]"), "data", "data is a list, a mapping is expected", configMap("{a: a}")},
		"name that is no word":      {configMap("{web.conf: 1}"), `data["web.conf"]`, `write "1"`, configMap("{web.conf: a}")},
		"string for a number":       {deployment("replicas: '3', ", ""), "spec.replicas", "spec.replicas is a string, a whole number is expected; write 3, without quotes", deployment("replicas: 3, ", "")},
		"fraction for a number":     {deployment("replicas: 1.5, ", ""), "spec.replicas", "a whole number is expected", deployment("replicas: 1.0, ", "")},
		"string for a boolean":      {deployment("paused: 'yes', ", ""), "spec.paused", "spec.paused is a string, a boolean is expected; write true or false, without quotes", deployment("paused: true, ", "")},
		"mapping for a list":        {deployment("", ", args: {a: b}"), first + "args", "is a mapping, a list is expected; write each item after a dash", deployment("", ", args: [a]")},
		"number in a list":          {deployment("", ", args: [a, 1]"), first + "args[1]", `write "1"`, deployment("", ", args: [a, '1']")},
		"no quantity":               {deployment("", ", resources: {limits: {memory: much}}"), first + "resources.limits.memory", "a quantity such as 500m or 64Mi is expected", deployment("", ", resources: {limits: {memory: 1}}")},
		"no port":                   {deployment("", ", livenessProbe: {tcpSocket: {port: [80]}}"), first + "livenessProbe.tcpSocket.port", "a whole number or a string is expected", deployment("", ", livenessProbe: {tcpSocket: {port: web}}")},
		"environment":               {deployment("", ", env: [{name: a, value: 9753}]"), first + "env[0].value", "is a number, a string is expected; write it in quotes", deployment("", ", env: [{name: a, value: '9753'}]")},
		"number that is a password": {configMap("{db-password: 9753}"), "data.db-password", "a string is expected; write it in quotes", configMap(`{db-password: '${X}'}`)},
		"number in a Secret":        {secret("stringData: {password: 9753}"), "stringData.password", "stringData.password is a number, a string is expected; write it in quotes", secret("stringData: {password: '9753'}")},
		"no base64 in a Secret":     {secret("data: {password: not-base64-9753}"), "data.password", "data.password is a string, base64 is expected", secret("data: {password: OTc1Mw==}")},
		"metadata":                  {strings.Replace(configMap("{}"), "name: web,", "name: web, labels: {a: 1},", 1), "metadata.labels.a", `write "1"`, strings.Replace(configMap("{}"), "name: web,", "name: web, labels: {a: b},", 1)},
		"the first in the order":    {configMap("{b: 1, a: 2}"), "data.a", `write "2"`, configMap("{b: b, a: a}")},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{Gate: gateWith(gate.Judge{})}
			finding := one(t, withRule(judgeWith(t, config, sealed(t, test.bad)), ruleInvalidObject))
			if finding.Level != plugin.Deny || finding.Field != test.field || !strings.Contains(finding.Message, test.says) {
				t.Errorf("field %q, want %q; %q, want %q", finding.Field, test.field, finding.Message, test.says)
			}
			if strings.Contains(fmt.Sprintf("%+v", finding), "9753") {
				t.Errorf("a value that may be secret is quoted: %+v", finding)
			}
			if found := withRule(judgeWith(t, config, sealed(t, test.good)), ruleInvalidObject); len(found) != 0 {
				t.Errorf("twin: %+v", found)
			}
		})
	}
}

func TestMisfit_OfATemplateInACustomResourceIsNamed(t *testing.T) {
	bad := podOf("Rollout", `{containers: [{name: web, image: web, args: [1]}]}`)
	finding := one(t, withRule(judgeWith(t, Config{Gate: gateWith(gate.Judge{})}, sealed(t, bad)), ruleInvalidObject))
	if want := `the Pod template cannot be read: spec.template.spec.containers[0].args[0] is a number, a string is expected; write "1"`; finding.Message != want {
		t.Errorf("got %q, want %q", finding.Message, want)
	}
	twin := podOf("Rollout", `{containers: [{name: web, image: web, args: ["1"]}]}`)
	if found := withRule(judgeWith(t, Config{Gate: gateWith(gate.Judge{})}, sealed(t, twin)), ruleInvalidObject); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}
