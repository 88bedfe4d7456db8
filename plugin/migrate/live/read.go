package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
)

// Object is an Application or ApplicationSet of the cluster.
type Object struct {
	// Name is "Application argocd/shop".
	Name string
	// Text is the object as its author would have written it, in YAML.
	Text []byte
	// Owner is what made it and keeps it as it is, such as "ApplicationSet shops";
	// empty for none.
	Owner string

	resource schema.GroupVersionResource
	object   *unstructured.Unstructured
}

const (
	// mostObjects bounds what is read, and perPage one answer.
	mostObjects = 10_000
	perPage     = 250
)

// kinds are what is read.
func kinds() []schema.GroupVersionResource {
	group := schema.GroupVersion{Group: "argoproj.io", Version: "v1alpha1"}
	return []schema.GroupVersionResource{group.WithResource("applications"), group.WithResource("applicationsets")}
}

// Read reads all Applications and ApplicationSets, sorted by kind, namespace and
// name. Every problem is told at once, and then nothing is returned: a list with
// a gap would pass for all that there is.
func (c *Cluster) Read(ctx context.Context) ([]Object, error) {
	namespaces := slices.Clone(c.options.Namespaces)
	if slices.Sort(namespaces); len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	var all []Object
	var problems []error
	for _, resource := range kinds() {
		for _, namespace := range slices.Compact(namespaces) {
			items, err := c.list(ctx, resource, namespace)
			if err != nil {
				problems = append(problems, c.explain(err, resource.Resource, namespace))
				if errors.Is(err, errNotAnswering) {
					return nil, errors.Join(problems...) // each further question would take as long
				}
				continue
			}
			for i := range items {
				object, err := written(resource, &items[i])
				problems, all = append(problems, err), append(all, object)
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Object) int {
		return cmp.Or(cmp.Compare(a.object.GetKind(), b.object.GetKind()), cmp.Compare(a.object.GetNamespace(), b.object.GetNamespace()), cmp.Compare(a.object.GetName(), b.object.GetName()))
	})
	return all, nil
}

// errNotAnswering is a server that does not answer in time, or not at all.
var errNotAnswering = errors.New("the server does not answer")

// list reads all pages. A list that the server has forgotten in the meantime is
// begun anew, once.
func (c *Cluster) list(ctx context.Context, resource schema.GroupVersionResource, namespace string) ([]unstructured.Unstructured, error) {
	items, err := c.pages(ctx, resource, namespace)
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		items, err = c.pages(ctx, resource, namespace)
	}
	return items, err
}

func (c *Cluster) pages(ctx context.Context, resource schema.GroupVersionResource, namespace string) ([]unstructured.Unstructured, error) {
	var items []unstructured.Unstructured
	options := metav1.ListOptions{Limit: perPage}
	for {
		page, err := c.client.Resource(resource).Namespace(namespace).List(ctx, options)
		var status apierrors.APIStatus
		switch {
		case err != nil && len(items) > 0:
			err = fmt.Errorf("after %d of them: %w", len(items), err)
			fallthrough
		case err != nil:
			if !errors.As(err, &status) {
				err = fmt.Errorf("%w: %w", errNotAnswering, err)
			}
			return nil, err
		}
		if items = append(items, page.Items...); len(items) > mostObjects {
			return nil, fmt.Errorf("there are more than %d; name namespaces with --namespace", mostObjects)
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return items, nil
		}
	}
}

// explain says what was asked, why there is no answer, and what to do.
func (c *Cluster) explain(err error, resource, namespace string) error {
	where, hint := "in all namespaces", "run it again when the cluster answers"
	if namespace != metav1.NamespaceAll {
		where = "in the namespace " + namespace
	}
	switch {
	case apierrors.IsForbidden(err) && namespace == metav1.NamespaceAll:
		hint = "name the namespaces that you may read with --namespace, or have somebody grant list of " + resource + ".argoproj.io"
	case apierrors.IsForbidden(err):
		hint = "leave the namespace out, or have somebody grant list of " + resource + ".argoproj.io in it"
	case apierrors.IsUnauthorized(err):
		hint = "log in again, or choose another context with --context"
	case apierrors.IsNotFound(err):
		hint = "this API server does not know " + resource + ".argoproj.io: choose the cluster that Argo CD runs in with --context"
	}
	return &plugin.StageError{Stage: "cluster", Subject: resource + " " + where, Hint: hint, Cause: err}
}
