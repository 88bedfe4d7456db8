//go:build e2e

package parity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
)

// loadGate is a gate with the corpus' policies, bindings, params and
// namespaces, read as a file of a gate is.
func loadGate(from corpus) (*gate.Config, error) {
	var namespaces []any
	for _, fields := range from.namespaces {
		namespace := &unstructured.Unstructured{Object: fields}
		described := map[string]any{"name": namespace.GetName()}
		if labels := namespace.GetLabels(); len(labels) > 0 {
			described["labels"] = labels
		}
		namespaces = append(namespaces, described)
	}
	documents := []map[string]any{{
		"apiVersion": gate.APIVersion, "kind": "Gate", "metadata": map[string]any{"name": "parity"},
		"spec": map[string]any{"base": true, "namespaces": namespaces, "judge": map[string]any{"trustObjectLabels": true, "deployer": map[string]any{"username": "admin", "groups": []any{"system:masters"}},
			"podSecurity": map[string]any{"level": "privileged"}}},
	}}
	var text strings.Builder
	for _, document := range slices.Concat(documents, from.described, from.policies, from.bindings, from.params) {
		encoded, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "---\n%s\n", encoded)
	}
	return gate.Parse("parity.yaml", []byte(text.String()))
}

func newJudge(from corpus) (plugin.Judge, error) {
	config, err := loadGate(from)
	if err != nil {
		return nil, err
	}
	compiled, err := policy.NewCompiler().Compile(policy.Config{Gate: config.Gates[0], Documents: config.Documents})
	if err != nil {
		return nil, err
	}
	return compiled.Judges[0], nil
}

// What assay adds when it says something of one operation alone.
const (
	ofUpdates   = "said of an update, when the object is there already"
	ofCreations = "said of the creation, when the object is not there yet"
)

// judge is what assay says of a case: of a Pod that a workload makes, it is
// asked about the workload.
func judge(ctx context.Context, judge plugin.Judge, asked testCase) answer {
	object := asked.object
	if asked.made != "" {
		object = asked.owner
	}
	source := plugin.Source{}
	if asked.old != nil {
		source.Live = []plugin.Object{{Fields: applied(asked.old)}}
	}
	findings := judge.Judge(ctx, plugin.Sealed{
		Source:  source,
		Objects: []plugin.Object{{Fields: object, Origin: plugin.Origin{File: asked.name}}},
		At:      time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), // every shipped rule has its shipped level
	})
	read := answer{said: said{}, undecided: map[string][]string{}}
	for _, finding := range findings {
		name, isPolicy := strings.CutPrefix(finding.Rule, "policy/")
		switch {
		case finding.Rule == "pss/admission":
			text := strings.TrimPrefix(finding.Message, "would be rejected at Pod creation: ")
			kind := (&unstructured.Unstructured{Object: object}).GetKind()
			switch enforced := text == finding.Message || asked.made != ""; {
			case kind == "Pod" || enforced && finding.Level == plugin.Deny:
				read.denied = read.denied || finding.Level == plugin.Deny
				read.said.add(podSecurityName, text)
			case finding.Level == plugin.Warn:
				read.said.add(podSecurityName, text)
			}
		case !isPolicy, (finding.Field != "") != (asked.made != ""):
			// schema, Pod Security of workloads; or it is about the other object
		case slices.Contains(finding.Details, ofUpdates) && !asked.update, slices.Contains(finding.Details, ofCreations) && asked.update:
			// the sync may be the other operation
		case finding.Indeterminate:
			read.undecided[name] = append(read.undecided[name], strings.Join(finding.Details, "; "))
		case slices.Contains(finding.Details, "failurePolicy: Ignore lets it pass"):
		default:
			read.denied = read.denied || finding.Level == plugin.Deny
			read.said.add(name, strings.TrimPrefix(finding.Message, "the policy could not be evaluated: "))
		}
	}
	return read
}

// applied is an object as kubectl and Argo CD leave it, with the note by which
// the next apply knows what to remove.
func applied(fields map[string]any) map[string]any {
	object := (&unstructured.Unstructured{Object: fields}).DeepCopy()
	text, err := json.Marshal(fields)
	if err != nil {
		return fields // it was read from JSON
	}
	object.SetAnnotations(map[string]string{corev1.LastAppliedConfigAnnotation: string(text)})
	return object.Object
}
