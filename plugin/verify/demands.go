package verify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/sigstore/sigstore-go/pkg/root"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// demands are what a signature has to prove besides being signed.
type demands struct {
	// sct asks for a signed certificate timestamp in the certificate.
	sct bool
	// log asks for an entry in a transparency log.
	log bool
	// stamp asks for a timestamp authority's time.
	stamp bool
	// key is set for signatures by a key, whose time does not matter.
	key bool
}

// options are the demands in sigstore-go's words. A certificate's time comes
// from the timestamp authority if one is demanded, else from the log (or a
// timestamp beside it, as the second version of Rekor gives no time), else it
// is now.
func (d demands) options() []sigstore.VerifierOption {
	options := []sigstore.VerifierOption{sigstore.WithoutStatementPredicate()}
	if d.sct {
		options = append(options, sigstore.WithSignedCertificateTimestamps(1))
	}
	if d.log {
		options = append(options, sigstore.WithTransparencyLog(1))
	}
	switch {
	case d.stamp:
		return append(options, sigstore.WithSignedTimestamps(1))
	case d.key:
		return append(options, sigstore.WithNoObserverTimestamps())
	case d.log:
		return append(options, sigstore.WithObserverTimestamps(1))
	}
	return append(options, sigstore.WithCurrentTime())
}

// setDemands has policy-controller's meaning for the older format: the log is
// asked for when ctlog is given, or for keyless without any trust root; a
// timestamp authority replaces it. For bundles the log is asked for whenever
// the trust root has one, as policy-controller does there.
func (c compiler) setDemands(a *authority, declared gate.Authority) error {
	parts, err := c.parts(declared)
	if err != nil {
		return err
	}
	a.parts = parts
	a.onLegacy = demands{key: declared.Key != nil, stamp: parts.stamps != nil}
	if declared.Keyless != nil {
		a.onLegacy.sct = !declared.Keyless.InsecureIgnoreSCT
	}
	a.onBundles = a.onLegacy
	if parts.stamps == nil {
		publicGood := declared.Keyless != nil && declared.Keyless.TrustRootRef == ""
		a.onLegacy.log = declared.CTLog != nil || publicGood
		a.onBundles.log = a.onLegacy.log || (declared.Keyless != nil && len(parts.logs.material.RekorLogs()) > 0)
	}
	return a.checkParts()
}

// trustParts are the trust roots of an authority, which may differ.
type trustParts struct {
	certificates, logs, stamps *trustRoot
}

func (c compiler) parts(declared gate.Authority) (trustParts, error) {
	var parts trustParts
	var certificates, logs, stamps error
	if declared.Keyless != nil {
		parts.certificates, certificates = c.certificateRoot(*declared.Keyless)
		parts.logs = parts.certificates
	}
	if declared.CTLog != nil {
		if declared.CTLog.URL == "" && declared.CTLog.TrustRootRef == "" {
			return parts, errors.New("ctlog has neither url nor trustRootRef: policy-controller would not ask for the log then, although the policy looks as if it did")
		}
		parts.logs, logs = c.root("ctlog.trustRootRef", declared.CTLog.TrustRootRef)
	}
	if declared.RFC3161Timestamp != nil {
		if declared.RFC3161Timestamp.TrustRootRef == "" && declared.SignatureFormat != "bundle" {
			return parts, errors.New("rfc3161timestamp has no trustRootRef: policy-controller would not ask for a timestamp then, although the policy looks as if it did")
		}
		parts.stamps, stamps = c.root("rfc3161timestamp.trustRootRef", declared.RFC3161Timestamp.TrustRootRef)
	}
	return parts, errors.Join(certificates, logs, stamps)
}

// publicFulcio is the only certificate authority that an empty trustRootRef
// can mean.
const publicFulcio = "https://fulcio.sigstore.dev"

func (c compiler) certificateRoot(keyless gate.KeylessRef) (*trustRoot, error) {
	if keyless.TrustRootRef == "" && keyless.URL != "" && keyless.URL != publicFulcio {
		return nil, fmt.Errorf("keyless.url is %s without a trustRootRef: its certificates would be checked against the public-good instance; name its TrustRoot", keyless.URL)
	}
	return c.root("keyless.trustRootRef", keyless.TrustRootRef)
}

func (c compiler) root(field, name string) (*trustRoot, error) {
	if name == "" {
		name = gate.PublicGood
	}
	if found := c.roots[name]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("%s: there is no TrustRoot %s; the configuration has %v", field, name, sortedNames(c.roots))
}

// checkParts refuses demands that the trust roots can never meet. Whatever the
// older format asks of the log, bundles do, too.
func (a *authority) checkParts() error {
	parts := a.parts
	switch {
	case parts.absent():
		return nil // it verifies nothing until there is a copy
	case parts.certificates != nil && len(parts.certificates.material.FulcioCertificateAuthorities()) == 0:
		return fmt.Errorf("TrustRoot %s has no certificate authority", parts.certificates.name)
	case a.onLegacy.sct && len(parts.certificates.material.CTLogs()) == 0:
		return fmt.Errorf("TrustRoot %s has no ctLogs to check certificate timestamps with; add them, or set insecureIgnoreSCT", parts.certificates.name)
	case a.onBundles.log && len(parts.logs.material.RekorLogs()) == 0:
		return fmt.Errorf("TrustRoot %s has no tLogs", parts.logs.name)
	case parts.stamps != nil && len(parts.stamps.material.TimestampingAuthorities()) == 0:
		return fmt.Errorf("TrustRoot %s has no timestampAuthorities", parts.stamps.name)
	}
	return nil
}

// material is what one verification may trust.
type material struct {
	root.BaseTrustedMaterial
	trustParts
	key root.TimeConstrainedVerifier
	// now, when set, is the time at which certificates are checked.
	now func() time.Time
}

func (m material) FulcioCertificateAuthorities() []root.CertificateAuthority {
	if m.certificates == nil {
		return nil
	}
	authorities := m.certificates.material.FulcioCertificateAuthorities()
	if m.now == nil {
		return authorities
	}
	var atNow []root.CertificateAuthority
	for _, authority := range authorities {
		atNow = append(atNow, fixedTime{authority, m.now})
	}
	return atNow
}

func (m material) CTLogs() map[string]*root.TransparencyLog {
	if m.certificates == nil {
		return nil
	}
	return m.certificates.material.CTLogs()
}

func (m material) RekorLogs() map[string]*root.TransparencyLog {
	if m.logs == nil {
		return nil
	}
	return m.logs.material.RekorLogs()
}

// TimestampingAuthorities are those demanded; without a demand the timestamps
// of the authority that also runs the log.
func (m material) TimestampingAuthorities() []root.TimestampingAuthority {
	switch {
	case m.stamps != nil:
		return m.stamps.material.TimestampingAuthorities()
	case m.logs != nil:
		return m.logs.material.TimestampingAuthorities()
	}
	return nil
}

// PublicKeyVerifier ignores the hint: which key may sign is the policy's word.
func (m material) PublicKeyVerifier(string) (root.TimeConstrainedVerifier, error) {
	if m.key == nil {
		return nil, errors.New("signed with a key, and the policy trusts certificates")
	}
	return m.key, nil
}

// fixedTime checks certificates at the caller's time instead of the system's.
type fixedTime struct {
	root.CertificateAuthority
	now func() time.Time
}

func (f fixedTime) Verify(certificate *x509.Certificate, _ time.Time) ([][]*x509.Certificate, error) {
	return f.CertificateAuthority.Verify(certificate, f.now())
}
