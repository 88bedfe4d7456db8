package gate

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
)

// A permission is what every gate with an opinion allows. A base gate always
// has one: what it does not list, it does not allow.

// combineHosts intersects the hosts of chart dependencies.
func combineHosts(gates []Gate) []string {
	var allowed []string
	first := true
	for _, gate := range gates {
		hosts := gate.Spec.Charts.Hosts
		if hosts == nil && !gate.Spec.Base {
			continue
		}
		if first {
			allowed, first = slices.Clone(hosts), false
			continue
		}
		allowed = slices.DeleteFunc(allowed, func(host string) bool { return !slices.Contains(hosts, host) })
	}
	return sorted(allowed)
}

// combineRegistries intersects how hosts may be reached. Entries of one host
// meet at the longer prefix.
func combineRegistries(gates []Gate) []Registry {
	var allowed []Registry
	first := true
	for _, gate := range gates {
		registries := gate.Spec.Registries
		if registries == nil && !gate.Spec.Base {
			continue
		}
		if first {
			allowed, first = registries, false
			continue
		}
		allowed = meetRegistries(allowed, registries)
	}
	allowed = slices.Clone(allowed)
	slices.SortFunc(allowed, func(a, b Registry) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Prefix, b.Prefix))
	})
	return allowed
}

// Locate resolves a file that the entry names; empty stays empty.
func (r Registry) Locate(file string) string { return relativeTo(r.At.File, file) }

// relativeTo resolves a file that another one names.
func relativeTo(from, file string) string {
	if file == "" || path.IsAbs(file) {
		return file
	}
	return path.Join(path.Dir(from), file)
}

// credential says where the credential is, never what it is.
func (r Registry) credential() string {
	if r.Credentials == nil {
		return ""
	}
	var parts []string
	for _, part := range []struct{ name, value string }{
		{"dockerConfig", r.Locate(r.Credentials.DockerConfig)}, {"usernameFile", r.Locate(r.Credentials.UsernameFile)},
		{"passwordFile", r.Locate(r.Credentials.PasswordFile)}, {"keychain", r.Credentials.Keychain},
	} {
		if part.value != "" {
			parts = append(parts, part.name+" "+part.value)
		}
	}
	return strings.Join(parts, ", ")
}

func meetRegistries(mine, theirs []Registry) []Registry {
	var out []Registry
	done := map[string]bool{}
	for _, entry := range slices.Concat(mine, theirs) {
		one, inMine := covering(mine, entry.Host, entry.Prefix)
		other, inTheirs := covering(theirs, entry.Host, entry.Prefix)
		if key := entry.Host + "/" + entry.Prefix; inMine && inTheirs && !done[key] {
			done[key] = true
			out = append(out, meetRegistry(one, other, entry.Prefix))
		}
	}
	return out
}

// covering is the entry that is used for repositories below a prefix.
func covering(registries []Registry, host, prefix string) (Registry, bool) {
	var best Registry
	found := false
	for _, registry := range registries {
		if registry.Host == host && strings.HasPrefix(prefix, registry.Prefix) && (!found || len(registry.Prefix) > len(best.Prefix)) {
			best, found = registry, true
		}
	}
	return best, found
}

// meetRegistry allows what both allow. Two different credentials, or two
// different CAs, are a conflict that [Combine] has reported before.
func meetRegistry(one, other Registry, prefix string) Registry {
	out := Registry{Host: one.Host, Prefix: prefix, Private: one.Private && other.Private, PlainHTTP: one.PlainHTTP && other.PlainHTTP, At: one.At}
	// When no mirror is left that both allow, the registry client refuses it.
	out.MirrorsOnly = one.MirrorsOnly || other.MirrorsOnly
	if one.Locate(one.CA) == other.Locate(other.CA) {
		out.CA = one.CA
	}
	if one.credential() == other.credential() {
		out.Credentials = one.Credentials
	}
	for _, mirror := range one.Mirrors {
		if slices.Contains(other.Mirrors, mirror) {
			out.Mirrors = append(out.Mirrors, mirror)
		}
	}
	return out
}

// combineNamespaces joins the descriptions. That an application owns its
// namespace is a permission; the labels are facts, which may not differ.
func combineNamespaces(gates []Gate) []Namespace {
	byName := map[string]Namespace{}
	for _, gate := range gates {
		for _, namespace := range gate.Spec.Namespaces {
			known, twice := byName[namespace.Name]
			if twice && len(namespace.Labels) == 0 {
				namespace.Labels = known.Labels
			}
			byName[namespace.Name] = namespace
		}
	}
	var out []Namespace
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		namespace := byName[name]
		namespace.Owned = owned(gates, name)
		out = append(out, namespace)
	}
	return out
}

func owned(gates []Gate, name string) bool {
	yes := false
	for _, gate := range gates {
		index := slices.IndexFunc(gate.Spec.Namespaces, func(n Namespace) bool { return n.Name == name })
		switch {
		case index >= 0 && gate.Spec.Namespaces[index].Owned:
			yes = true
		case index >= 0 || gate.Spec.Base:
			return false
		}
	}
	return yes
}
