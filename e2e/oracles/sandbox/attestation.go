package sandbox

import (
	"context"
	"fmt"

	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/verify"
)

// CosignVerifyAttestation is `cosign verify-blob-attestation` of a file with a
// bundle, by a public key's file. It answers nil when cosign exits with 0.
func CosignVerifyAttestation(ctx context.Context, file, bundle, key, predicateType string) error {
	command := verify.VerifyBlobAttestationCommand{
		KeyOpts:     options.KeyOpts{KeyRef: key, BundlePath: bundle, NewBundleFormat: true},
		CheckClaims: true, PredicateType: predicateType, IgnoreTlog: true, Offline: true,
	}
	if err := quietly(func() error { return command.Exec(ctx, file) }); err != nil {
		return fmt.Errorf("verifying %s with cosign: %w", file, err)
	}
	return nil
}
