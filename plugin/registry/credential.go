package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Credential is what a registry or its token service asks for. Its text forms
// never show it.
type Credential struct {
	Username, Password string
	// IdentityToken is exchanged for access tokens (OAuth2 refresh token).
	IdentityToken string
	// RegistryToken is sent to the registry as it is, as bearer token.
	RegistryToken string
}

// IsZero reports whether there is no credential: anonymous.
func (c Credential) IsZero() bool { return c == Credential{} }

// String hides the credential.
func (c Credential) String() string {
	if c.IsZero() {
		return "anonymous"
	}
	return "[credential]"
}

// GoString hides the credential from %#v.
func (c Credential) GoString() string { return c.String() }

// MarshalJSON hides the credential.
func (c Credential) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// Keychain makes credentials that end, for the hosts of one cloud.
type Keychain interface {
	// Covers reports whether the host is one of the cloud's own registries; the
	// keychain is asked for no other.
	Covers(host string) bool
	// Credential gives a credential and how long it holds.
	Credential(ctx context.Context, host string) (Credential, time.Duration, error)
}

// source gives the credential of one session.
type source struct {
	// id tells credentials apart without showing them.
	id   string
	read func(context.Context) (Credential, time.Duration, error)
	// lasting says that the id means the same credential in every process.
	lasting bool
	// hint says what to do when it cannot be read.
	hint string
	// tenant is whose it is; empty for the gate's own.
	tenant string
}

// forever is the validity of credentials that say nothing of their end.
const forever = 365 * 24 * time.Hour

func staticSource(credential Credential) source {
	id := "anonymous"
	if !credential.IsZero() {
		id = fmt.Sprintf("static\x00%s\x00%s\x00%s\x00%s", credential.Username, credential.Password, credential.IdentityToken, credential.RegistryToken)
	}
	return source{id: id, lasting: true, read: func(context.Context) (Credential, time.Duration, error) { return credential, forever, nil }}
}

// dockerSource asks the docker configuration, helpers included. Helpers give
// credentials that end without saying when, so they are asked again now and
// then. A helper that fails is no answer: going on without a credential would
// turn it into an image that is not there.
func dockerSource(keychain authn.Keychain, host string) source {
	const validity = 10 * time.Minute
	type answer struct {
		config *authn.AuthConfig
		err    error
	}
	return source{
		id:   "docker",
		hint: "check the docker configuration: the helper that its credHelpers or credsStore names for " + host + " has to be on PATH, and to answer `echo " + host + " | docker-credential-NAME get`",
		read: func(ctx context.Context) (Credential, time.Duration, error) {
			given := make(chan answer, 1) // a helper that never ends is left behind
			go func() {
				config, err := askKeychain(ctx, keychain, host)
				given <- answer{config, err}
			}()
			select {
			case got := <-given:
				if got.err != nil {
					return Credential{}, 0, fmt.Errorf("reading the docker configuration for %s: %w", host, withoutSecret(got.err))
				}
				return fromConfig(got.config), validity, nil
			case <-ctx.Done():
				return Credential{}, 0, fmt.Errorf("waiting for the credential helper of the docker configuration for %s: %w", host, context.Cause(ctx))
			}
		},
	}
}

func askKeychain(ctx context.Context, keychain authn.Keychain, host string) (*authn.AuthConfig, error) {
	registry, err := name.NewRegistry(host)
	if err != nil {
		return nil, err
	}
	authenticator, err := authn.Resolve(ctx, keychain, registry)
	if err != nil {
		return nil, err
	}
	return authn.Authorization(ctx, authenticator)
}

// withoutSecret is a helper's error without what the helper printed, where that
// may be a credential. Helpers print both why they fail and credentials, which
// are JSON objects, on standard output, and the library quotes it.
func withoutSecret(err error) error {
	why, printed, quoted := strings.Cut(err.Error(), ", out: `")
	if !quoted {
		return err
	}
	why = "asking the credential helper: " + strings.TrimPrefix(why, "error getting credentials - err: ")
	if printed = strings.TrimSuffix(printed, "`"); printed == "" || strings.ContainsAny(printed, "{}") {
		return errors.New(why)
	}
	return fmt.Errorf("%s; it says %.200q", why, printed)
}

func fromConfig(config *authn.AuthConfig) Credential {
	credential := Credential{IdentityToken: config.IdentityToken, RegistryToken: config.RegistryToken}
	if credential.IdentityToken == "" {
		credential.Username, credential.Password = config.Username, config.Password
	}
	return credential
}
