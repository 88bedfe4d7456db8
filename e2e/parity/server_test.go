//go:build e2e

package parity_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// server is the API server as its administrator sees it.
type server struct {
	cluster *controlplane.Cluster
	client  dynamic.Interface
	audit   *audit
	// installed is set when the corpus was stored.
	installed bool
	// warnings are those of the last answer.
	warnings []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (s *server) HandleWarningHeader(_ int, _ string, text string) {
	s.warnings = append(s.warnings, text)
}

func newServer(cluster *controlplane.Cluster, log *audit) (*server, error) {
	s := &server{cluster: cluster, audit: log}
	config := rest.CopyConfig(cluster.Config)
	config.WarningHandler = s
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return roundTripper{audit: log, next: next} })
	var err error
	s.client, err = dynamic.NewForConfig(config)
	return s, err
}

// resource is where objects of a kind are. Cluster-scoped kinds have no
// namespace, whatever the case says.
func (s *server) resource(kind schema.GroupVersionKind, namespace string) dynamic.ResourceInterface {
	plural := kind.GroupVersion().WithResource(pluralOf(kind.Kind))
	if namespace == "" {
		return s.client.Resource(plural)
	}
	return s.client.Resource(plural).Namespace(namespace)
}

// submit asks the API server to create the object, or to update the one that is
// there, and to store nothing.
func (s *server) submit(ctx context.Context, asked testCase) (answer, error) {
	object := &unstructured.Unstructured{Object: asked.object}
	resource := s.resource(object.GroupVersionKind(), object.GetNamespace())
	dryRun := []string{metav1.DryRunAll}
	var old *unstructured.Unstructured
	var refusal error
	if asked.update {
		var err error
		if old, err = resource.Get(ctx, object.GetName(), metav1.GetOptions{}); err != nil {
			return answer{}, err
		}
		object = object.DeepCopy()
		object.SetResourceVersion(old.GetResourceVersion())
	}
	s.warnings = nil
	if asked.update {
		_, refusal = resource.Update(ctx, object, metav1.UpdateOptions{DryRun: dryRun})
	} else {
		_, refusal = resource.Create(ctx, object, metav1.CreateOptions{DryRun: dryRun})
	}
	spoken, err := s.audit.failures(ctx)
	return readAnswer(refusal, spoken, s.warnings), err
}

var (
	policyError     = regexp.MustCompile(`(?s)ValidatingAdmissionPolicy '([^']+)'(?: with binding '[^']+')? denied request: (.*)$`)
	podSecurity     = regexp.MustCompile(`(?s)is forbidden: (violates PodSecurity ".*)$`)
	podSecurityWarn = "would violate PodSecurity "
)

// readAnswer reads what the API server says: refusals in its answer, what its
// policies say in the audit log, and the warnings of Pod Security.
func readAnswer(refusal error, spoken said, warnings []string) answer {
	read := answer{said: spoken}
	for _, text := range warnings {
		if strings.HasPrefix(text, podSecurityWarn) {
			read.said.add(podSecurityName, text)
		}
	}
	if refusal == nil || apierrors.IsAlreadyExists(refusal) { // it looks for the name when all policies have spoken
		return read
	}
	read.denied = true
	if found := policyError.FindStringSubmatch(refusal.Error()); found != nil {
		read.by = found[1]
		read.said.add(found[1], found[2])
	} else if found := podSecurity.FindStringSubmatch(refusal.Error()); found != nil {
		read.by = podSecurityName
		read.said.add(podSecurityName, found[1])
	} else {
		read.other = refusal.Error()
	}
	return read
}

// install stores the corpus: kinds, namespaces, objects to be updated, and at
// last what judges them, each binding once more with the action Warn, so that
// one answer holds what all policies say.
func (s *server) install(ctx context.Context, from corpus) error {
	if s.installed { // what is in force would refuse some of it
		return nil
	}
	s.installed = true
	for _, documents := range [][]map[string]any{from.definitions, from.namespaces, from.olds, from.params, from.policies} {
		for _, document := range documents {
			if err := s.store(ctx, document); err != nil {
				return err
			}
		}
	}
	for _, binding := range from.bindings {
		shadow := (&unstructured.Unstructured{Object: binding}).DeepCopy()
		shadow.SetName(shadow.GetName() + "-shadow")
		if err := unstructured.SetNestedStringSlice(shadow.Object, []string{"Audit"}, "spec", "validationActions"); err != nil {
			return err
		}
		for _, each := range []map[string]any{binding, shadow.Object} {
			if err := s.store(ctx, each); err != nil {
				return err
			}
		}
	}
	return nil
}

// store creates an object; one of a kind that was just defined may take a
// while.
func (s *server) store(ctx context.Context, fields map[string]any) error {
	object := &unstructured.Unstructured{Object: fields}
	return controlplane.Until(ctx, func(ctx context.Context) error {
		options := metav1.ApplyOptions{FieldManager: "parity", Force: true}
		_, err := s.resource(object.GroupVersionKind(), object.GetNamespace()).Apply(ctx, object.GetName(), object, options)
		switch {
		case err == nil:
			return nil
		case strings.Contains(err.Error(), "could not find the requested resource"), strings.Contains(err.Error(), "not yet ready"):
			return err
		}
		return controlplane.Final(fmt.Errorf("storing %s %s: %w", object.GetKind(), object.GetName(), err))
	})
}

// inForce waits until a policy that was stored after all others denies.
func (s *server) inForce(ctx context.Context) error {
	last := []map[string]any{{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": map[string]any{"name": "last"},
		"spec": map[string]any{
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"configmaps"}, "resourceNames": []any{"last"}}}},
			"validations":      []any{map[string]any{"expression": "false", "message": "all are in force"}},
		},
	}, {
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": map[string]any{"name": "last"},
		"spec": map[string]any{"policyName": "last", "validationActions": []any{"Audit"}},
	}}
	for _, each := range last {
		if err := s.store(ctx, each); err != nil {
			return err
		}
	}
	probe := testCase{object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "last", "namespace": home}}}
	return controlplane.Until(ctx, func(ctx context.Context) error {
		read, err := s.submit(ctx, probe)
		if said := read.said["last"]; err == nil && len(said) != 1 {
			return fmt.Errorf("the policies are not in force: %q", said)
		}
		return err
	})
}
