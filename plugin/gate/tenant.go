package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// TenantCredential names repositories for which the pull secret of a tenant's
// own namespace may be used.
type TenantCredential struct {
	// Host is "registry.example.com" or with a port.
	Host string `yaml:"host"`
	// Prefix limits it to repositories below it: "team-a/". Empty is all of the
	// host's.
	Prefix string `yaml:"prefix,omitempty"`
}

func (t TenantCredential) String() string { return t.Host + "/" + t.Prefix }

// checkPrefix refuses a prefix that does not end where a part of a path ends.
func (c checker) checkPrefix(field, prefix string) {
	if prefix != "" && (!strings.HasSuffix(prefix, "/") || strings.HasPrefix(prefix, "/") || strings.Contains(prefix, "//")) {
		c.bad(field, fmt.Sprintf("%q is no prefix of repositories", prefix), "write team-a/, with a slash at its end only: team-a would match team-abc too")
	}
}

func (c checker) checkTenantCredentials(entries []TenantCredential) {
	for i, entry := range entries {
		at := fmt.Sprintf("spec.tenantCredentials[%d]", i)
		c.host(at+".host", entry.Host)
		c.checkPrefix(at+".prefix", entry.Prefix)
		if strings.ContainsAny(entry.Prefix, "*?[") {
			c.bad(at+".prefix", fmt.Sprintf("%q looks like a glob", entry.Prefix), "write the prefix as it is; everything below it is meant")
		}
		if slices.Contains(entries[:i], entry) {
			c.bad(at, fmt.Sprintf("%s is there twice", entry), "keep one")
		}
	}
}

// combineTenantCredentials keeps what every gate with an opinion lists. Two
// entries of one host meet at the longer prefix.
func combineTenantCredentials(gates []Gate) []TenantCredential {
	var allowed []TenantCredential
	first := true
	for _, gate := range gates {
		entries := gate.Spec.TenantCredentials
		if entries == nil && !gate.Spec.Base {
			continue
		}
		if first {
			allowed, first = entries, false
			continue
		}
		allowed = meetTenantCredentials(allowed, entries)
	}
	allowed = slices.Clone(allowed)
	slices.SortFunc(allowed, func(a, b TenantCredential) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Prefix, b.Prefix))
	})
	return slices.Compact(allowed)
}

func meetTenantCredentials(mine, theirs []TenantCredential) []TenantCredential {
	var out []TenantCredential
	for _, one := range mine {
		for _, other := range theirs {
			switch {
			case one.Host != other.Host:
			case strings.HasPrefix(one.Prefix, other.Prefix):
				out = append(out, one)
			case strings.HasPrefix(other.Prefix, one.Prefix):
				out = append(out, other)
			}
		}
	}
	return out
}
