package tree

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Hosts are those that artifacts may be fetched from. Who may write a source's
// status (an ExternalArtifact is written by whatever controller made it) would
// otherwise have the controller ask any address that it reaches. The zero value
// admits none.
type Hosts struct {
	exact, suffixes []string
}

// DefaultHosts are the Services beside Flux's controllers, where flux install
// and flux bootstrap put them: source-controller, its shards, source-watcher.
func DefaultHosts() []string { return []string{"*.flux-system.svc.cluster.local"} }

// ParseHosts reads names of hosts, without ports: each the whole name or address
// of one, or "*." and the end of names. Case and a dot at the end do not matter.
// An address is admitted by itself alone, never by the end of a name.
func ParseHosts(written []string) (Hosts, error) {
	var hosts Hosts
	if len(written) == 0 {
		return hosts, errors.New("no host is named")
	}
	for _, text := range written {
		name := plainHost(text)
		suffix, is := strings.CutPrefix(name, "*.")
		switch {
		case is && strings.Contains(suffix, ".") && len(validation.IsDNS1123Subdomain(suffix)) == 0:
			hosts.suffixes = append(hosts.suffixes, "."+suffix)
		case !is && (isAddress(name) || len(validation.IsDNS1123Subdomain(name)) == 0):
			hosts.exact = append(hosts.exact, name)
		default:
			return Hosts{}, fmt.Errorf("%q is neither the name nor the address of a host, nor *. and two parts of a name at least; leave scheme and port out", text)
		}
	}
	return hosts, nil
}

// HostOf is the host of "host:port", and of a URL.
func HostOf(address string) (string, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" {
		return "", fmt.Errorf("%q has no host", address)
	}
	return parsed.Hostname(), nil
}

// admits reports whether a host, as it stands in a URL, may be asked.
func (h Hosts) admits(host string) bool {
	name := plainHost(host)
	if slices.Contains(h.exact, name) {
		return true
	}
	return !isAddress(name) && slices.ContainsFunc(h.suffixes, func(suffix string) bool {
		return len(name) > len(suffix) && strings.HasSuffix(name, suffix)
	})
}

// String lists the hosts as they were written.
func (h Hosts) String() string {
	if len(h.exact)+len(h.suffixes) == 0 {
		return "none"
	}
	names := slices.Clone(h.exact)
	for _, suffix := range h.suffixes {
		names = append(names, "*"+suffix)
	}
	return strings.Join(names, ", ")
}

// plainHost writes one host in one way: in lower case, without the dot at its
// end and the brackets of an address.
func plainHost(host string) string {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if bare, bracketed := strings.CutPrefix(name, "["); bracketed {
		name = strings.TrimSuffix(bare, "]")
	}
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap().String()
	}
	return name
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// HostError is an artifact at a host that is none of [Options.Hosts]. Nothing was
// asked of it. It is about where the artifact is said to lie, not about what is
// in it, and lasts until that or the controller's configuration changes.
type HostError struct {
	// Host is as the source's status has it.
	Host  string
	hosts Hosts
}

func (e *HostError) Error() string {
	return fmt.Sprintf("fetching the source's artifact: its host %.200q is none that artifacts are fetched from (%s); "+
		"have the source's status.artifact name Flux's file server, or, where this is one, have the platform add the host to --source-hosts of assay-source", e.Host, e.hosts)
}
