//go:build e2e

package parity_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/plugin/policy"
)

// expressionWarnings are the warnings about policies: by policy, field and what
// is said.
type expressionWarnings map[string]string

func TestParity_TypeChecksSayWhatStatusTypeCheckingSays(t *testing.T) {
	from, err := readCorpus()
	if err != nil {
		t.Fatal(err)
	}
	documents, err := readDocuments("testdata/typecheck/all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), controlplane.Slowly, errors.New("the policies were not checked"))
	defer cancel()
	if err := shared.install(ctx, from); err != nil {
		t.Fatal(err)
	}
	for _, document := range documents {
		if err := shared.store(ctx, document); err != nil {
			t.Fatal(err)
		}
		if document["kind"] == "CustomResourceDefinition" {
			from.definitions = append(from.definitions, document)
		} else {
			from.policies = append(from.policies, document)
		}
	}
	from.described = from.definitions
	ours, err := typeChecks(from)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := shared.typeChecks(ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	for key, text := range theirs {
		if ours[key] != text {
			t.Errorf("%s: the API server says\n%s\nassay says\n%s", key, text, ours[key])
		}
	}
	for key, text := range ours {
		if _, said := theirs[key]; !said {
			t.Errorf("%s: the API server says nothing, assay says\n%s", key, text)
		}
	}
	t.Logf("%d policies, %d warnings", len(from.policies), len(theirs))
	if len(theirs) < 20 {
		t.Error("the corpus is too small for what it is meant to show")
	}
}

var policyName = regexp.MustCompile(`^policy "([^"]+)": `)

// typeChecks are the warnings of a gate that holds the corpus.
func typeChecks(from corpus) (expressionWarnings, error) {
	config, err := loadGate(from)
	if err != nil {
		return nil, err
	}
	compiled, err := policy.NewCompiler().Compile(policy.Config{Gate: config.Gates[0], Documents: config.Documents})
	if err != nil {
		return nil, err
	}
	said := expressionWarnings{}
	for _, warning := range compiled.Warnings {
		if warning.Rule != "gate/type-check" {
			continue
		}
		named := policyName.FindStringSubmatch(warning.Message)
		if named == nil {
			return nil, fmt.Errorf("the message names no policy: %s", warning.Message)
		}
		said[named[1]+" "+warning.Field] = strings.ReplaceAll(strings.Join(warning.Details, "\n"), "_params", "")
	}
	return said, nil
}

// numbered are the names that the controller gives to types: the kind and the
// time's nanoseconds.
var numbered = regexp.MustCompile(`\b([A-Z][A-Za-z]*)[0-9]+([.,)])`)

// typeChecks reads what the controller writes about the corpus, which is stored.
func (s *server) typeChecks(ctx context.Context, from corpus) (expressionWarnings, error) {
	if err := controlplane.Until(ctx, func(context.Context) error { return s.published(from.definitions) }); err != nil {
		return nil, err
	}
	if err := s.cluster.StartTypeChecks(); err != nil {
		return nil, err
	}
	said := expressionWarnings{}
	for _, document := range from.policies {
		written := &unstructured.Unstructured{Object: document}
		var read *unstructured.Unstructured
		err := controlplane.Until(ctx, func(ctx context.Context) (err error) {
			if read, err = s.resource(written.GroupVersionKind(), "").Get(ctx, written.GetName(), metav1.GetOptions{}); err != nil {
				return controlplane.Final(err)
			}
			if observed, _, err := unstructured.NestedInt64(read.Object, "status", "observedGeneration"); err != nil || observed != read.GetGeneration() {
				return fmt.Errorf("policy %s was not checked: generation %d, observed %d, %w", read.GetName(), read.GetGeneration(), observed, err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		warnings, _, err := unstructured.NestedSlice(read.Object, "status", "typeChecking", "expressionWarnings")
		if err != nil {
			return nil, err
		}
		for _, warning := range warnings {
			fields, _ := warning.(map[string]any)
			text := numbered.ReplaceAllString(fmt.Sprint(fields["warning"]), "$1$2")
			said[fmt.Sprintf("%s %s", read.GetName(), fields["fieldRef"])] = strings.TrimSuffix(text, "\n")
		}
	}
	return said, nil
}

// published reports whether the API server's OpenAPI documents have the kinds of
// all definitions, which takes it a while.
func (s *server) published(definitions []map[string]any) error {
	client, err := discovery.NewDiscoveryClientForConfig(s.cluster.Config)
	if err != nil {
		return controlplane.Final(err)
	}
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		return err
	}
	for _, definition := range definitions {
		group, _, _ := unstructured.NestedString(definition, "spec", "group")
		kind, _, _ := unstructured.NestedString(definition, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(definition, "spec", "versions")
		for _, each := range versions {
			version, _ := each.(map[string]any)
			if served, _ := version["served"].(bool); !served {
				continue
			}
			of := schema.GroupVersion{Group: group, Version: fmt.Sprint(version["name"])}
			path := paths["apis/"+of.String()]
			if path == nil {
				return fmt.Errorf("the API server does not describe %s", of)
			}
			text, err := path.Schema("application/json")
			if err != nil {
				return err
			}
			if !strings.Contains(string(text), fmt.Sprintf("%q:%q", "kind", kind)) {
				return fmt.Errorf("the API server does not describe %s of %s", kind, of)
			}
		}
	}
	return nil
}
