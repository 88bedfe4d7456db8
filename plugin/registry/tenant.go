package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
)

// Tenant is whoever brings credentials of its own. They are used for the
// repositories that [Options.Tenants] lists and for no others, and what is read
// with them is known under no other name and no other credential. Its text
// forms show the name alone.
type Tenant struct {
	// Name tells tenants apart, and stands in messages: "team-a/pull" for a
	// Secret.
	Name        string
	Credentials []TenantCredential
	// Ignored says in words what of its configuration is not used.
	Ignored []string
}

// String is the tenant's name.
func (t Tenant) String() string { return t.Name }

// GoString hides the credentials from %#v.
func (t Tenant) GoString() string { return t.Name }

// Partition tells the tenant with these credentials apart from every other. It
// is a hash that who knows it could try guesses on: it is for keys in memory,
// never for a text.
func (t Tenant) Partition() string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q", t.Name)
	for _, each := range t.Credentials {
		fmt.Fprintf(sum, "%q %q %q", each.Host, each.Prefix, staticSource(each.Credential).id)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// TenantCredential is one credential and what it is for.
type TenantCredential struct {
	Repositories
	Credential Credential
}

// Repositories are those of one host, below a prefix.
type Repositories struct {
	// Host is "registry.example.com", with a port when it is not the default.
	Host string
	// Prefix is "team-a/", or "team-a" for that repository too; empty is all.
	Prefix string
}

// covers reports whether a repository is one of them.
func (r Repositories) covers(host, path string) bool {
	below := r.Prefix == "" || strings.HasPrefix(path+"/", strings.TrimSuffix(r.Prefix, "/")+"/")
	return below && slices.Contains(spellings(host), r.Host)
}

// tenantRepositories checks the gate's list.
func tenantRepositories(written []Repositories) ([]Repositories, error) {
	var all []Repositories
	for _, entry := range written {
		host, err := name.NewRegistry(entry.Host, name.StrictValidation)
		if err != nil || entry.Host == "" {
			return nil, fmt.Errorf("reading where tenants' credentials are used: %q is not a host", entry.Host)
		}
		all = append(all, Repositories{Host: host.RegistryStr(), Prefix: strings.Trim(entry.Prefix, "/")})
	}
	return all, nil
}

// Visit is one run for a tenant.
type Visit struct {
	tenant Tenant
	mu     sync.Mutex
	// unlisted are repositories that the tenant has a credential for and no gate
	// lists.
	unlisted map[string]bool
}

type visitKey struct{}

// Visit returns a context in which clients use the tenant's credentials where
// they may, and what tells afterwards where they did not.
func (t Tenant) Visit(ctx context.Context) (context.Context, *Visit) {
	visit := &Visit{tenant: Tenant{Name: t.Name}, unlisted: map[string]bool{}}
	for _, each := range t.Credentials {
		if host, err := name.NewRegistry(each.Host); err == nil && !each.Credential.IsZero() {
			each.Host, each.Prefix = host.RegistryStr(), strings.Trim(each.Prefix, "/")
			visit.tenant.Credentials = append(visit.tenant.Credentials, each)
		}
	}
	return context.WithValue(ctx, visitKey{}, visit), visit
}

// String is the tenant's name: contexts print their values.
func (v *Visit) String() string { return v.tenant.Name }

// maxUnlisted bounds the repositories of one run that are noted.
const maxUnlisted = 1000

// Unlisted are the repositories, sorted, for which the tenant has a credential
// and that were looked at without it, as the gate does not list them.
func (v *Visit) Unlisted() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(maps.Keys(v.unlisted))
}

// credential is the tenant's for a repository: that with the longest prefix.
func (v *Visit) credential(host, path string) (Credential, bool) {
	var best TenantCredential
	found := false
	for _, each := range v.tenant.Credentials {
		if each.covers(host, path) && (!found || len(each.Prefix) > len(best.Prefix)) {
			best, found = each, true
		}
	}
	return best.Credential, found
}

// tenantSource is the credential of the tenant for whom is asked. There is none
// without a tenant, where it has none for the repository, and where the gate
// does not list the repository.
func (c *Client) tenantSource(ctx context.Context, host, path string) (source, bool) {
	visit, _ := ctx.Value(visitKey{}).(*Visit)
	if visit == nil {
		return source{}, false
	}
	credential, has := visit.credential(host, path)
	if !has {
		return source{}, false
	}
	if !slices.ContainsFunc(c.tenants, func(r Repositories) bool { return r.covers(host, path) }) {
		visit.mu.Lock()
		defer visit.mu.Unlock()
		if len(visit.unlisted) < maxUnlisted {
			visit.unlisted[host+"/"+path] = true
		}
		return source{}, false
	}
	from := staticSource(credential)
	from.tenant = visit.tenant.Name
	from.id = "tenant\x00" + visit.tenant.Name + "\x00" + from.id
	return from, true
}
