package live

import (
	"cmp"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Options say which cluster, and what of it.
type Options struct {
	// Kubeconfig is a file; empty takes KUBECONFIG, the user's own file, or where
	// there is none the cluster that the process runs in, as kubectl does.
	Kubeconfig string
	// Context is one of that file; empty takes its current one.
	Context string
	// Namespaces are those that are read; none means all of them.
	Namespaces []string
	// Timeout bounds each request; zero is 30 seconds.
	Timeout time.Duration
}

const (
	// requestTimeout bounds one request: a page of 250 objects takes well under a
	// second of a server that is well.
	requestTimeout = 30 * time.Second
	// perSecond and atOnce bound the requests: people share the server.
	perSecond, atOnce = 20, 40
)

// Cluster is a connection to one.
type Cluster struct {
	// Host is the server's address.
	Host string

	options  Options
	client   dynamic.Interface
	requests atomic.Int64
}

// Connect reads the kubeconfig. Nothing is asked yet.
func Connect(options Options) (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = options.Kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: options.Context}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w; name a file with --kubeconfig and a context with --context", err)
	}
	return connect(config, options)
}

func connect(config *rest.Config, options Options) (*Cluster, error) {
	config.Timeout = cmp.Or(options.Timeout, requestTimeout)
	config.QPS, config.Burst = perSecond, atOnce
	config.WarningHandler = rest.NoWarnings{}
	config.UserAgent = "assay-migrate"
	c := &Cluster{Host: config.Host, options: options}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &counting{next, &c.requests} })
	var err error
	if c.client, err = dynamic.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	return c, nil
}

// Requests counts what was asked so far.
func (c *Cluster) Requests() int { return int(c.requests.Load()) }

// counting counts requests.
type counting struct {
	next  http.RoundTripper
	count *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	c.count.Add(1)
	return c.next.RoundTrip(request)
}
