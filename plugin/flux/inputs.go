package flux

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/kustomize"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// Accounts give readers that act as service accounts, so that a GatedSource
// reads what its own namespace may read, and nothing else.
type Accounts interface {
	// As reads as the service account of the namespace.
	As(namespace, account string) (client.Client, error)
}

// NewAccounts impersonates service accounts with the rights of config, whose
// user needs the verb impersonate on them.
func NewAccounts(config *rest.Config, options client.Options) Accounts {
	return impersonation{config, options}
}

type impersonation struct {
	config  *rest.Config
	options client.Options
}

// As implements Accounts. Connections are shared by client-go.
func (i impersonation) As(namespace, account string) (client.Client, error) {
	config := rest.CopyConfig(i.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + namespace + ":" + account}
	made, err := client.New(config, i.options)
	if err != nil {
		return nil, fmt.Errorf("making a client for the service account %s/%s: %w", namespace, account, err)
	}
	return made, nil
}

// inputs are what a rendering needs besides the source.
type inputs struct {
	// variables are substituted after the build; nil when there is no postBuild.
	variables map[string]string
	// values are the chart's, YAML.
	values string
	// kubeVersion and apiVersions are the API server's.
	kubeVersion string
	apiVersions []string
}

// inputs reads the ConfigMaps and Secrets that the object names, as its service
// account. One that is missing waits; one that may not be read does, too.
func (r *Reconciler) inputs(ctx context.Context, object *v1alpha1.GatedSource) (inputs, *trouble) {
	var read inputs
	var err error
	account := object.Spec.ServiceAccountName
	if account == "" {
		account = r.DefaultServiceAccount
	}
	if isHelm(object) {
		if read.kubeVersion, read.apiVersions, err = r.Cluster.Capabilities(); err != nil {
			return read, unanswered("asking the API server for its version and kinds: %w", err)
		}
	}
	if !readsObjects(object) {
		read.variables = inlineVariables(object)
		read.values, err = inlineValues(object)
		return read, failing(err)
	}
	reader, err := r.Accounts.As(object.Namespace, account)
	if err != nil {
		return read, unanswered("%w", err)
	}
	from := asAccount{reader, object.Namespace, account}
	if post := postBuildOf(object); post != nil {
		read.variables, err = from.variables(ctx, post)
	} else if isHelm(object) {
		read.values, err = from.values(ctx, object.Spec.Helm)
	}
	return read, failing(err)
}

func failing(err error) *trouble {
	if err == nil {
		return nil
	}
	return asTrouble(err, reasonValuesFailed)
}

func postBuildOf(object *v1alpha1.GatedSource) *kustomizev1.PostBuild {
	if object.Spec.Kustomize == nil {
		return nil
	}
	return object.Spec.Kustomize.PostBuild
}

// readsObjects reports whether the object names ConfigMaps or Secrets.
func readsObjects(object *v1alpha1.GatedSource) bool {
	post := postBuildOf(object)
	return post != nil && len(post.SubstituteFrom) > 0 || object.Spec.Helm != nil && len(object.Spec.Helm.ValuesFrom) > 0
}

// asAccount reads ConfigMaps and Secrets of one namespace.
type asAccount struct {
	reader             client.Client
	namespace, account string
}

// variables are those of a postBuild, as Flux collects them: those of objects
// in their order, and then those that are written.
func (a asAccount) variables(ctx context.Context, post *kustomizev1.PostBuild) (map[string]string, error) {
	spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(post)
	if err != nil {
		return nil, fmt.Errorf("reading spec.kustomize.postBuild: %w", err)
	}
	kustomization := unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"namespace": a.namespace}, "spec": map[string]any{"postBuild": spec},
	}}
	variables, err := kustomize.LoadVariables(ctx, a.reader, kustomization)
	if err != nil {
		return nil, a.explain("reading the variables of spec.kustomize.postBuild", err)
	}
	return withInline(variables, post.Substitute), nil
}

// explain turns what the API server answers into what to do.
func (a asAccount) explain(doing string, err error) error {
	switch {
	case apierrors.IsForbidden(err):
		return waiting(reasonAccessDenied, "%s as service account %s/%s: %w; grant it get on that object, or name another in spec.serviceAccountName", doing, a.namespace, a.account, err)
	case apierrors.IsNotFound(err):
		return waiting(reasonValuesFailed, "%s: %w; create it, or mark the reference as optional", doing, err)
	}
	return &trouble{reason: reasonValuesFailed, err: fmt.Errorf("%s: %w", doing, err)}
}
