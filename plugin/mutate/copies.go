package mutate

import (
	"sync/atomic"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

// mostCopied is how many bytes the copy operations of one JSON patch may add:
// the API server's own number (k8s.io/apiserver pkg/server, NewConfig,
// JSONPatchMaxCopyBytes). Each copy may double an object, so thirty of them
// would fill any memory.
const mostCopied = 3 << 20

// boundCopies sets the bound in the one place that the library has for it, the
// process, as the API server does when it starts. A lower one stays.
func boundCopies() {
	for {
		known := atomic.LoadInt64(&jsonpatch.AccumulatedCopySizeLimit)
		if known > 0 && known <= mostCopied || atomic.CompareAndSwapInt64(&jsonpatch.AccumulatedCopySizeLimit, known, mostCopied) {
			return
		}
	}
}
