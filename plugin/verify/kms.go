//go:build kms

package verify

import (
	"context"
	"crypto"
	"fmt"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/aws"
	"github.com/sigstore/sigstore/pkg/signature/kms/azure"
	"github.com/sigstore/sigstore/pkg/signature/kms/gcp"
	"github.com/sigstore/sigstore/pkg/signature/kms/hashivault"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// serviceAnswer is what a key service said, once.
type serviceAnswer struct {
	key crypto.PublicKey
	err error
}

// newKeyService asks each key once, however many authorities name it. A service
// that gives no key is an error for whoever makes the verifier: without its key
// an image would read as unsigned, which nobody has looked at.
func newKeyService(timeout time.Duration) keyService {
	answers := map[string]serviceAnswer{}
	return func(uri string) ([]byte, error) {
		answer, asked := answers[uri]
		if !asked {
			answer = askInTime(uri, timeout)
			answers[uri] = answer
		}
		if answer.err != nil {
			return nil, answer.err
		}
		text, err := cryptoutils.MarshalPublicKeyToPEM(answer.key)
		if err != nil {
			return nil, noServiceKey(uri, err)
		}
		return text, nil
	}
}

// askInTime waits for the service no longer than the timeout. The clients for
// Vault and Google take no context here, so they are left behind when it has
// passed. Google's ends by a limit of its own; Vault's has none, and keeps one
// connection until the other side hangs up.
func askInTime(uri string, timeout time.Duration) serviceAnswer {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	answered := make(chan serviceAnswer, 1)
	go func() { answered <- guardedAsk(ctx, uri) }()
	answer := serviceAnswer{}
	select {
	case answer = <-answered:
	case <-ctx.Done():
		answer.err = fmt.Errorf("no answer within %s (limit requestSeconds)", timeout)
	}
	if answer.err != nil {
		answer.err = noServiceKey(uri, answer.err)
	}
	return answer
}

// guardedAsk turns a client's panic into "no answer": nothing above this
// goroutine could.
func guardedAsk(ctx context.Context, uri string) (answer serviceAnswer) {
	defer func() {
		if panicked := recover(); panicked != nil {
			answer = serviceAnswer{err: fmt.Errorf("its client panicked: %v", panicked)}
		}
	}()
	service, err := openService(ctx, uri)
	if err != nil {
		return serviceAnswer{err: err}
	}
	key, err := service.PublicKey(options.WithContext(ctx))
	if err != nil {
		return serviceAnswer{err: err}
	}
	return serviceAnswer{key: key}
}

// openService chooses the client by scheme. The library's own choice is not
// used: for a scheme that it does not know it looks for a program to run.
func openService(ctx context.Context, uri string) (signature.PublicKeyProvider, error) {
	scheme, _, _ := strings.Cut(uri, "://")
	switch scheme {
	case "awskms":
		return aws.LoadSignerVerifier(ctx, uri)
	case "azurekms":
		return azure.LoadSignerVerifier(ctx, uri)
	case "gcpkms":
		return gcp.LoadSignerVerifier(ctx, uri)
	case "hashivault":
		return hashivault.LoadSignerVerifier(uri, crypto.SHA256)
	}
	return nil, fmt.Errorf("%q is no key service; known are awskms, azurekms, gcpkms and hashivault", scheme)
}

// noServiceKey is the error when there is no key. Its text is one line, and
// URLs in it lose their credentials; so it wraps nothing.
func noServiceKey(uri string, cause error) error {
	said := plugin.RedactText(strings.Join(strings.Fields(cause.Error()), " "))
	return fmt.Errorf("asking the key service for %s: %s; no key was loaded, so nothing can be verified: check that the service answers and that this process may read the key, or export the public key and give it as data or file", plugin.RedactURL(uri), said)
}
