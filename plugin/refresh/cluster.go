package refresh

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// Cluster is the Applications of the API server.
type Cluster interface {
	// Applications are all of them as they were seen last. An error says that they
	// were never seen whole; that they may be old is no error, but Trouble.
	Applications(ctx context.Context) ([]Application, error)
	// Trouble is why what is known of the Applications may be old; nil when they
	// are followed.
	Trouble() error
	// Ask asks Argo CD to render an Application anew. The error is the API
	// server's.
	Ask(ctx context.Context, app Application) error
}

// askTime is what the API server gets for one patch.
const askTime = 10 * time.Second

// Watched watches Applications, so that looking at them again costs the API
// server nothing.
type Watched struct {
	client   dynamic.Interface
	control  string
	informer cache.SharedInformer
	trouble  trouble
}

// trouble is what the API server said last instead of Applications.
type trouble struct {
	mu  sync.Mutex
	err error
}

func (t *trouble) set(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

func (t *trouble) get() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// Watch watches the Applications of a namespace, or of all when it is empty, until
// the context ends. Control is Argo CD's own namespace.
func Watch(ctx context.Context, client dynamic.Interface, namespace, control string) (*Watched, error) {
	w := &Watched{client: client, control: control}
	resource := client.Resource(applications()).Namespace(namespace)
	w.informer = cache.NewSharedInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := resource.List(ctx, options)
			w.trouble.set(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			watching, err := resource.Watch(ctx, options)
			w.trouble.set(err)
			return watching, err
		},
	}, &unstructured.Unstructured{}, 0)
	err := errors.Join(
		w.informer.SetTransform(func(object any) (any, error) { return w.keep(object), nil }),
		w.informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) { w.trouble.set(err) }),
	)
	if err != nil {
		return nil, fmt.Errorf("watching Applications: %w", err)
	}
	go w.informer.RunWithContext(ctx)
	return w, nil
}

func applications() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
}

// kept is what is kept in memory of an Application, which can be large.
type kept struct {
	metav1.ObjectMeta

	app Application
}

// keep is called once for what arrives, and again for what was kept already.
func (w *Watched) keep(object any) any {
	read, ok := object.(*unstructured.Unstructured)
	if !ok {
		return object
	}
	return &kept{
		ObjectMeta: metav1.ObjectMeta{Namespace: read.GetNamespace(), Name: read.GetName(), UID: read.GetUID(), ResourceVersion: read.GetResourceVersion()},
		app:        readApplication(read, w.control),
	}
}

// firstList is how long the first list may take.
const firstList = time.Minute

// Applications implements Cluster. It waits for the first list alone.
func (w *Watched) Applications(ctx context.Context) ([]Application, error) {
	ctx, cancel := context.WithTimeout(ctx, firstList)
	defer cancel()
	if !cache.WaitForCacheSync(ctx.Done(), w.informer.HasSynced) {
		err := w.trouble.get()
		if err == nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("listing Applications: %w; %s", err, hint(err))
	}
	var all []Application
	for _, object := range w.informer.GetStore().List() {
		if one, ok := object.(*kept); ok {
			all = append(all, one.app)
		}
	}
	return all, nil
}

// Trouble implements Cluster.
func (w *Watched) Trouble() error {
	err := w.trouble.get()
	if err == nil {
		return nil
	}
	return fmt.Errorf("watching Applications: %w; those known may be old; %s", err, hint(err))
}

// Ask implements Cluster. The UID makes the server refuse a patch of another
// Application of the same name.
func (w *Watched) Ask(ctx context.Context, app Application) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	patch := fmt.Sprintf(`{"metadata":{"uid":%q,"annotations":{%q:%q}}}`, app.UID, Annotation, Hard)
	_, err := w.client.Resource(applications()).Namespace(app.Namespace).
		Patch(ctx, app.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: fieldManager})
	return err
}

// fieldManager is who changed an Application, in its managed fields.
const fieldManager = "assay-refresh"

// hint says what to do about an error of the API server's.
func hint(err error) string {
	switch {
	case apierrors.IsForbidden(err):
		return "give the service account the rights of manifests/argocd/refresh, and look at which admission policy speaks when it is one"
	case apierrors.IsUnauthorized(err):
		return "the service account's token is not accepted: look whether it still exists"
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return "an admission policy or a webhook of the cluster refuses the annotation " + Annotation + ": let the service account set it"
	case apierrors.IsNotFound(err):
		return "install Argo CD's custom resources, or name its namespace with --namespace"
	}
	return "look at the API server and at the NetworkPolicy; it is tried again"
}
