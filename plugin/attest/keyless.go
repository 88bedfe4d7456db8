package attest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
)

// publicGood are the services of sigstore's public-good instance.
//
//go:embed publicgood.json
var publicGood []byte

// services are those that the signer names; nil when a key needs none.
func (s Signer) services() (*root.SigningConfig, error) {
	text := s.Services
	switch {
	case text == nil && s.Key != "":
		return nil, nil
	case text == nil:
		text = publicGood
	}
	services, err := root.NewSigningConfigFromJSON(text)
	if err != nil {
		return nil, fmt.Errorf("reading the signing config: %w; it is the file that cosign calls signing_config.json", err)
	}
	return services, nil
}

// certified makes a key that lives as long as this signature, and asks for a
// certificate that says to whom the identity token was given.
func (s Signer) certified(ctx context.Context, services *root.SigningConfig, options *sign.BundleOptions) (sign.Keypair, error) {
	if s.Token == nil {
		return nil, errNoIdentity
	}
	token, err := s.Token(ctx)
	if err != nil {
		return nil, err
	}
	authority, err := root.SelectService(services.FulcioCertificateAuthorityURLs(), sign.FulcioAPIVersions, time.Now())
	if err != nil {
		return nil, fmt.Errorf("choosing a certificate authority of the signing config: %w", err)
	}
	options.CertificateProvider = sign.NewFulcio(&sign.FulcioOptions{BaseURL: authority.URL, Timeout: s.Timeout, Transport: s.Transport})
	options.CertificateProviderOptions = &sign.CertificateProviderOptions{IDToken: token}
	keypair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return keypair, nil
}

var errNoIdentity = errors.New("signing the attestation: there is neither a key nor an identity token; " +
	"name a key with --attest-key, or run where SIGSTORE_ID_TOKEN is set, or in a GitHub workflow with the permission id-token: write")
