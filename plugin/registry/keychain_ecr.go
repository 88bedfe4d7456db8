//go:build cloud

package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
)

// ecrKeychain asks AWS for a registry token, as whoever the process is to AWS:
// environment, shared configuration, web identity, or the machine's role.
type ecrKeychain struct{ clock func() time.Time }

// ecrHost is a private registry of Amazon ECR; its groups are "-fips" and the
// region. The region's form matters: a bucket of S3 may be named so that its
// host has ".dkr.ecr." in it and ends in amazonaws.com, too.
var ecrHost = regexp.MustCompile(`^[0-9]{12}\.dkr[.-]ecr(-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)\.(?:amazonaws\.(?:com|com\.cn|eu)|on\.(?:aws|amazonwebservices\.com\.cn))$`)

// ecrPublicHost is Amazon's public gallery, and ecrPublicRegion the only one
// that gives tokens for it (Amazon ECR Public, registry authentication).
const (
	ecrPublicHost   = "public.ecr.aws"
	ecrPublicRegion = "us-east-1"
)

// Covers the private registries of Amazon ECR and its public gallery.
func (ecrKeychain) Covers(host string) bool {
	return host == ecrPublicHost || ecrHost.MatchString(host)
}

// Credential is a registry token for the region that the host names. AWS gives
// it a life of twelve hours.
func (k ecrKeychain) Credential(ctx context.Context, host string) (Credential, time.Duration, error) {
	token, ends, err := ecrToken(ctx, host)
	if err != nil {
		return Credential{}, 0, fmt.Errorf("asking AWS for a token for %s: %w", host, err)
	}
	if token == nil || ends == nil {
		return Credential{}, 0, fmt.Errorf("asking AWS for a token for %s: the answer holds no token", host)
	}
	text, err := base64.StdEncoding.DecodeString(*token)
	username, password, found := strings.Cut(string(text), ":")
	if err != nil || !found || password == "" {
		return Credential{}, 0, fmt.Errorf("asking AWS for a token for %s: the answer is not user:password in base64", host)
	}
	return Credential{Username: username, Password: password}, ends.Sub(k.clock()), nil
}

func ecrToken(ctx context.Context, host string) (*string, *time.Time, error) {
	if host == ecrPublicHost {
		settings, err := config.LoadDefaultConfig(ctx, config.WithRegion(ecrPublicRegion))
		if err != nil {
			return nil, nil, err
		}
		got, err := ecrpublic.NewFromConfig(settings).GetAuthorizationToken(ctx, &ecrpublic.GetAuthorizationTokenInput{})
		if err != nil || got.AuthorizationData == nil {
			return nil, nil, err
		}
		return got.AuthorizationData.AuthorizationToken, got.AuthorizationData.ExpiresAt, nil
	}
	parts := ecrHost.FindStringSubmatch(host)
	if parts == nil {
		return nil, nil, errors.New("it is no registry of Amazon ECR")
	}
	options := []func(*config.LoadOptions) error{config.WithRegion(parts[2])}
	if parts[1] != "" {
		options = append(options, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, nil, err
	}
	got, err := ecr.NewFromConfig(settings).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil || len(got.AuthorizationData) == 0 {
		return nil, nil, err
	}
	return got.AuthorizationData[0].AuthorizationToken, got.AuthorizationData[0].ExpiresAt, nil
}
