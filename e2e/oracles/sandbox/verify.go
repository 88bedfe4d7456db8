package sandbox

import (
	"context"
	"fmt"

	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/verify"
)

// Demand is what `cosign verify` is asked for.
type Demand struct {
	// Key is a public key; without it Email and Issuer are the identity.
	Key           *Key
	Email, Issuer string
	// TrustedRoot is the path of a trusted_root.json; empty for a key alone.
	TrustedRoot string
	// Log asks for an entry in the transparency log.
	Log bool
	// Stamp asks for a timestamp.
	Stamp bool
	// IgnoreSCT accepts certificates that no certificate log knows.
	IgnoreSCT bool
}

// CosignVerify is `cosign verify`, which finds out about the format itself. It
// answers nil when cosign exits with 0.
func CosignVerify(ctx context.Context, reference string, demand Demand) error {
	command := verify.VerifyCommand{
		RegistryOptions:     options.RegistryOptions{AllowHTTPRegistry: true},
		CommonVerifyOptions: options.CommonVerifyOptions{TrustedRootPath: demand.TrustedRoot},
		CertVerifyOptions:   options.CertVerifyOptions{CertIdentity: demand.Email, CertOidcIssuer: demand.Issuer},
		CheckClaims:         true, IgnoreTlog: !demand.Log, UseSignedTimestamps: demand.Stamp, IgnoreSCT: demand.IgnoreSCT,
		NewBundleFormat: true, Offline: true, MaxWorkers: 1,
	}
	if demand.Key != nil {
		command.KeyRef = demand.Key.public
		command.CertVerifyOptions = options.CertVerifyOptions{}
	}
	if err := quietly(func() error { return command.Exec(ctx, []string{reference}) }); err != nil {
		return fmt.Errorf("verifying %s with cosign: %w", reference, err)
	}
	return nil
}
