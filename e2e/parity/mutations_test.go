//go:build e2e

package parity_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/mutate"
)

// listedMutations are where the two differ, and why; docs/parity.md has the
// table.
func listedMutations() map[string]string {
	return map[string]string{
		"name-changed": "another name is another object than the one in Git, so it is refused here",
	}
}

// twin is the namespace in which no policy is in force.
const twin = "mutations-none"

func (m mutation) namespace() string { return "mutations-" + m.name }

func (m mutation) in(text string) string { return strings.ReplaceAll(text, "NS", m.namespace()) }

// platform is what both sides are given.
func (m mutation) platform() string {
	var texts []string
	for i, policy := range m.policy {
		texts = append(texts, m.in(policy.text(fmt.Sprintf("%s-%d", m.name, i), m.namespace())))
	}
	return strings.Join(texts, "---\n") + m.in(m.more)
}

// What an object becomes in a namespace with policies is what assay makes of it,
// created in one without.
func TestParity_MutationsMakeTheObjectsThatTheAPIServerMakes(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), controlplane.Slowly, errors.New("the policies are not in force"))
	defer cancel()
	if err := installMutations(ctx); err != nil {
		t.Fatal(err)
	}
	listed := listedMutations()
	changed, denied, differ := 0, 0, 0
	for _, asked := range mutations() {
		server, refusal, err := shared.mutated(ctx, asked)
		if err != nil {
			t.Fatalf("%s: %v", asked.name, err)
		}
		ours, said, err := asked.assay(ctx)
		if err != nil {
			t.Fatalf("%s: %v", asked.name, err)
		}
		problem := asked.compare(ctx, side{server, refusal}, side{ours, said})
		switch _, known := listed[asked.name]; {
		case problem == "" && known:
			t.Errorf("%s: it is listed as different and is not", asked.name)
		case problem != "" && !known:
			t.Errorf("%s: %s", asked.name, problem)
		case known:
			differ++
		}
		if refusal != "" {
			denied++
		} else if !reflect.DeepEqual(ours, objectOf(asked.object)) {
			changed++
		}
	}
	t.Logf("%d objects under MutatingAdmissionPolicies: %d are changed and %d refused by both, %d listed differences", len(mutations()), changed, denied, differ)
	if len(mutations()) < 60 || changed < 30 || denied < 8 {
		t.Error("the corpus is too small for what it is meant to show")
	}
}

// side is what one of the two makes of an object, or why it refuses it.
type side struct {
	object  map[string]any
	refusal string
}

// compare is empty when both refuse for the same reason, or make the same
// object.
func (m mutation) compare(ctx context.Context, server, ours side) string {
	another := strings.Contains(ours.refusal, "another object") && strings.Contains(server.refusal, "does not match")
	if another || server.refusal != "" && ours.refusal == "" && shared.refuses(ctx, ours.object, server.refusal) {
		return ""
	}
	if server.refusal != "" || ours.refusal != "" {
		if server.refusal == "" || ours.refusal == "" || !strings.Contains(server.refusal, strings.TrimPrefix(ours.refusal, "the policy could not be applied: ")) {
			return fmt.Sprintf("the API server says %q, assay %q", server.refusal, ours.refusal)
		}
		return ""
	}
	stored, err := shared.create(ctx, ours.object, twin)
	if err != nil {
		return fmt.Sprintf("the API server takes what its policies make, and not what assay makes: %v", err)
	}
	if !reflect.DeepEqual(stored, server.object) {
		return fmt.Sprintf("the API server makes\n%v\nand of what assay makes\n%v", server.object, stored)
	}
	return ""
}

// refuses reports whether the object is refused with the same words where no
// policy is in force: then it is not valid, which is not the policies' answer.
func (s *server) refuses(ctx context.Context, object map[string]any, words string) bool {
	_, err := s.create(ctx, object, twin)
	return err != nil && err.Error() == words
}

// mutated is what the API server would store, or why it refuses.
func (s *server) mutated(ctx context.Context, asked mutation) (object map[string]any, refusal string, err error) {
	err = controlplane.Until(ctx, func(ctx context.Context) error {
		var answer error
		object, answer = s.create(ctx, objectOf(asked.object), asked.namespace())
		if refusal = ""; answer == nil {
			return nil
		}
		refusal = answer.Error()
		for _, early := range []string{"not yet synced", "failed to find resource referenced by paramKind", "There can be a delay between", "could not find the requested resource"} {
			if strings.Contains(refusal, early) {
				return answer
			}
		}
		return nil
	})
	return object, refusal, err
}

// create is a dry run; what the server sets by itself is left out of the answer.
func (s *server) create(ctx context.Context, fields map[string]any, namespace string) (map[string]any, error) {
	object := (&unstructured.Unstructured{Object: fields}).DeepCopy()
	object.SetNamespace(namespace)
	made, err := s.resource(object.GroupVersionKind(), namespace).Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return nil, err
	}
	for _, field := range []string{"uid", "creationTimestamp", "managedFields", "resourceVersion", "namespace"} {
		unstructured.RemoveNestedField(made.Object, "metadata", field)
	}
	return made.Object, nil
}

// assay is what assay makes of the object, or why it refuses it.
func (m mutation) assay(ctx context.Context) (object map[string]any, refusal string, err error) {
	text := fmt.Sprintf(`{"apiVersion": %q, "kind": "Gate", "metadata": {"name": "parity"}, "spec": {"base": true, "judge": {"trustObjectLabels": true}, "namespaces": [{"name": %q, "labels": {"tier": "gold"}}]}}`+"\n---\n",
		gate.APIVersion, m.namespace()) + m.platform() + "---\n" + widgets
	config, err := gate.Parse("parity.yaml", []byte(text))
	if err != nil {
		return nil, "", err
	}
	effective, err := gate.Combine(config.Gates)
	if err != nil {
		return nil, "", err
	}
	compiled, err := mutate.NewCompiler().Compile(mutate.Config{Gates: effective, Documents: config.Documents})
	if err != nil {
		return nil, "", err
	}
	objects, findings := compiled.Mutator.Mutate(ctx, plugin.Unmutated{
		Source:  plugin.Source{Application: plugin.Application{Name: "web", Namespace: m.namespace()}},
		Objects: []plugin.Object{{Fields: objectOf(m.object)}},
	})
	for _, finding := range findings {
		if finding.Level.Blocks() {
			return nil, finding.Message, nil
		}
	}
	return objects[0].Fields, "", nil
}

func objectOf(text string) map[string]any {
	documents, err := documentsOf([]byte(text))
	if err != nil || len(documents) != 1 {
		panic(fmt.Sprintf("%d objects in %q: %v", len(documents), text, err)) // the corpus is in this package
	}
	return documents[0]
}

// installMutations stores everything that the corpus needs, and waits until the
// policy that was stored last is in force.
func installMutations(ctx context.Context) error {
	const last = "mutations-last"
	all := mutations()
	all = append(all, mutation{name: "last", policy: one("configmaps", labels("last", "'here'")), object: aConfigMap})
	definition := objectOf(widgets)
	stored := []map[string]any{definition, namespaceOf(twin)}
	for _, asked := range all {
		stored = append(stored, namespaceOf(asked.namespace()))
	}
	for _, asked := range all {
		documents, err := documentsOf([]byte(asked.platform()))
		if err != nil {
			return fmt.Errorf("reading %s: %w", asked.name, err)
		}
		stored = append(stored, documents...)
	}
	for _, document := range stored {
		if err := shared.store(ctx, document); err != nil {
			return err
		}
	}
	return controlplane.Until(ctx, func(ctx context.Context) error {
		made, err := shared.create(ctx, objectOf(aConfigMap), last)
		if err != nil {
			return err
		}
		if label, _, _ := unstructured.NestedString(made, "metadata", "labels", "last"); label != "here" {
			return errors.New("the last policy is not in force")
		}
		return nil
	})
}

func namespaceOf(name string) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": map[string]any{"tier": "gold"}}}
}
