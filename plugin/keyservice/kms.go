//go:build kms

package keyservice

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/aws"
	"github.com/sigstore/sigstore/pkg/signature/kms/azure"
	"github.com/sigstore/sigstore/pkg/signature/kms/gcp"
	"github.com/sigstore/sigstore/pkg/signature/kms/hashivault"
)

// Open makes the client of the URI's scheme. The library's own choice is not
// used: for a scheme that it does not know it looks for a program to run.
func Open(ctx context.Context, uri string) (signature.SignerVerifier, error) {
	switch scheme(uri) {
	case "awskms":
		return aws.LoadSignerVerifier(ctx, uri)
	case "azurekms":
		return azure.LoadSignerVerifier(ctx, uri)
	case "gcpkms":
		return gcp.LoadSignerVerifier(ctx, uri)
	case "hashivault":
		return hashivault.LoadSignerVerifier(uri, crypto.SHA256)
	}
	return nil, errors.New("there is no client for it")
}

// Check refuses what names no key, before anybody is asked.
func Check(uri string) error {
	var err error
	switch scheme(uri) {
	case "awskms":
		err = aws.ValidReference(uri)
	case "azurekms":
		err = azure.ValidReference(uri)
	case "gcpkms":
		err = gcp.ValidReference(uri)
	case "hashivault":
		err = hashivault.ValidReference(uri)
	default:
		err = errors.New("begin with awskms://, azurekms://, gcpkms:// or hashivault://")
	}
	if err != nil {
		return fmt.Errorf("%s names no key: %w", plugin.RedactURL(uri), err)
	}
	return nil
}

func scheme(uri string) string {
	name, _, _ := strings.Cut(uri, "://")
	return name
}
