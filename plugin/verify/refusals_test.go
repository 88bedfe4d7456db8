package verify

import (
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

const policyLine, authorityLine = "gate.yaml:3: ", "gate.yaml:9: "

// fault is one thing that is wrong with a configuration.
type fault struct {
	spoil        func(c *Config)
	line, reason string
}

func policyFaults() map[string]fault {
	return map[string]fault{
		"no clock":                {func(c *Config) { c.Clock = nil }, "", "no clock"},
		"unknown platforms":       {func(c *Config) { c.Platforms = "Some" }, "", `platforms is "Some"`},
		"unknown no-match level":  {func(c *Config) { c.NoMatch = plugin.Info }, "", "noMatch"},
		"policy without a name":   {func(c *Config) { c.Policies[0].Metadata.Name = "" }, policyLine, "no name"},
		"policy declared twice":   {func(c *Config) { c.Policies = append(c.Policies, c.Policies[0]) }, policyLine, "declared twice"},
		"policy without images":   {func(c *Config) { c.Policies[0].Spec.Images = nil }, policyLine, "covers no images"},
		"policy without rules":    {func(c *Config) { c.Policies[0].Spec.Authorities = nil }, policyLine, "no authorities"},
		"unknown mode":            {func(c *Config) { c.Policies[0].Spec.Mode = "audit" }, policyLine, `mode is "audit"`},
		"glob with other signs":   {glob("registry.example.com/[ab]"), policyLine, "characters"},
		"glob that names a tag":   {glob("registry.example.com/app:v*"), policyLine, "can never match"},
		"glob without a wildcard": {glob("registry.example.com/app"), policyLine, "can never match"},
		"glob that ends early":    {glob("registry.example.com/*/app"), policyLine, "can never match"},
		"no kind":                 {first(func(a *gate.Authority) { a.Keyless = nil }), authorityLine, "exactly one of"},
		"two kinds":               {first(func(a *gate.Authority) { a.Key = &gate.KeyRef{Data: "x"} }), authorityLine, "exactly one of"},
		"static with another action": {first(func(a *gate.Authority) {
			*a = gate.Authority{Static: &gate.StaticRef{Action: "allow"}, At: a.At}
		}), authorityLine, `static.action is "allow"`},
		"static with a log":          {first(func(a *gate.Authority) { a.Keyless, a.Static = nil, &gate.StaticRef{Action: "pass"} }), authorityLine, "static takes neither"},
		"unknown format":             {first(func(a *gate.Authority) { a.SignatureFormat = "v3" }), authorityLine, `signatureFormat is "v3"`},
		"two sources":                {first(func(a *gate.Authority) { a.Source = make([]gate.SignatureSource, 2) }), authorityLine, "only one source"},
		"source that is no name":     {first(func(a *gate.Authority) { a.Source = []gate.SignatureSource{{OCI: "A B"}} }), authorityLine, "source.oci"},
		"no identities":              {first(func(a *gate.Authority) { a.Keyless.Identities = nil }), authorityLine, "needs identities"},
		"identity without issuer":    {identity(gate.Identity{Subject: subject}), authorityLine, "neither issuer nor issuerRegExp"},
		"identity without subject":   {identity(gate.Identity{Issuer: issuer}), authorityLine, "neither subject nor subjectRegExp"},
		"identity with two issuers":  {identity(gate.Identity{Issuer: issuer, IssuerRegExp: "^x$", Subject: subject}), authorityLine, "both issuer"},
		"unanchored subject":         {identity(gate.Identity{Issuer: issuer, SubjectRegExp: "https://builds.example.com/.*"}), authorityLine, "not anchored"},
		"unanchored issuer":          {identity(gate.Identity{IssuerRegExp: "^https://issuer", Subject: subject}), authorityLine, "not anchored"},
		"half anchored alternatives": {identity(gate.Identity{Issuer: issuer, SubjectRegExp: "^a|b$"}), authorityLine, "not anchored"},
		"anchors of lines":           {identity(gate.Identity{Issuer: issuer, SubjectRegExp: "(?m)^a$"}), authorityLine, "not anchored"},
		"broken expression":          {identity(gate.Identity{Issuer: issuer, SubjectRegExp: "^(a$"}), authorityLine, "parsing"},
	}
}

func trustFaults() map[string]fault {
	return map[string]fault{
		"missing trust root":            {first(func(a *gate.Authority) { a.Keyless.TrustRootRef = "gone" }), authorityLine, "there is no TrustRoot gone"},
		"missing log trust root":        {first(func(a *gate.Authority) { a.CTLog.TrustRootRef = "gone" }), authorityLine, "ctlog.trustRootRef: there is no TrustRoot gone"},
		"missing timestamp root":        {first(func(a *gate.Authority) { a.RFC3161Timestamp = &gate.RFC3161Timestamp{TrustRootRef: "gone"} }), authorityLine, "rfc3161timestamp.trustRootRef: there is no"},
		"log that asks for nothing":     {first(func(a *gate.Authority) { a.CTLog = &gate.CTLog{} }), authorityLine, "neither url nor trustRootRef"},
		"timestamp without a root":      {first(func(a *gate.Authority) { a.RFC3161Timestamp = &gate.RFC3161Timestamp{} }), authorityLine, "no trustRootRef"},
		"another Fulcio":                {first(func(a *gate.Authority) { a.Keyless.TrustRootRef, a.Keyless.URL = "", "https://fulcio.example.com" }), authorityLine, "without a trustRootRef"},
		"key of two sources":            {key(gate.KeyRef{Data: "x", KMS: "awskms://account/secret"}), authorityLine, "has 2 of them"},
		"key without a source":          {key(gate.KeyRef{}), authorityLine, "either data or file"},
		"key that is no PEM":            {key(gate.KeyRef{Data: "x"}), authorityLine, "no PEM public key"},
		"private key":                   {key(gate.KeyRef{Data: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}), authorityLine, "a private key does not belong"},
		"unknown hash":                  {key(gate.KeyRef{Data: "x", HashAlgorithm: "md5"}), authorityLine, `hashAlgorithm is "md5"`},
		"key file outside":              {key(gate.KeyRef{File: "../key.pub"}), authorityLine, "escapes"},
		"key file that is not there":    {key(gate.KeyRef{File: "key.pub"}), authorityLine, "no such file"},
		"root without logs":             {keys(func(k *gate.SigstoreKeys) { k.TLogs = nil }), authorityLine, "has no tLogs"},
		"root without certificate logs": {keys(func(k *gate.SigstoreKeys) { k.CTLogs = nil }), authorityLine, "has no ctLogs"},
		"root without certificates":     {keys(func(k *gate.SigstoreKeys) { k.CertificateAuthorities = nil }), authorityLine, "has no certificate authority"},
		"empty root":                    {keys(func(k *gate.SigstoreKeys) { *k = gate.SigstoreKeys{} }), "", "holds no certificate authority"},
		"root with a broken chain":      {keys(func(k *gate.SigstoreKeys) { k.CertificateAuthorities[0].CertChain = "!" }), "", "decoding base64"},
		"root with an empty chain":      {keys(func(k *gate.SigstoreKeys) { k.CertificateAuthorities[0].CertChain = "" }), "", "no PEM certificate"},
		"root with a reversed chain":    {keys(reverseChain), "", "not self-signed"},
		"root with another tree hash":   {keys(func(k *gate.SigstoreKeys) { k.TLogs[0].HashAlgorithm = "sha-1" }), "", `hashAlgorithm is "sha-1"`},
		"root with a broken log key":    {keys(func(k *gate.SigstoreKeys) { k.TLogs[0].PublicKey = "AAAA" }), "", "no PEM public key"},
		"root declared twice":           {func(c *Config) { c.TrustRoots = append(c.TrustRoots, c.TrustRoots[0]) }, "", "declared twice"},
		"root without content":          {func(c *Config) { c.TrustRoots[0].Spec = gate.TrustRootSpec{} }, "", "either sigstoreKeys or trustedRootFile"},
		"root file that is not there":   {func(c *Config) { c.TrustRoots[0].Spec = gate.TrustRootSpec{TrustedRootFile: "root.json"} }, "", "no such file"},
	}
}

// Each row breaks one thing of a configuration that is accepted, and names the
// reason and the line that the refusal must give.
func TestNew_UnsafeConfigurationIsRefused(t *testing.T) {
	rows := policyFaults()
	maps.Copy(rows, trustFaults())
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.verifier() // the same without the fault
			row.spoil(&w.config)
			_, err := New(w.config, w.registry)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.HasPrefix(err.Error(), row.line) || !strings.Contains(err.Error(), row.reason) {
				t.Fatalf("error %q, want %q and %q", err, row.line, row.reason)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a key's URI: %v", err)
			}
		})
	}
}

func glob(text string) func(*Config) {
	return func(c *Config) { c.Policies[0].Spec.Images[0].Glob = text }
}

func first(change func(*gate.Authority)) func(*Config) {
	return func(c *Config) { change(&c.Policies[0].Spec.Authorities[0]) }
}

func identity(one gate.Identity) func(*Config) {
	return first(func(a *gate.Authority) { a.Keyless.Identities = []gate.Identity{one} })
}

func key(ref gate.KeyRef) func(*Config) {
	return first(func(a *gate.Authority) { *a = gate.Authority{Key: &ref, At: a.At} })
}

func keys(change func(*gate.SigstoreKeys)) func(*Config) {
	return func(c *Config) { change(c.TrustRoots[0].Spec.SigstoreKeys) }
}

func reverseChain(k *gate.SigstoreKeys) {
	text, _ := base64.StdEncoding.DecodeString(k.TimestampAuthorities[0].CertChain)
	const end = "-----END CERTIFICATE-----\n"
	leaf, rest, _ := strings.Cut(string(text), end)
	k.TimestampAuthorities[0].CertChain = base64.StdEncoding.EncodeToString([]byte(rest + leaf + end))
}

func TestNew_EveryRefusalIsToldAtOnce(t *testing.T) {
	w := newWorld(t)
	w.config.Policies[0].Spec.Mode = "audit"
	w.config.Policies[0].Spec.Authorities[0].SignatureFormat = "v3"
	_, err := New(w.config, w.registry)
	if err == nil || !strings.Contains(err.Error(), "mode") || !strings.Contains(err.Error(), "signatureFormat") {
		t.Fatalf("error %v, want both faults", err)
	}
}

func TestNew_GlobsMatchAsInTheCluster(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("ab", 32)
	for _, row := range []struct {
		glob, repository string
		want             bool
	}{
		{"**", "registry.example.com/a/b", true},
		{"registry.example.com/*", "registry.example.com/a", true},
		{"registry.example.com/*", "registry.example.com/a/b", false},
		{"registry.example.com/**", "registry.example.com/a/b", true},
		{"registry.example.com/a@*", "registry.example.com/a", true},
		{"registry.example.com/a@*", "registry.example.com/ab", false},
		{"registry.example.com/a*", "registry.example.com/ab", true},
		{"registry.example.com:5000/a*", "registry.example.com:5000/a", true},
		{"registry.example.com:5000**", "registry.example.com:5000/a", true},
		{"registry.example.com/**", "registryXexample.com/a", false},
		{"registry.example.com/**", "evil.example.org/registry.example.com/a", false},
		{"*", "index.docker.io/library/nginx", true},
		{"*", "registry.example.com/a", false},
		{"*/*", "index.docker.io/team-a/app", true},
		{"*/*", "registry.example.com/a", false},
		{"*:*", "busybox", true},
		{"registry.example.com/a" + digest, "registry.example.com/a", true},
	} {
		expression, err := compileGlob(row.glob)
		if err != nil {
			t.Errorf("glob %s: %v", row.glob, err)
			continue
		}
		if got := expression.MatchString(row.repository + digest); got != row.want {
			t.Errorf("glob %s matches %s: %v, want %v", row.glob, row.repository, got, row.want)
		}
	}
}

func TestNew_AnchoredExpressionsAreAccepted(t *testing.T) {
	for _, expression := range []string{"^a$", "^(?:a|b)$", "^a$|^b$", "(^a$)", "^a.*b$", `\Aa\z`, "^(a|b)c$"} {
		if err := checkAnchored(expression); err != nil {
			t.Errorf("%s: %v", expression, err)
		}
	}
	for _, expression := range []string{"", "a", "^a", "a$", "^a|b$", "^a$|b", "(?m)^a$", "a^b$", `^a\$`, ".*", "^?a$"} {
		if err := checkAnchored(expression); err == nil {
			t.Errorf("%s is accepted", expression)
		}
	}
}

// Files that a policy names lie beside the policy.
func TestNew_FilesAreReadBesideThePolicy(t *testing.T) {
	w := newWorld(t)
	signer := newKey(t, "ecdsa-p256")
	text, _ := signer.PublicPEM()
	if err := os.MkdirAll(filepath.Join(w.config.Dir, "trust"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := w.sigstore.TrustedRootJSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"trust/key.pub": []byte(text), "trust/root.json": root} {
		if err := os.WriteFile(filepath.Join(w.config.Dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	at := plugin.Origin{File: "trust/gate.yaml", Line: 1}
	w.config.TrustRoots = []gate.TrustRoot{{Metadata: gate.Metadata{Name: "file"}, Spec: gate.TrustRootSpec{TrustedRootFile: "root.json"}, At: at}}
	authority := gate.Authority{Key: &gate.KeyRef{File: "key.pub"}, CTLog: &gate.CTLog{TrustRootRef: "file"}}
	w.require(authority)
	w.config.Policies[0].At = at
	image := w.image("a")
	w.sign(image, throwaway.Signer{Key: signer})
	checkAccepted(t, w.review(image), image.Digest)

	w.config.Limits.FileBytes = 10
	if _, err := New(w.config, w.registry); err == nil || !strings.Contains(err.Error(), "the limit fileBytes") {
		t.Errorf("a file beyond the limit: %v", err)
	}
}
