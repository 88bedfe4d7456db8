package controlplane

import (
	"context"
	"fmt"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// API talks to the API server as somebody.
type API struct {
	// Config is how, and as whom.
	Config *rest.Config
	client dynamic.Interface
}

func newAPI(config *rest.Config) (*API, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &API{Config: config, client: client}, nil
}

// As is the API with another account's token.
func (a *API) As(token string) (*API, error) {
	config := rest.CopyConfig(a.Config)
	config.BearerToken = token
	return newAPI(config)
}

// Object names one object. Kind is "Deployment.v1.apps", and for the core group
// "Pod.v1."; Namespace is empty for what has none.
type Object struct{ Kind, Namespace, Name string }

func (a *API) resource(kind schema.GroupVersionKind, namespace string) dynamic.ResourceInterface {
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	if namespace == "" {
		return a.client.Resource(plural)
	}
	return a.client.Resource(plural).Namespace(namespace)
}

func (a *API) of(o Object) (dynamic.ResourceInterface, error) {
	kind, _ := schema.ParseKindArg(o.Kind)
	if kind == nil {
		return nil, fmt.Errorf("%q is not Kind.version.group", o.Kind)
	}
	return a.resource(*kind, o.Namespace), nil
}

// Get reads an object.
func (a *API) Get(ctx context.Context, o Object) (*unstructured.Unstructured, error) {
	resource, err := a.of(o)
	if err != nil {
		return nil, err
	}
	return resource.Get(ctx, o.Name, metav1.GetOptions{})
}

// List reads the objects of a kind in a namespace.
func (a *API) List(ctx context.Context, kind, namespace string) ([]unstructured.Unstructured, error) {
	resource, err := a.of(Object{Kind: kind, Namespace: namespace})
	if err != nil {
		return nil, err
	}
	list, err := resource.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Delete deletes an object.
func (a *API) Delete(ctx context.Context, o Object) error {
	resource, err := a.of(o)
	if err != nil {
		return err
	}
	return resource.Delete(ctx, o.Name, metav1.DeleteOptions{})
}

// Merge changes an object, or a subresource as "status", by a JSON merge patch.
func (a *API) Merge(ctx context.Context, o Object, patch string, subresources ...string) error {
	resource, err := a.of(o)
	if err != nil {
		return err
	}
	_, err = resource.Patch(ctx, o.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...)
	return err
}

// Apply applies YAML documents on the server's side. A namespaced object must
// name its namespace. The error is the first document's that was refused.
func (a *API) Apply(ctx context.Context, text string) error {
	for document := range strings.SplitSeq("\n"+text, "\n---") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			return fmt.Errorf("reading what is to be applied: %w", err)
		}
		if len(object.Object) == 0 {
			continue
		}
		resource := a.resource(object.GroupVersionKind(), object.GetNamespace())
		if _, err := resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "e2e", Force: true}); err != nil {
			return fmt.Errorf("applying %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// Would is what the API server would make of an object that a manager of fields
// applies. Nothing is written.
func (a *API) Would(ctx context.Context, object *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	resource := a.resource(object.GroupVersionKind(), object.GetNamespace())
	return resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: manager, Force: true, DryRun: []string{metav1.DryRunAll}})
}

// Token asks for a token of a service account.
func (a *API) Token(ctx context.Context, namespace, account string) (string, error) {
	request := &authenticationv1.TokenRequest{}
	request.SetGroupVersionKind(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest"))
	request.Name = account
	body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(request)
	if err != nil {
		return "", err
	}
	accounts := a.resource(schema.GroupVersionKind{Version: "v1", Kind: "ServiceAccount"}, namespace)
	answer, err := accounts.Create(ctx, &unstructured.Unstructured{Object: body}, metav1.CreateOptions{}, "token")
	if err != nil {
		return "", fmt.Errorf("asking for a token of %s/%s: %w", namespace, account, err)
	}
	token, _, err := unstructured.NestedString(answer.Object, "status", "token")
	return token, err
}
