package notation

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"

	"github.com/assay-gitops/assay/plugin"
)

// Config is what a gate says about Notation.
type Config struct {
	// File is the trust policy document's name, for messages, and Data its bytes.
	File string
	Data []byte
	// Store holds x509/ca, x509/signingAuthority and x509/tsa.
	Store fs.FS
	// Hosts are the revocation services that may be asked: "ocsp.example.com".
	Hosts []string
	// Transport reaches them, under the rules of the registry client; nil
	// reaches none.
	Transport http.RoundTripper
	// Limits bound what is read and asked.
	Limits plugin.Limits
	// Clock gives the time for certificates without a timestamp and for the end
	// of signatures. Answers about revocation are dated by the system's clock, as
	// they are made now.
	Clock func() time.Time
}

// The words of the trust policy specification.
const (
	wildcard        = "*"
	identitySubject = "x509.subject:"
)

// Statement is one statement of a trust policy document: for which repositories
// whose signatures count.
type Statement struct {
	// Name is the statement's, and At where it stands.
	Name string
	At   plugin.Origin
	// Warnings are options that accept more than their author may think.
	Warnings []plugin.Finding

	declared trustpolicy.TrustPolicy
	enforce  map[trustpolicy.ValidationType]trustpolicy.ValidationAction
	// others are the repositories that another statement is about, which a
	// wildcard leaves to it.
	others     map[string]bool
	scopes     map[string]bool
	stores     stores
	revocation *revocation
	limits     plugin.Limits
	clock      func() time.Time
}

// Load reads the document and the trust stores that it names. All that is wrong
// is reported together, each with file and line.
func Load(config Config) ([]*Statement, error) {
	read, err := readDocument(config.File, config.Data)
	if err != nil {
		return nil, err
	}
	if err := validate(read); err != nil {
		return nil, err
	}
	asks := newRevocation(config)
	loader := storeLoader{fsys: config.Store, limits: config.Limits, loaded: map[string]store{}}
	var statements []*Statement
	var problems []error
	for i, declared := range read.TrustPolicies {
		statement := &Statement{
			Name: declared.Name, At: read.at(fmt.Sprintf("trustPolicies[%d]", i)),
			declared: declared, limits: config.Limits, clock: config.Clock, revocation: asks,
		}
		if err := statement.compile(&loader); err != nil {
			problems = append(problems, placed(statement.At, fmt.Errorf("trust policy %q: %w", declared.Name, err)))
		}
		statements = append(statements, statement)
	}
	problems = append(problems, divide(statements))
	return statements, errors.Join(problems...)
}

// validate asks notation-go about each statement by itself, so that its line can
// be told, and then about the whole.
func validate(read document) error {
	var problems []error
	for i, declared := range read.TrustPolicies {
		alone := trustpolicy.Document{Version: read.Version, TrustPolicies: []trustpolicy.TrustPolicy{declared}}
		if err := alone.Validate(); err != nil {
			problems = append(problems, placed(read.at(fmt.Sprintf("trustPolicies[%d]", i)), err))
		}
	}
	if len(problems) == 0 {
		if err := read.Validate(); err != nil {
			problems = append(problems, placed(read.at(""), err))
		}
	}
	return errors.Join(problems...)
}

func (s *Statement) compile(loader *storeLoader) error {
	level, err := s.declared.SignatureVerification.GetVerificationLevel()
	if err != nil {
		return err
	}
	s.enforce = level.Enforcement
	if err := s.checkLevel(level.Name); err != nil {
		return err
	}
	if err := s.checkIdentities(); err != nil {
		return err
	}
	if s.stores, err = loader.load(s.declared.TrustStores); err != nil {
		return err
	}
	return s.checkStores()
}

// checkLevel refuses what would take anybody's signature, or none. A level is
// never given another meaning than notation gives it.
func (s *Statement) checkLevel(name string) error {
	switch {
	case name == trustpolicy.LevelSkip.Name:
		return errors.New(`the level skip verifies nothing, and a gate never tells such an image as verified; take the statement out and accept its images by a ClusterImagePolicy with static: pass, or write the level strict`)
	case s.enforce[trustpolicy.TypeIntegrity] != trustpolicy.ActionEnforce, s.enforce[trustpolicy.TypeAuthenticity] != trustpolicy.ActionEnforce:
		return fmt.Errorf("the level %s only logs who signed, so anybody's signature would do; write the level strict or permissive, without an override of authenticity", name)
	}
	for _, check := range []trustpolicy.ValidationType{trustpolicy.TypeExpiry, trustpolicy.TypeAuthenticTimestamp, trustpolicy.TypeRevocation} {
		if action := s.enforce[check]; action != trustpolicy.ActionEnforce {
			s.warn("gate/notation-lenient", fmt.Sprintf("the check %s is set to %s, and denies nothing", check, action), "write the level strict, without an override of "+string(check))
		}
	}
	return nil
}

func (s *Statement) checkIdentities() error {
	for _, identity := range s.declared.TrustedIdentities {
		switch {
		case identity == wildcard:
			s.warn("gate/notation-anybody", `trustedIdentities "*" accepts every certificate of the trust store's authorities`, "write the subject: x509.subject: C=..., ST=..., O=..., CN=...")
		case !strings.HasPrefix(identity, identitySubject):
			return fmt.Errorf("trusted identity %q: only %s is read here, any other kind needs a plugin of notation's; assay runs none", identity, identitySubject)
		}
	}
	return nil
}

func (s *Statement) checkStores() error {
	if len(s.stores.of(truststore.TypeCA))+len(s.stores.of(truststore.TypeSigningAuthority)) == 0 {
		return errors.New("it names a tsa trust store only, so no signature could be trusted; add a ca or a signingAuthority")
	}
	if s.declared.SignatureVerification.VerifyTimestamp != "" && len(s.stores.of(truststore.TypeTSA)) == 0 {
		return errors.New("verifyTimestamp is set and no tsa trust store is named: notation would not ask for a timestamp then, although the policy looks as if it did")
	}
	return nil
}

func (s *Statement) warn(rule, message, hint string) {
	s.Warnings = append(s.Warnings, plugin.Finding{
		Rule: rule, Level: plugin.Warn, Origin: s.At, Message: fmt.Sprintf("Notation trust policy %q: %s", s.Name, message), Hint: hint,
	})
}

// dockerHub are the spellings of one host; images are known by the first.
func dockerHub() [2]string { return [2]string{"index.docker.io/", "docker.io/"} }

// normal is a scope as image references spell their repository.
func normal(scope string) string {
	if path, isHub := strings.CutPrefix(scope, dockerHub()[1]); isHub {
		return dockerHub()[0] + path
	}
	return scope
}

// divide says which repositories are whose. notation-go has refused one scope in
// two statements; two spellings of one are refused here.
func divide(statements []*Statement) error {
	owners := map[string]*Statement{}
	var problems []error
	for _, statement := range statements {
		statement.scopes, statement.others = map[string]bool{}, map[string]bool{}
		for _, scope := range statement.declared.RegistryScopes {
			name := normal(scope)
			if owner := owners[name]; owner != nil {
				problems = append(problems, placed(statement.At, fmt.Errorf("trust policy %q: the registry scope %s is that of the statement %q, too", statement.Name, scope, owner.Name)))
			}
			owners[name], statement.scopes[name] = statement, true
		}
	}
	for _, statement := range statements {
		for name, owner := range owners {
			statement.others[name] = owner != statement && name != wildcard
		}
	}
	return errors.Join(problems...)
}

// Covers reports whether the statement is about a repository: it names it, or
// is the wildcard's and no other statement does.
func (s *Statement) Covers(repository string) bool {
	return s.scopes[repository] || s.scopes[wildcard] && !s.others[repository]
}

// Stores are the trust stores by name, for evidence: "ca:acme,tsa:acme-tsa".
func (s *Statement) Stores() string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(s.declared.TrustStores))), ",")
}

// Ended names a trust store, all of whose certificates are past their validity:
// what is signed today cannot be verified by it.
func (s *Statement) Ended(at time.Time) (string, bool) {
	for _, name := range s.declared.TrustStores {
		certificates := s.stores[name]
		if len(certificates) > 0 && !slices.ContainsFunc(certificates, func(c certificate) bool { return !at.After(c.NotAfter) }) {
			return name, true
		}
	}
	return "", false
}
