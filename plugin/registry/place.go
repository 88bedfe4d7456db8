package registry

import (
	"context"
	"errors"

	"github.com/google/go-containerregistry/pkg/name"
)

// place is where a repository is found: a session and a path there.
type place struct {
	session *session
	path    string
}

// place finds the origin of a repository in normal form: under the credential
// of the tenant for whom is asked where the gate lists it, else the gate's own.
func (c *Client) place(ctx context.Context, repository string) (place, error) {
	host, path, err := parseRepository(repository)
	if err != nil {
		return place{}, err
	}
	if from, its := c.tenantSource(ctx, host, path); its {
		return place{session: c.sessionBy(from, host), path: path}, nil
	}
	session, err := c.session(host, path)
	return place{session: session, path: path}, err
}

func parseRepository(repository string) (host, path string, err error) {
	parsed, err := name.NewRepository(repository, name.WeakValidation)
	if err != nil {
		return "", "", invalidName(repository, err)
	}
	if !pathForm.MatchString(parsed.RepositoryStr()) {
		// "team-a/../team-b" would be read with team-a's credential.
		return "", "", invalidName(repository, errors.New("its path is not as the OCI specification wants it"))
	}
	return parsed.RegistryStr(), parsed.RepositoryStr(), nil
}

// places are the mirrors of a repository, then its origin. Mirrors see the
// gate's credentials alone, also where a tenant's is used at the origin.
func (c *Client) places(origin place) ([]place, error) {
	rules := c.rulesOf(origin.session.host)
	if rules == nil || len(rules.mirrors) == 0 {
		return []place{origin}, nil
	}
	var all []place
	for _, mirror := range rules.mirrors {
		host, path, err := parseRepository(mirror + "/" + origin.path)
		if err != nil {
			return nil, err
		}
		session, err := c.session(host, path)
		if err != nil {
			return nil, err
		}
		all = append(all, place{session: session, path: path})
	}
	if rules.mirrorsOnly {
		return all, nil
	}
	return append(all, origin), nil
}
