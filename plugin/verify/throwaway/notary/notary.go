// Package notary makes signatures of the Notary Project for tests: throw-away
// authorities, signers, timestamps, and the service that tells whether a
// certificate was revoked. What it makes is what the tool notation makes; the
// keys are never written down.
package notary

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// Authority issues certificates.
type Authority struct {
	Certificate *x509.Certificate
	Key         *ecdsa.PrivateKey
	// chain leads from this authority to its root.
	chain []*x509.Certificate
}

// Validity is when a certificate is valid; the zero value is from a day ago to
// a year ahead.
type Validity struct{ From, Until time.Time }

func (v Validity) orNow() Validity {
	if v == (Validity{}) {
		return Validity{time.Now().Add(-24 * time.Hour).UTC(), time.Now().AddDate(1, 0, 0).UTC()}
	}
	return v
}

// Leaf is what a certificate that signs says.
type Leaf struct {
	// Name is the common name; organisation and country are fixed.
	Name string
	Validity
	// Timestamps makes it a timestamp authority's.
	Timestamps bool
	// OCSP and CRL are the addresses that it names for revocation.
	OCSP, CRL []string
}

// Signer holds a certificate that signs, its key, and its chain.
type Signer struct {
	Chain []*x509.Certificate
	Key   *ecdsa.PrivateKey
}

// serial is a number that no other certificate has.
func serial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
}

func subject(common string) pkix.Name {
	return pkix.Name{CommonName: common, Organization: []string{"example"}, Province: []string{"WA"}, Country: []string{"US"}}
}

// NewAuthority makes a self-signed authority.
func NewAuthority(common string, valid Validity) (*Authority, error) {
	return issueAuthority(common, valid, nil)
}

// Under makes an authority that this one certifies.
func (a *Authority) Under(common string, valid Validity) (*Authority, error) {
	return issueAuthority(common, valid, a)
}

func issueAuthority(common string, valid Validity, parent *Authority) (*Authority, error) {
	valid = valid.orNow()
	template := &x509.Certificate{
		Subject: subject(common), NotBefore: valid.From, NotAfter: valid.Until,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, IsCA: true, BasicConstraintsValid: true,
	}
	signer, err := issue(template, parent)
	if err != nil {
		return nil, err
	}
	return &Authority{Certificate: signer.Chain[0], Key: signer.Key, chain: signer.Chain}, nil
}

// Issue certifies somebody who signs images or timestamps.
func (a *Authority) Issue(leaf Leaf) (*Signer, error) {
	valid := leaf.orNow()
	template := &x509.Certificate{
		Subject: subject(leaf.Name), NotBefore: valid.From, NotAfter: valid.Until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		OCSPServer: leaf.OCSP, CRLDistributionPoints: leaf.CRL,
	}
	if leaf.Timestamps {
		// The usage of timestamp authorities has to be critical (RFC 3161, 2.3).
		value, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
		if err != nil {
			return nil, fmt.Errorf("certifying %s: %w", leaf.Name, err)
		}
		template.ExtKeyUsage = nil
		template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: value}}
	}
	return issue(template, a)
}

// issue makes a key and its certificate; without an issuer it signs itself.
func issue(template *x509.Certificate, issuer *Authority) (*Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certifying %s: %w", template.Subject.CommonName, err)
	}
	if template.SerialNumber, err = serial(); err != nil {
		return nil, fmt.Errorf("certifying %s: %w", template.Subject.CommonName, err)
	}
	parent, by := template, key
	var chain []*x509.Certificate
	if issuer != nil {
		parent, by, chain = issuer.Certificate, issuer.Key, issuer.chain
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		return nil, fmt.Errorf("certifying %s: %w", template.Subject.CommonName, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certifying %s: %w", template.Subject.CommonName, err)
	}
	return &Signer{Chain: append([]*x509.Certificate{certificate}, chain...), Key: key}, nil
}

// PEM is the authority's certificate, as a trust store holds it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate.Raw})
}
