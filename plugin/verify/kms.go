//go:build kms

package verify

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/keyservice"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
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
		if err := keyservice.Check(uri); err != nil {
			return nil, fmt.Errorf("key.kms: %w", err)
		}
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
	service, err := keyservice.Open(ctx, uri)
	if err != nil {
		return serviceAnswer{err: err}
	}
	key, err := service.PublicKey(options.WithContext(ctx))
	if err != nil {
		return serviceAnswer{err: err}
	}
	return serviceAnswer{key: key}
}

// noServiceKey is "could not look": there is no key. Its text is one line, and
// URLs in it lose their credentials, so the cause itself is not kept.
func noServiceKey(uri string, cause error) error {
	said := plugin.RedactText(strings.Join(strings.Fields(cause.Error()), " "))
	return &plugin.StageError{
		Stage: "asking the key service for", Subject: plugin.RedactURL(uri), Cause: errors.New(said + "; no key was loaded, so nothing can be verified: check that the service answers and that this process may read the key"),
		Hint: "load the gate again once the service answers, or export the public key and give it as data or file",
	}
}
