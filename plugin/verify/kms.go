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
		if err := checkURI(uri); err != nil {
			return nil, err
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

// openService makes the client of the URI's scheme. The library's own choice is
// not used: for a scheme that it does not know it looks for a program to run.
func openService(ctx context.Context, uri string) (signature.PublicKeyProvider, error) {
	switch scheme(uri) {
	case "awskms":
		return aws.LoadSignerVerifier(ctx, uri)
	case "azurekms":
		return azure.LoadSignerVerifier(ctx, uri)
	case "gcpkms":
		return gcp.LoadSignerVerifier(ctx, uri)
	case "hashivault":
		return hashivault.LoadSignerVerifier(uri, crypto.SHA256)
	}
	return nil, errors.New("there is no client for it")
}

// checkURI refuses what names no key, before anybody is asked.
func checkURI(uri string) error {
	var err error
	switch scheme(uri) {
	case "awskms":
		err = aws.ValidReference(uri)
	case "azurekms":
		err = azure.ValidReference(uri)
	case "gcpkms":
		err = gcp.ValidReference(uri)
	case "hashivault":
		err = hashivault.ValidReference(uri)
	default:
		err = errors.New("begin with awskms://, azurekms://, gcpkms:// or hashivault://")
	}
	if err != nil {
		return fmt.Errorf("key.kms: %s names no key: %w", plugin.RedactURL(uri), err)
	}
	return nil
}

func scheme(uri string) string {
	name, _, _ := strings.Cut(uri, "://")
	return name
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
