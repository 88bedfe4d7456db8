package registry

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// reach says who may be talked to at an address.
type reach int

const (
	reachNever   reach = iota // link-local, metadata services, multicast
	reachPrivate              // only hosts that are listed as private
	reachPublic
)

// reachOf classifies an address (IANA special-purpose address registries).
// IPv6 addresses that carry an IPv4 address are judged by it.
func reachOf(ip netip.Addr) reach {
	ip = ip.Unmap().WithZone("")
	if carried, ok := carriedIPv4(ip); ok {
		ip = carried
	}
	switch {
	case !ip.IsValid(), ip.IsUnspecified(), ip.IsMulticast(), ip.IsLinkLocalUnicast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return reachNever
	case slices.Contains([]string{"fd00:ec2::254", "100.100.100.200", "192.0.0.192"}, ip.String()):
		return reachNever // metadata services outside of the link-local range
	case ip.IsLoopback(), ip.IsPrivate():
		return reachPrivate
	}
	for _, prefix := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(prefix).Contains(ip) {
			return reachPrivate
		}
	}
	return reachPublic
}

// carriedIPv4 is the address inside NAT64 (RFC 6052) and 6to4 (RFC 3056)
// addresses, and inside the deprecated IPv4-compatible ones.
func carriedIPv4(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() {
		return ip, false
	}
	b := ip.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip), netip.MustParsePrefix("64:ff9b:1::/48").Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case netip.MustParsePrefix("::/96").Contains(ip) && !ip.IsLoopback() && !ip.IsUnspecified():
		return netip.AddrFrom4([4]byte(b[12:16])), true
	}
	return ip, false
}

// doors are the HTTP transports of a client: one for all hosts, and one more
// for each host with certificate authorities of its own.
type doors struct {
	client  *Client
	common  *http.Transport
	byHost  map[string]*http.Transport
	proxies sync.Map // addresses of proxies that were chosen
}

func newDoors(client *Client) *doors {
	d := &doors{client: client, byHost: map[string]*http.Transport{}}
	d.common = d.transport(nil)
	for host, rules := range client.hosts {
		if rules.roots != nil {
			d.byHost[host] = d.transport(&tls.Config{RootCAs: rules.roots, MinVersion: tls.VersionTLS12})
		}
	}
	return d
}

// mostIdle bounds the connections that wait for another request, those to all
// hosts together: an author may name thousands of them.
const mostIdle = 256

func (d *doors) transport(config *tls.Config) *http.Transport {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport := &http.Transport{
		DialContext: d.dial, TLSClientConfig: config, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: int(d.client.limits.RequestsPerHost), IdleConnTimeout: 90 * time.Second,
		MaxIdleConns:        mostIdle,
		TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 256 << 10,
		DisableCompression: true, // bytes are hashed as they come, and nothing inflates
	}
	if d.client.options.Proxy != nil {
		transport.Proxy = d.proxy
	}
	return transport
}

// Transport sends requests to hosts that are no registries under the same rules:
// public addresses alone, unless the gate lists the host as private, checked when
// the connection is made. It shows no credential, and follows no redirect.
func (c *Client) Transport() http.RoundTripper { return c.doors }

// RoundTrip sends one request through the host's own door.
func (d *doors) RoundTrip(request *http.Request) (*http.Response, error) {
	if transport, found := d.byHost[request.URL.Host]; found {
		return transport.RoundTrip(request)
	}
	return d.common.RoundTrip(request)
}

func (d *doors) proxy(request *http.Request) (*url.URL, error) {
	proxy, err := d.client.options.Proxy(request)
	if err != nil || proxy == nil {
		return proxy, err
	}
	if ip, err := netip.ParseAddr(strings.Trim(request.URL.Hostname(), "[]")); err == nil {
		if err := d.client.mayReach(request.URL.Host, ip); err != nil {
			return nil, err
		}
	}
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
	}
	d.proxies.Store(net.JoinHostPort(proxy.Hostname(), port), true)
	return proxy, nil
}

// dial connects. The address is checked after the name was looked up, so that
// a name cannot change its mind between check and use.
func (d *doors) dial(ctx context.Context, network, address string) (net.Conn, error) {
	_, toProxy := d.proxies.Load(address)
	dialer := &net.Dialer{
		Timeout: 10 * time.Second, KeepAlive: 30 * time.Second,
		ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			if toProxy {
				return nil
			}
			to, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return fmt.Errorf("checking address %s: %w", resolved, err)
			}
			return d.client.mayReach(address, to.Addr())
		},
	}
	return dialer.DialContext(ctx, network, address)
}

// mayReach refuses addresses that the host may not have.
func (c *Client) mayReach(host string, ip netip.Addr) error {
	kind := reachOf(ip)
	rules := c.rulesOf(host)
	private := rules != nil && rules.private || rules == nil && c.options.AllowLoopback && ip.Unmap().IsLoopback()
	if kind == reachPublic || kind == reachPrivate && private {
		return nil
	}
	refusal := &plugin.Refusal{
		Rule: "registry/private-address", Message: fmt.Sprintf("host %s has the address %s, which is not public", host, ip),
		Why:  "an image reference must not be a way to reach services inside the network",
		Hint: "list the host under the gate's registries with private: true if it is a registry of your own",
	}
	if kind == reachNever {
		refusal.Message = fmt.Sprintf("host %s has the address %s, at which no registry is ever asked", host, ip)
		refusal.Hint = "link-local, metadata and multicast addresses cannot be allowed; use another name for the registry"
	}
	return refusal
}

// rulesOf finds a host's rules by "host:port"; ports that are the default of a
// scheme may be missing in the gate.
func (c *Client) rulesOf(host string) *rules {
	for _, name := range spellings(host) {
		if rules, found := c.hosts[name]; found {
			return rules
		}
	}
	return nil
}

// spellings are the names under which a gate may list a host.
func spellings(host string) []string {
	if bare, port, err := net.SplitHostPort(host); err == nil && (port == "443" || port == "80") {
		return []string{host, bare, "[" + bare + "]"}
	}
	return []string{host}
}
