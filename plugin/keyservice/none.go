//go:build !kms

package keyservice

import (
	"context"
	"fmt"
	"strings"

	"github.com/sigstore/sigstore/pkg/signature"
)

// Open names what this build cannot do.
func Open(_ context.Context, uri string) (signature.SignerVerifier, error) { return nil, Check(uri) }

// Check names what this build cannot do. A key's URI may hold an account, so
// only its scheme is repeated.
func Check(uri string) error {
	scheme, _, _ := strings.Cut(uri, "://")
	return fmt.Errorf("the key (%s) needs a key service, and assay was built without KMS; build it with -tags kms, or give the key as a file", scheme)
}
