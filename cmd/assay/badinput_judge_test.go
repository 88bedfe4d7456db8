package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// costlyText is a text of 10,000 letters, by joining lists of ten.
const costlyText = `[1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, [1,2,3,4,5,6,7,8,9,10].map(c, 'xxxxxxxxxx').join()).join()).join()`

// constraint is a template with the line of Rego, and a constraint of it.
func constraint(line string) string {
	return `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8sreplicas}
spec:
  crd: {spec: {names: {kind: K8sReplicas}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package k8sreplicas
      ` + line + `
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sReplicas
metadata: {name: few}
spec:
  match: {kinds: [{apiGroups: [apps], kinds: [Deployment]}]}
`
}

const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
`

func TestBadInput_PolicyThatCostsTooMuchIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		expression := "object.spec.replicas <= 5"
		if bad {
			expression = fmt.Sprintf("%s.contains(%s)", costlyText, costlyText)
		}
		w.write("gate/replicas.yaml", admission(expression))
	}, denied("policy/replicas", "cost limit exceeded", "gate/replicas.yaml:", "web.yaml:1"))
}

func TestBadInput_TemplateThatCallsItselfIsRefused(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		line := `violation[{"msg": "too many"}] { input.review.object.spec.replicas > 5 }`
		if bad {
			line = "violation[{\"msg\": \"too many\"}] { a }\n      a { b }\n      b { a }"
		}
		w.write("gate/few.yaml", constraint(line))
	}, denied("gate/few.yaml:1", `template "k8sreplicas"`, "recursive"))
}

func TestBadInput_TemplateThatAsksTheNetworkIsRefused(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		line := `violation[{"msg": "too many"}] { input.review.object.spec.replicas > 5 }`
		if bad {
			line = `violation[{"msg": "too many"}] { http.send({"method": "get", "url": "https://policy.example.com"}).status_code != 200 }`
		}
		w.write("gate/few.yaml", constraint(line))
	}, denied("gate/few.yaml:1", `template "k8sreplicas", line 2`, "http.send may not be called here"))
}

// A policy or binding that stands alone is not in force, in the cluster as
// here; whoever tries the gate is told, with the line.
func TestBadInput_PolicyAndBindingWithoutEachOtherAreTold(t *testing.T) {
	policy, binding, _ := strings.Cut(admission("object.spec.replicas <= 5"), "---\n")
	for name, test := range map[string]struct {
		text string
		says []string
	}{
		"a policy without a binding": {policy, []string{"gate/replicas.yaml:1", `"replicas"`, "no binding"}},
		"a binding without a policy": {binding, []string{"gate/replicas.yaml:1", `"everywhere"`, `"replicas"`}},
		"twin":                       {policy + "---\n" + binding, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.write("gate/replicas.yaml", test.text)
			w.told(test.says...)
		})
	}
}

// told demands that the gate loads, and that checking it warns with the phrases
// in one line, or of nothing.
func (w *world) told(says ...string) {
	w.t.Helper()
	w.settle()
	got := w.gateCheck()
	var warnings []string
	for line := range strings.Lines(got.out + got.err) {
		if strings.HasPrefix(line, "warning:") && strings.Contains(line, "replicas.yaml") {
			warnings = append(warnings, line)
		}
	}
	if got.code != exitAllowed || len(says) == 0 && len(warnings) != 0 || len(says) > 0 && len(warnings) != 1 {
		w.t.Errorf("ends with %d and warns %q:\n%s%s", got.code, warnings, got.out, got.err)
	}
	for _, phrase := range says {
		if !strings.Contains(strings.Join(warnings, ""), phrase) {
			w.t.Errorf("warns %q, without %q", warnings, phrase)
		}
	}
}

func (w *world) gateCheck() ended {
	w.t.Helper()
	var out, errors strings.Builder
	code := run(w.t.Context(), streams{in: strings.NewReader(""), out: &out, err: &errors}, []string{"gate", "check", filepath.Join(w.dir, "gate")})
	return ended{code, out.String(), errors.String()}
}

// limited is a policy whose limit is a param of its binding.
func limited() string {
	text := strings.Replace(admission("object.spec.replicas <= int(params.data.most)"), "  matchConstraints:", "  paramKind: {apiVersion: v1, kind: ConfigMap}\n  matchConstraints:", 1)
	return text + "  paramRef: {name: limits, namespace: platform, parameterNotFoundAction: Deny}\n"
}

func TestBadInput_MissingParamIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		text := limited()
		if !bad {
			text += "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: platform}\ndata: {most: \"5\"}\n"
		}
		w.write("gate/replicas.yaml", text)
	}, denied("policy/replicas", "web.yaml:1", "gate/replicas.yaml:12", "no params found for policy binding", `binding "everywhere"`))
}

func TestBadInput_MissingParamIsToldWithTheGate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("gate/replicas.yaml", limited())
	w.told("gate/replicas.yaml:12", `ConfigMap "limits" in namespace "platform"`, "every object that it is about is denied")
}

// A kind that no schema knows is judged as it is written.
func TestBadInput_PolicyForAKindThatNoSchemaKnowsIsAsked(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.write("gate/replicas.yaml", strings.NewReplacer("[apps]", "[example.com]", "[deployments]", "[gadgets]").Replace(admission("object.spec.size <= 5")))
		size := 5
		if bad {
			size = 6
		}
		w.write("app/gadget.yaml", fmt.Sprintf("apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: web}\nspec: {size: %d}\n", size))
	}, denied("policy/replicas", "gadget.yaml:1", "size"))
}

func TestBadInput_KindThatNoSchemaKnowsIsToldAndDeniedWhereTheGateSaysSo(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.spec = "  judge: {rules: [{rule: schema/unknown-kind, level: Deny}]}\n"
		if !bad {
			w.write("app/definition.yaml", definition)
		}
		w.write("app/gadget.yaml", "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: web}\nspec: {size: 5}\n")
	}, denied("schema/unknown-kind", "gadget.yaml:1", "Gadget"))
}

func TestBadInput_DefinitionWhoseSchemaIsBrokenIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		text := definition
		if bad {
			text = strings.Replace(text, "size: {type: integer}", "size: {type: integr}", 1)
		}
		w.write("app/definition.yaml", text)
	}, denied("schema/definition", "definition.yaml:1", "properties[size].type", "integr"))
}

func TestBadInput_ObjectOf5MBIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		size := 1 << 20
		if bad {
			size = 5 << 20
		}
		w.write("app/large.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata: {key: "+strings.Repeat("x", size)+"}\n")
	}, denied("schema/too-large", "large.yaml:1", "larger than 3 MiB"))
}

func TestBadInput_HundredThousandObjectsAreDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		count := 10
		if bad {
			count = 100_000
		}
		var text strings.Builder
		for i := range count {
			fmt.Fprintf(&text, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-%d}\n---\n", i)
		}
		w.write("app/many.yaml", text.String())
	}, denied("render/limit", "many.yaml", "renderedObjects"))
}

func TestBadInput_NamesAndLabelsWithControlCharactersAreDenied(t *testing.T) {
	for name, test := range map[string]struct{ metadata, says string }{
		"a name":           {`{name: "web\e[2J"}`, `"web\x1b[2J"`},
		"a label's value":  {`{name: web, labels: {team: "a\a"}}`, `"a\a"`},
		"a label's key":    {`{name: web, labels: {"te\eam": a}}`, `"te\x1bam"`},
		"an annotation":    {`{name: web, annotations: {"te\eam": a}}`, `"te\x1bam"`},
		"a text's turning": {`{name: "web\u202e"}`, `\u202e`},
	} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.sign(trusted())
				metadata := "{name: web, labels: {team: a}, annotations: {team: a}}"
				if bad {
					metadata = test.metadata
				}
				w.write("app/odd.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: "+metadata+"\n")
			}, denied("schema/metadata", "odd.yaml:1", test.says))
		})
	}
}

// A Namespace may not enforce less than the gate's minimum, nor than what the
// API server does by itself.
func TestBadInput_NamespaceThatEnforcesPrivilegedIsDenied(t *testing.T) {
	for name, test := range map[string]struct{ judge, says string }{
		"the gate's minimum":        {"podSecurity: {level: baseline}", "the gate asks for baseline"},
		"the API server's defaults": {"podSecurity: {level: privileged}, podSecurityAdmission: {defaults: {enforce: baseline}}", "the API server, by its defaults, asks for baseline"},
	} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.sign(trusted())
				w.spec = "  judge: {" + test.judge + "}\n"
				level := "baseline"
				if bad {
					level = "privileged"
				}
				w.write("app/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a, labels: {pod-security.kubernetes.io/enforce: "+level+"}}\n")
			}, denied("self/namespace-labels", "namespace.yaml:1", test.says))
		})
	}
}
