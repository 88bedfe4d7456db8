package setup_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// notarized is a scene whose gate's folder holds a Notation trust policy and a
// trust store.
func notarized(t *testing.T) (*scene, *notary.Signer) {
	t.Helper()
	s := newScene(t, ociserver.Options{})
	root, err := notary.NewAuthority("root", notary.Validity{})
	s.need(err)
	signer, err := root.Issue(notary.Leaf{Name: "builds"})
	s.need(err)
	for file, data := range map[string][]byte{
		"truststore/x509/ca/acme/root.pem": root.PEM(),
		"trustpolicy.json": fmt.Appendf(nil, `{"version": "1.0", "trustPolicies": [{"name": "acme", "registryScopes": ["%s/team-a/web"],
			"signatureVerification": {"level": "strict"}, "trustStores": ["ca:acme"], "trustedIdentities": ["x509.subject: C=US, ST=WA, O=example, CN=builds"]}]}`, s.server.Host()),
	} {
		full := filepath.Join(s.dir, "gate", filepath.FromSlash(file))
		s.need(os.MkdirAll(filepath.Dir(full), 0o755))
		s.need(os.WriteFile(full, data, 0o600))
	}
	return s, signer
}

const notation = "  trust: {notation: {trustPolicy: trustpolicy.json, trustStore: truststore%s}}\n"

func (s *scene) ref() name.Digest {
	s.t.Helper()
	ref, err := name.NewDigest(strings.TrimSuffix(s.image, ":1")+"@"+s.digest, name.Insecure)
	s.need(err)
	return ref
}

// A gate of Notation alone, from a folder: denied, signed, allowed.
func TestNotation_GateOfAFolderVerifies(t *testing.T) {
	s, signer := notarized(t)
	config := s.load(s.base("team-a", s.reach("")+fmt.Sprintf(notation, "")))
	app := s.app("web", web("web", s.image))
	s.want(s.setup(config, nil).Judge(t.Context(), app), plugin.Denied, "image/not-signed")
	s.need(signer.Push(s.ref(), notary.Options{Format: notary.COSE}, s.remote()...))
	verdict := s.setup(config, nil).Judge(t.Context(), app)
	s.want(verdict, plugin.Allowed)
	if evidence := verdict.Images[0].Evidence; len(evidence) != 1 || evidence[0].Claims().Format != "notation-cose" || evidence[0].Claims().Policy != "acme" {
		t.Errorf("%+v", evidence)
	}
}

// Both systems cover the image, which sigstore's key signed.
func TestNotation_BesideSigstoreBothOrEither(t *testing.T) {
	s, signer := notarized(t)
	app := s.app("web", web("web", s.image))
	judge := func(beside string) *plugin.Verdict {
		config := s.load(s.base("team-a", s.reach("")+fmt.Sprintf(notation, ", besideSigstore: "+beside)), s.trust("release", s.key))
		return s.setup(config, nil).Judge(t.Context(), app)
	}
	s.want(judge("Both"), plugin.Denied, "image/not-signed")
	s.want(judge("Either"), plugin.Allowed)
	s.need(signer.Push(s.ref(), notary.Options{}, s.remote()...))
	s.want(judge("Both"), plugin.Allowed)
}

// What the policy lets pass is told when the gate is loaded.
func TestNotation_WideTrustPolicyIsAWarning(t *testing.T) {
	s, _ := notarized(t)
	file := filepath.Join(s.dir, "gate", "trustpolicy.json")
	data, err := os.ReadFile(file)
	s.need(err)
	s.need(os.WriteFile(file, []byte(strings.Replace(string(data), "x509.subject: C=US, ST=WA, O=example, CN=builds", "*", 1)), 0o600))
	made := s.setup(s.load(s.base("team-a", s.reach("")+fmt.Sprintf(notation, ""))), nil)
	var rules []string
	for _, warning := range made.Warnings() {
		rules = append(rules, warning.Rule)
	}
	if !strings.Contains(strings.Join(rules, " "), "gate/notation-anybody") {
		t.Errorf("%v", rules)
	}
}
