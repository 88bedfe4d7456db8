package publish

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/netutil"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// mostConnections bounds consumers that are served at once.
	mostConnections = 512
	// longestAnswer is the time in which one file must have been read.
	longestAnswer = 5 * time.Minute
	// grace is how long answers may take that have begun when the server stops.
	grace = 10 * time.Second
)

// served is the path of a file that is served, and nothing else is: no folder,
// no lock, no half of a file.
var served = regexp.MustCompile(`^/externalartifact/[a-z0-9-]{1,63}/[a-z0-9.-]{1,253}/[0-9a-f]{64}\.tar\.gz$`)

// Server is the file server, which listens on "host:port" once it is started. It
// is to run on the elected replica alone, which has the files that the objects
// name: it implements controller-runtime's LeaderElectionRunnable.
func (s *Store) Server(listen string) manager.Runnable {
	return &server{store: s, listen: listen}
}

// Ready says why the file server does not listen; nil when it does. It is a
// healthz.Checker: a replica that was not elected is not ready, and its Service
// sends nobody to it.
func (s *Store) Ready(*http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.serving {
		return errNotServing
	}
	return nil
}

var errNotServing = errors.New("the file server does not listen: this replica is not elected, or is starting or stopping")

func (s *Store) serves(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving = yes
}

type server struct {
	store  *Store
	listen string
	// listening is told the address; nil tells nobody.
	listening func(net.Addr)
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*server) NeedLeaderElection() bool { return true }

// Start serves until the context ends; then answers that have begun may end.
func (s *server) Start(ctx context.Context) error {
	if err := s.store.Clean(); err != nil {
		return fmt.Errorf("starting the file server: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("starting the file server on %q: %w; name an address to listen on, such as \":9790\"", s.listen, err)
	}
	root, err := os.OpenRoot(s.store.options.Dir)
	if err != nil {
		return errors.Join(fmt.Errorf("starting the file server: opening the storage: %w", plainly(err)), listener.Close())
	}
	defer func() { _ = root.Close() }()
	s.store.serves(true)
	defer s.store.serves(false)
	if s.listening != nil {
		s.listening(listener.Addr())
	}
	return s.serve(ctx, listener, root)
}

func (s *server) serve(ctx context.Context, listener net.Listener, root *os.Root) error {
	collecting, stop := context.WithCancel(ctx)
	defer stop()
	go s.store.collect(collecting)
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, root) }),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: longestAnswer, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(listener, mostConnections)) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving artifacts: %w", err)
	case <-ctx.Done():
	}
	s.store.serves(false)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		return errors.Join(fmt.Errorf("stopping the file server: %w", err), server.Close())
	}
	return nil
}

// answer serves one file, to GET and HEAD.
func answer(w http.ResponseWriter, r *http.Request, root *os.Root) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "artifacts are read with GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	name := r.URL.Path
	if !served.MatchString(name) || strings.Contains(name, "/..") || strings.Contains(name, "/./") {
		http.NotFound(w, r)
		return
	}
	file, err := root.Open(strings.TrimPrefix(name, "/"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/gzip")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("ETag", `"`+strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], suffix)+`"`)
	http.ServeContent(w, r, "", info.ModTime(), file)
}
