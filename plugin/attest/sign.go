package attest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"
)

const payloadType = "application/vnd.in-toto+json"

// Signer is who signs: a key, or, without one, whoever an identity token names.
type Signer struct {
	// Key is a file with a private key in PEM, also encrypted as cosign does it, or
	// the URI of a key service; empty signs with a certificate of a few minutes.
	Key string
	// Password opens an encrypted key.
	Password []byte
	// Services are a sigstore signing config (protobuf-specs, SigningConfig) as
	// JSON: the authorities, logs and timestamp authorities. Without one, a
	// certificate is asked of sigstore's public-good instance, and a key is used
	// without log and timestamp.
	Services []byte
	// Token is the identity token (JWT) for a certificate.
	Token func(ctx context.Context) (string, error)
	// Transport carries the requests; nil is the default one.
	Transport http.RoundTripper
	// Timeout bounds each request.
	Timeout time.Duration
}

// Check refuses a signer that could not sign, before anything is judged. The
// key is loaded; authorities and logs are not asked.
// A *[KeyError] is about the key itself.
func (s Signer) Check(ctx context.Context) error {
	if s.Key != "" {
		if _, err := s.keypair(ctx); err != nil {
			return &KeyError{err}
		}
	} else if s.Token == nil {
		return errNoIdentity
	}
	_, err := s.services()
	return err
}

// Sign signs a statement and returns a sigstore bundle (protobuf-specs,
// dev.sigstore.bundle.v0.3) as JSON. A service that does not answer is a
// *plugin.StageError.
func (s Signer) Sign(ctx context.Context, statement []byte) ([]byte, error) {
	services, err := s.services()
	if err != nil {
		return nil, err
	}
	options := sign.BundleOptions{Context: ctx}
	var keypair sign.Keypair
	if s.Key != "" {
		keypair, err = s.keypair(ctx)
	} else {
		keypair, err = s.certified(ctx, services, &options)
	}
	if err != nil {
		return nil, err
	}
	if err := s.witness(services, &options); err != nil {
		return nil, err
	}
	made, err := sign.Bundle(&sign.DSSEData{Data: statement, PayloadType: payloadType}, keypair, options)
	if err != nil {
		return nil, &plugin.StageError{
			Stage: "attest", Subject: "the verdict", Cause: errors.New("signing: " + redacted(err)),
			Hint: "look at the key and the services named here, and try again",
		}
	}
	if _, err := bundle.NewBundle(made); err != nil {
		return nil, fmt.Errorf("signing the attestation: %w", err)
	}
	text, err := protojson.Marshal(made)
	if err != nil {
		return nil, fmt.Errorf("writing the attestation: %w", err)
	}
	return append(text, '\n'), nil
}

// witness adds who notes that it was signed, and when.
func (s Signer) witness(services *root.SigningConfig, options *sign.BundleOptions) error {
	if services == nil {
		return nil
	}
	now := time.Now()
	if len(services.TimestampAuthorityURLs()) > 0 {
		stamps, err := root.SelectServices(services.TimestampAuthorityURLs(), services.TimestampAuthorityURLsConfig(), sign.TimestampAuthorityAPIVersions, now)
		if err != nil {
			return fmt.Errorf("choosing a timestamp authority of the signing config: %w", err)
		}
		for _, stamp := range stamps {
			options.TimestampAuthorities = append(options.TimestampAuthorities, sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{
				URL: stamp.URL, Timeout: s.Timeout, Transport: s.Transport,
			}))
		}
	}
	if len(services.RekorLogURLs()) == 0 {
		return nil
	}
	logs, err := root.SelectServices(services.RekorLogURLs(), services.RekorLogURLsConfig(), sign.RekorAPIVersions, now)
	if err != nil {
		return fmt.Errorf("choosing a log of the signing config: %w", err)
	}
	for _, each := range logs {
		options.TransparencyLogs = append(options.TransparencyLogs, sign.NewRekor(&sign.RekorOptions{
			BaseURL: each.URL, Timeout: s.Timeout, Version: each.MajorAPIVersion,
		}))
	}
	return nil
}
