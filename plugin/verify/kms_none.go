//go:build !kms

package verify

import (
	"fmt"
	"strings"
	"time"
)

// newKeyService names what this build cannot do. A key's URI may hold an
// account, so only its scheme is repeated.
func newKeyService(time.Duration) keyService {
	return func(uri string) ([]byte, error) {
		scheme, _, _ := strings.Cut(uri, "://")
		return nil, fmt.Errorf("key.kms (%s) needs a key service, and assay was built without KMS; build it with -tags kms, or export the public key and give it as data or file", scheme)
	}
}
