package reports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin/report"
)

// Peers finds the addresses ("host:port") of the other sidecars that have a
// store.
type Peers func(ctx context.Context) ([]string, error)

const (
	// peerTime is what a peer gets to answer in.
	peerTime = 3 * time.Second
	// mostPeers bounds how many are asked.
	mostPeers = 64
	// headerPeer marks a question of a peer, who asks everybody itself.
	headerPeer = "Assay-Peer"
)

// isPeer reports whether only this sidecar's own store is asked.
func isPeer(r *http.Request) bool { return r.Header.Get(headerPeer) != "" }

// Headless finds the addresses behind the name of a headless Service, without
// this machine's own.
func Headless(hostPort string) (Peers, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil || host == "" || port == "" {
		return nil, fmt.Errorf("reading the name of the other sidecars: %q is no host:port", hostPort)
	}
	return func(ctx context.Context) ([]string, error) {
		ctx, cancel := context.WithTimeout(ctx, peerTime)
		defer cancel()
		found, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			return nil, err
		}
		own, err := net.InterfaceAddrs()
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(address string) bool {
			return slices.ContainsFunc(own, func(each net.Addr) bool {
				network, isNetwork := each.(*net.IPNet)
				return isNetwork && network.IP.Equal(net.ParseIP(address))
			})
		})
		slices.Sort(found)
		for i, address := range found {
			found[i] = net.JoinHostPort(address, port)
		}
		return slices.Compact(found), nil
	}, nil
}

// ask asks every peer the same question, all at once. Who does not answer is
// said, never left out; who knows nothing has answered.
func ask[T any](ctx context.Context, s *Server, path string, query url.Values) (answers []T, silent []Silent) {
	silent = []Silent{}
	if s.Peers == nil {
		return nil, silent
	}
	addresses, err := s.Peers(ctx)
	if err != nil {
		return nil, []Silent{{Address: "the other sidecars", Error: report.Neutral(err.Error())}}
	}
	if len(addresses) > mostPeers {
		silent = append(silent, Silent{Address: fmt.Sprintf("%d more sidecars", len(addresses)-mostPeers), Error: fmt.Sprintf("%d are asked at most", mostPeers)})
		addresses = addresses[:mostPeers]
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.PeerTime, peerTime))
	defer cancel()
	client := &http.Client{Transport: peerTransport{}, CheckRedirect: stay}
	told, problems := make([]T, len(addresses)), make([]error, len(addresses))
	var all sync.WaitGroup
	for i, address := range addresses {
		all.Go(func() {
			told[i], problems[i] = get[T](ctx, &Client{Base: "http://" + address, Token: s.Token, HTTP: client}, path, query)
		})
	}
	all.Wait()
	for i, address := range addresses {
		switch {
		case problems[i] == nil:
			answers = append(answers, told[i])
		case !errors.Is(problems[i], ErrUnknown):
			silent = append(silent, Silent{Address: address, Error: report.Neutral(problems[i].Error())})
		}
	}
	return answers, silent
}

// peerTransport marks a question as a peer's. No proxy stands between sidecars.
type peerTransport struct{}

func (peerTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set(headerPeer, "1")
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
}
