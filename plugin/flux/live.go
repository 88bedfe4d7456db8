package flux

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// serverTime bounds one question to the API server that is not part of a
// judgement, which has spec.timeout: a server that takes a connection and says
// nothing holds no worker for longer.
const serverTime = 10 * time.Second

// answering is a context for such a question.
func answering(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, serverTime, fmt.Errorf("the API server gave no answer within %s", serverTime))
}

// live reads what is judged next from the API server itself.
func (r *Reconciler) live(ctx context.Context, key types.NamespacedName) (*v1alpha1.GatedSource, error) {
	bounded, cancel := answering(ctx)
	defer cancel()
	object := &v1alpha1.GatedSource{}
	return object, r.Live.Get(bounded, key, object)
}
