package notation

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/notaryproject/notation-go/verifier/truststore"

	"github.com/assay-gitops/assay/plugin"
)

type certificate = *x509.Certificate

// store is what one named trust store holds.
type store []certificate

// stores are trust stores by "type:name". They implement notation-go's
// truststore.X509TrustStore in memory.
type stores map[string]store

// GetCertificates implements truststore.X509TrustStore.
func (s stores) GetCertificates(_ context.Context, kind truststore.Type, name string) ([]*x509.Certificate, error) {
	certificates := s[string(kind)+":"+name]
	if len(certificates) == 0 {
		return nil, fmt.Errorf("there is no trust store %s:%s", kind, name)
	}
	return certificates, nil
}

// of are the certificates of all stores of one type.
func (s stores) of(kind truststore.Type) []certificate {
	var all []certificate
	for name, certificates := range s {
		if strings.HasPrefix(name, string(kind)+":") {
			all = append(all, certificates...)
		}
	}
	return all
}

// mostAuthorities bounds the certificates of one trust store.
const mostAuthorities = 1000

// storeLoader reads trust stores in Notation's layout, x509/TYPE/NAME/FILE.
type storeLoader struct {
	fsys   fs.FS
	limits plugin.Limits
	loaded map[string]store
}

func (l *storeLoader) load(names []string) (stores, error) {
	chosen := stores{}
	var problems []error
	for _, name := range names {
		if _, known := l.loaded[name]; !known {
			certificates, err := l.read(name)
			if err != nil {
				problems = append(problems, fmt.Errorf("trust store %s: %w", name, err))
			}
			l.loaded[name] = certificates
		}
		chosen[name] = l.loaded[name]
	}
	return chosen, errors.Join(problems...)
}

// read reads one store. Names that begin with a dot are passed over: they are
// the innards of a mounted ConfigMap.
func (l *storeLoader) read(name string) (store, error) {
	kind, named, _ := strings.Cut(name, ":") // notation-go has checked the form
	folder := path.Join("x509", kind, named)
	entries, err := fs.ReadDir(l.fsys, folder)
	if err != nil {
		return nil, fmt.Errorf("reading it: %w", err)
	}
	var all store
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		certificates, err := l.file(path.Join(folder, entry.Name()), truststore.Type(kind))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", entry.Name(), err)
		}
		if all = append(all, certificates...); len(all) > mostAuthorities {
			return nil, fmt.Errorf("it holds more than %d certificates", mostAuthorities)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the folder %s holds no certificate", folder)
	}
	return all, nil
}

// file reads the certificates of one file and holds them to notation's rules:
// authorities or self-signed, and roots alone for timestamps.
func (l *storeLoader) file(name string, kind truststore.Type) ([]certificate, error) {
	info, err := fs.Stat(l.fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("this is no regular file")
	}
	file, err := l.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(file, l.limits.FileBytes+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > l.limits.FileBytes:
		return nil, fmt.Errorf("it is larger than the limit fileBytes (%d bytes)", l.limits.FileBytes)
	}
	certificates, err := parseCertificates(data)
	if err != nil {
		return nil, err
	}
	if err := truststore.ValidateCertificates(certificates); err != nil {
		return nil, err
	}
	for _, one := range certificates {
		selfSigned := one.CheckSignatureFrom(one) == nil && bytes.Equal(one.RawSubject, one.RawIssuer)
		if kind == truststore.TypeTSA && !selfSigned {
			return nil, fmt.Errorf("the certificate of %q is no root, and a tsa trust store holds roots alone", one.Subject)
		}
	}
	return certificates, nil
}

// parseCertificates reads PEM, or DER of one or several certificates. A block
// that is no certificate is refused: it looks as if it counted.
func parseCertificates(data []byte) ([]certificate, error) {
	if block, _ := pem.Decode(data); block == nil {
		return x509.ParseCertificates(data)
	}
	var all []certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("it holds a PEM block of type %q", block.Type)
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
