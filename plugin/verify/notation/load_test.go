package notation_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/assay-gitops/assay/plugin/verify/notation"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// Each row changes one thing of a document that is accepted.
func TestLoad_Refuses(t *testing.T) {
	for name, row := range map[string]struct{ old, with, want string }{
		"no JSON":                       {`"version": "1.0",`, `"version": "1.0"`, "trustpolicy.json:3: reading a Notation trust policy"},
		"something behind it":           {"\n}", "\n} {}", "behind the end"},
		"another version":               {`"1.0"`, `"2.0"`, "unsupported version"},
		"no statements":                 {`"trustPolicies": [`, `"trustPolicies": [], "x": [`, "unknown field"},
		"an unknown member":             {`"signatureVerification"`, `"signatureverifications"`, `trustpolicy.json:7: reading a Notation trust policy: json: unknown field "signatureverifications"`},
		"a blob policy's member":        {`"registryScopes": ["registry.example.com/team-a/app"]`, `"globalPolicy": true`, `trustpolicy.json:6: reading a Notation trust policy: json: unknown field "globalPolicy"`},
		"a member twice":                {`{"level": "strict"}`, `{"level": "strict", "Level": "skip"}`, `trustpolicy.json:7: reading a Notation trust policy: "Level" stands twice`},
		"a deep document":               {`"acme"`, strings.Repeat("[", 40) + strings.Repeat("]", 40), "more than 20 levels"},
		"skip":                          {`{"level": "strict"}` + ",\n      " + `"trustStores": ["ca:acme", "signingAuthority:acme-sa"],` + "\n      " + `"trustedIdentities": ["x509.subject: C=US, ST=WA, O=example, CN=builds"]`, `{"level": "skip"}`, `trustpolicy.json:4: trust policy "acme": the level skip verifies nothing`},
		"audit":                         {`"strict"`, `"audit"`, "the level audit only logs who signed"},
		"authenticity that is logged":   {`{"level": "strict"}`, `{"level": "strict", "override": {"authenticity": "log"}}`, "only logs who signed"},
		"integrity that is logged":      {`{"level": "strict"}`, `{"level": "strict", "override": {"integrity": "log"}}`, "can not be overridden"},
		"expiry that is skipped":        {`{"level": "strict"}`, `{"level": "strict", "override": {"expiry": "skip"}}`, "can not be skipped"},
		"an unknown level":              {`"strict"`, `"Strict"`, "invalid signature verification level"},
		"a trust store that is missing": {`"ca:acme"`, `"ca:other"`, "trust store ca:other: reading it"},
		"a trust store outside":         {`"ca:acme"`, `"ca:../acme"`, "unsupported trust store name"},
		"a trust store of no type":      {`"ca:acme"`, `"acme"`, "malformed trust store"},
		"a tsa trust store alone":       {`"ca:acme", "signingAuthority:acme-sa"`, `"tsa:acme-tsa"`, "names a tsa trust store only"},
		"a timestamp that none gives":   {`{"level": "strict"}`, `{"level": "strict", "verifyTimestamp": "always"}`, "no tsa trust store is named"},
		"a plugin's identity":           {`x509.subject: C`, `com.example.identity: C`, "any other kind needs a plugin"},
		"an identity without a country": {`C=US, `, ``, "invalid identity value"},
		"no identity":                   {`["x509.subject: C=US, ST=WA, O=example, CN=builds"]`, `[]`, "missing trust stores or trusted identities"},
		"no scope":                      {`["registry.example.com/team-a/app"]`, `[]`, "zero registry scopes"},
		"a scope with a wildcard":       {`team-a/app`, `team-a/*`, "wild card"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.replace(row.old, row.with)
			s.config.Data, s.config.Store = []byte(s.policy), s.store
			if _, err := notation.Load(s.config); err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), "trustpolicy.json") {
				t.Fatalf("%v, want %q", err, row.want)
			}
		})
	}
	newScene(t).load()
}

func TestLoad_RefusesTrustStoresThatAreNone(t *testing.T) {
	leafOf := func(s *scene) []byte {
		_, leaf := s.sign()
		return leaf.Raw
	}
	for name, row := range map[string]struct {
		arrange func(s *scene)
		want    string
	}{
		"an empty folder": {func(s *scene) {
			delete(s.store, "x509/ca/acme/root.pem")
			s.store["x509/ca/acme/.hidden"] = &fstest.MapFile{}
		}, "holds no certificate"},
		"a folder in it": {func(s *scene) { s.store["x509/ca/acme/more/root.pem"] = &fstest.MapFile{} }, "no regular file"},
		"no certificate": {func(s *scene) { s.store["x509/ca/acme/b.pem"] = &fstest.MapFile{Data: []byte("hello")} }, "reading b.pem"},
		"a private key": {func(s *scene) {
			s.store["x509/ca/acme/b.pem"] = &fstest.MapFile{Data: []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}
		}, `PEM block of type "PRIVATE KEY"`},
		"a signer's own":   {func(s *scene) { s.store["x509/ca/acme/b.crt"] = &fstest.MapFile{Data: leafOf(s)} }, "not a CA certificate or self-signed"},
		"a file too large": {func(s *scene) { s.config.Limits.FileBytes = 10 }, "larger than the limit fileBytes"},
		"a timestamp authority that is no root": {func(s *scene) {
			between, err := s.root.Under("between", notary.Validity{})
			s.withStamps()
			s.trust("tsa/acme-tsa", must(s.t, between, err))
		}, "is no root"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			row.arrange(s)
			s.config.Data, s.config.Store = []byte(s.policy), s.store
			if _, err := notation.Load(s.config); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("%v, want %q", err, row.want)
			}
		})
	}
}

// A trust store holds DER as well as PEM.
func TestLoad_ReadsDER(t *testing.T) {
	s := newScene(t)
	s.store["x509/ca/acme/root.pem"] = &fstest.MapFile{Data: s.root.Certificate.Raw}
	if _, err := s.check(); err != nil {
		t.Fatal(err)
	}
}

func TestLoad_WarnsOfWhatIsWide(t *testing.T) {
	for name, row := range map[string]struct{ old, with, want string }{
		"anybody":    {`x509.subject: C=US, ST=WA, O=example, CN=builds`, "*", "gate/notation-anybody"},
		"permissive": {`"strict"`, `"permissive"`, "gate/notation-lenient"},
		"skipped":    {`{"level": "strict"}`, `{"level": "strict", "override": {"revocation": "skip"}}`, "gate/notation-lenient"},
	} {
		s := newScene(t)
		s.replace(row.old, row.with)
		if warnings := s.load()[0].Warnings; len(warnings) == 0 || warnings[0].Rule != row.want || warnings[0].Origin.Line != 4 {
			t.Errorf("%s: %+v", name, warnings)
		}
	}
	if warnings := newScene(t).load()[0].Warnings; len(warnings) != 0 {
		t.Errorf("the twin: %+v", warnings)
	}
}

func TestCovers_TheNamedScopeComesBeforeTheWildcard(t *testing.T) {
	const both = `{"version": "1.0", "trustPolicies": [
		{"name": "named", "registryScopes": ["registry.example.com/team-a/app", "docker.io/library/nginx"], "signatureVerification": {"level": "strict"}, "trustStores": ["ca:acme"], "trustedIdentities": ["*"]},
		{"name": "rest", "registryScopes": ["*"], "signatureVerification": {"level": "strict"}, "trustStores": ["ca:acme"], "trustedIdentities": ["*"]}]}`
	s := newScene(t)
	s.policy = both
	statements := s.load()
	for repository, want := range map[string][2]bool{
		"registry.example.com/team-a/app":     {true, false},
		"registry.example.com/team-a/app/sub": {false, true},
		"registry.example.com/team-a":         {false, true},
		"index.docker.io/library/nginx":       {true, false},
	} {
		if got := [2]bool{statements[0].Covers(repository), statements[1].Covers(repository)}; got != want {
			t.Errorf("%s: %v, want %v", repository, got, want)
		}
	}
	s.replace(`"*"], "signatureVerification"`, `"index.docker.io/library/nginx"], "signatureVerification"`)
	s.config.Data = []byte(s.policy)
	if _, err := notation.Load(s.config); err == nil || !strings.Contains(err.Error(), "is that of the statement") {
		t.Errorf("two spellings of one scope: %v", err)
	}
}

func TestEnded_NamesATrustStoreThatVerifiesNothingMore(t *testing.T) {
	s := newScene(t)
	statement := s.load()[0]
	if name, ended := statement.Ended(time.Now()); ended {
		t.Errorf("%s has ended", name)
	}
	if name, ended := statement.Ended(time.Now().AddDate(2, 0, 0)); !ended || name != "ca:acme" {
		t.Errorf("%q, %v", name, ended)
	}
}
