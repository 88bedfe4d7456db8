package sandbox

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// authorities are the keys and certificates of one Sigstore.
type authorities struct {
	root, intermediate *x509.Certificate
	intermediateKey    *ecdsa.PrivateKey
	stamping           *x509.Certificate
	stampingKey        *ecdsa.PrivateKey
	logKey             *ecdsa.PrivateKey
	certificateLogKey  *ecdsa.PrivateKey
	tokenKey           *rsa.PrivateKey
}

// extendedKeyUsage is the extension of RFC 5280, 4.2.1.12; a timestamping
// certificate must carry it as critical (RFC 3161, 2.3).
var extendedKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

// timeStamping is id-kp-timeStamping (RFC 3161, 2.3).
var timeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}

func newAuthorities(organization string) (authorities, error) {
	var made authorities
	keys := make([]*ecdsa.PrivateKey, 5)
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return made, fmt.Errorf("making the authorities' keys: %w", err)
		}
		keys[i] = key
	}
	rootKey := keys[0]
	made.intermediateKey, made.stampingKey, made.logKey, made.certificateLogKey = keys[1], keys[2], keys[3], keys[4]

	var err error
	if made.tokenKey, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return made, fmt.Errorf("making the identity provider's key: %w", err)
	}
	rootTemplate := authorityTemplate(organization, "root", 1)
	if made.root, err = issue(rootTemplate, rootTemplate, &rootKey.PublicKey, rootKey); err != nil {
		return made, err
	}
	intermediate := authorityTemplate(organization, "intermediate", 0)
	intermediate.MaxPathLenZero = true
	intermediate.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	if made.intermediate, err = issue(intermediate, made.root, &made.intermediateKey.PublicKey, rootKey); err != nil {
		return made, err
	}
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{timeStamping})
	if err != nil {
		return made, fmt.Errorf("encoding the timestamping usage: %w", err)
	}
	stamping := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{Organization: []string{organization}, CommonName: "tsa"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: extendedKeyUsage, Critical: true, Value: usage}},
	}
	made.stamping, err = issue(stamping, made.root, &made.stampingKey.PublicKey, rootKey)
	return made, err
}

func authorityTemplate(organization, name string, pathLength int) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{Organization: []string{organization}, CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLen: pathLength,
	}
}

func issue(template, parent *x509.Certificate, public crypto.PublicKey, parentKey crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, parentKey)
	if err != nil {
		return nil, fmt.Errorf("issuing certificate %q: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

func serial() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // the random source of the operating system does not fail
	}
	return number
}

func certificatePEM(certificates ...*x509.Certificate) []byte {
	var out []byte
	for _, certificate := range certificates {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})...)
	}
	return out
}

// PublicPEM is a public key as PKIX PEM.
func PublicPEM(public crypto.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err) // keys of this package are of supported kinds
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
