package registries

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/oracles/answers"
	"github.com/assay-gitops/assay/e2e/oracles/sandbox"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// The registry with the referrers API is the project's own: zot's module cannot
// be had (docs/parity.md).
func TestReferrersAPI_OneImageCostsTheRequestsOfTheBudget(t *testing.T) {
	server, err := ociserver.Start(ociserver.Options{TLS: true, Token: &ociserver.TokenAuth{User: User, Password: Password}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	reference, policy := signedImage(t, server)
	assay, err := answers.LoadFrom(registry.Host{
		Host: server.Host(), Private: true, CA: server.CA(), Credential: registry.Credential{Username: User, Password: Password},
	}, policy)
	if err != nil {
		t.Fatal(err)
	}
	before := len(server.Requests())
	if answer, why := assay.Ask(context.Background(), reference); answer != answers.Admitted {
		t.Fatal(answer, why)
	}
	cold := server.Requests()[before:]
	// Design, section 6: 1 referrers and 2 for one piece of evidence, and once
	// a ping and a token.
	if len(cold) > 5 {
		t.Errorf("%d requests, want at most 5: %v", len(cold), cold)
	}
	t.Logf("referrers API: %d requests for one image, cold: %v", len(cold), cold)
}

// signedImage pushes an image, has cosign sign it, and writes a policy that
// trusts the key.
func signedImage(t *testing.T, server *ociserver.Server) (reference, policy string) {
	t.Helper()
	dir := t.TempDir()
	tag, err := name.NewTag(server.Host() + "/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, remote.WithTransport(server.Transport()), remote.WithAuth(server.Authenticator())); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	certificate := filepath.Join(dir, "ca.pem")
	key, err := sandbox.NewKey(dir, "a", sandbox.ECDSA256)
	if err != nil {
		t.Fatal(err)
	}
	sigstore, err := sandbox.New("main", sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sigstore.Close)
	policy = filepath.Join(dir, "policy.yaml")
	text := fmt.Sprintf("apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: one\nspec:\n  images:\n    - glob: \"**\"\n"+
		"  authorities:\n    - key:\n        data: %q\n", strings.TrimSpace(string(key.PublicPEM)))
	for file, data := range map[string][]byte{certificate: server.CA(), policy: []byte(text)} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reference = tag.Context().Name() + "@" + digest.String()
	login := &sandbox.Login{User: User, Password: Password, CA: certificate}
	if err := sigstore.Sign(context.Background(), reference, sandbox.Signing{Bundle: true, Key: key, Login: login}); err != nil {
		t.Fatal(err)
	}
	return reference, policy
}
