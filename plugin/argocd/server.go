package argocd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd/protocol"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup/gauges"
)

// Options configure [NewServer].
type Options struct {
	// Judge answers about applications. It is required.
	Judge Judge
	// Renderer renders without a verdict what parameters are announced for; nil
	// announces what needs no rendering. It must end what does not.
	Renderer plugin.Renderer
	// Plugins is the folder of the plugins' sockets, shared with the repo-server.
	Plugins string
	// Work is a folder for unpacked archives; it must exist and be nobody else's.
	Work string
	// Concurrency is how many applications are judged at once; below 1 it is
	// four for each processor.
	Concurrency int
	// Archive bounds what the repo-server sends.
	Archive ArchiveLimits
	// Log gets one line a request, with the whole report when something was
	// found. It is required.
	Log *slog.Logger
	// Facts are counted below the door; nil leaves their metrics out.
	Facts gauges.Facts
	// Collectors tell Prometheus what else the program knows, such as its gate.
	Collectors []prometheus.Collector
	// Told hears every verdict after it is decided; nil is nobody. It must not wait
	// for anything: the answer does.
	Told func(v *plugin.Verdict)
	// LastAllowed knows which revision passed before one that is denied; nil is
	// nobody. It is asked before the answer, for a moment: what fails or takes longer
	// changes nothing else.
	LastAllowed func(ctx context.Context, v *plugin.Verdict) (plugin.Passed, error)
	// Traces get a span for each request, and others below it; nil is nobody.
	Traces trace.TracerProvider
	// Clock is the time that stands in verdicts made here; nil is the machine's.
	Clock func() time.Time
}

// Server answers the repo-server. It may be used by many goroutines.
type Server struct {
	protocol.UnimplementedConfigManagementPluginServiceServer

	door    door
	options Options
	trees   *trees
	queue   *queue
	metrics *metrics
	begun   time.Time
	// socket is the open socket's file; nil while there is none.
	socket atomic.Pointer[socket]
	// leaving is closed when the server is told to end, and ending when requests
	// must answer with what they have.
	leaving, ending chan struct{}
}

// SocketName is the socket's base name: an Application asks for the plugin
// "assay".
const SocketName = "assay.sock"

// patience is the time for a request whose caller set no deadline: less than
// the minute that Argo CD waits unless it is told otherwise.
const patience = 50 * time.Second

// NewServer checks the options.
func NewServer(options Options) (*Server, error) {
	if options.Judge == nil || options.Log == nil {
		return nil, errors.New("setting up the plugin: no judge or no log")
	}
	if options.Concurrency < 1 {
		options.Concurrency = 4 * runtime.GOMAXPROCS(0)
	}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Archive == (ArchiveLimits{}) {
		options.Archive = DefaultArchiveLimits()
	}
	s := &Server{
		door: door{judge: options.Judge, log: options.Log, clock: options.Clock, paper: &report.Paper{}, before: newBefore(options.LastAllowed, options.Log)}, options: options, trees: newTrees(options.Work, options.Archive), queue: newQueue(options.Concurrency),
		begun: options.Clock(), leaving: make(chan struct{}), ending: make(chan struct{}),
	}
	if options.Facts != nil {
		if _, err := options.Facts.Roots(); err != nil {
			return nil, fmt.Errorf("setting up the plugin: %w", err)
		}
	}
	s.metrics = newMetrics(s)
	return s, nil
}

// Close removes what is unpacked.
func (s *Server) Close() { s.trees.close() }

// CheckPluginConfiguration says that the plugin is used by name only: an
// Application that names no plugin must not come here by guessing, as Argo CD
// falls back to its own rendering when a guess fails. It answers also when
// nothing is rendered: Argo CD 2.14 hides the reason of an error here.
func (s *Server) CheckPluginConfiguration(context.Context, *emptypb.Empty) (*protocol.CheckPluginConfigurationResponse, error) {
	return &protocol.CheckPluginConfigurationResponse{}, nil
}

// MatchRepository says no: see CheckPluginConfiguration.
func (s *Server) MatchRepository(stream protocol.ConfigManagementPluginService_MatchRepositoryServer) error {
	if err := s.drained(stream.Context(), stream); err != nil {
		return err
	}
	return stream.SendAndClose(&protocol.RepositoryResponse{})
}

// GetParametersAnnouncement lists what an Application may set.
func (s *Server) GetParametersAnnouncement(stream protocol.ConfigManagementPluginService_GetParametersAnnouncementServer) error {
	ctx, cancel := s.bounded(stream.Context())
	defer cancel()
	if err := s.aloneStatus(ctx); err != nil {
		s.trees.drain(stream)
		return err
	}
	return stream.SendAndClose(&protocol.ParametersAnnouncementResponse{ParameterAnnouncements: s.announced(ctx, stream)})
}

// GenerateManifest judges the application in the archive. The answer is its
// manifests, or an error whose text is made for the Application's condition.
func (s *Server) GenerateManifest(stream protocol.ConfigManagementPluginService_GenerateManifestServer) error {
	ctx, cancel := s.bounded(stream.Context())
	defer cancel()
	begun := time.Now()
	ctx, span := s.span(ctx)
	response, err := s.generate(ctx, stream)
	endSpan(span, err)
	s.metrics.ended(begun, err)
	if err != nil {
		return err
	}
	return stream.SendAndClose(response)
}

// bounded ends the work with the caller's time, or with the server's.
func (s *Server) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := withRoom(ctx)
	go func() {
		select {
		case <-s.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// withRoom ends the work before the caller stops listening, so that the answer
// arrives: a twentieth of the time earlier, at most two seconds.
func withRoom(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, set := ctx.Deadline()
	if !set {
		return context.WithTimeout(ctx, patience)
	}
	room := min(time.Until(deadline)/20, 2*time.Second)
	return context.WithDeadline(ctx, deadline.Add(-room))
}

func (s *Server) generate(ctx context.Context, stream protocol.ConfigManagementPluginService_GenerateManifestServer) (*protocol.ManifestResponse, error) {
	receiving := part(ctx, "receive")
	got, err := s.received(ctx, stream)
	receiving.End()
	if err != nil {
		return nil, s.refuse(ctx, got, "receive", err)
	}
	defer s.trees.release(got.tree)
	if err := s.alone(); err != nil {
		return nil, s.refuse(ctx, got, "plugins", err)
	}
	unpacking := part(ctx, "unpack")
	root, err := got.tree.wait(ctx)
	unpacking.End()
	if err != nil {
		return nil, s.refuse(ctx, got, "unpack", err)
	}
	answer, err := s.judged(ctx, got, root)
	if err != nil {
		return nil, s.refuse(ctx, got, "judge", err)
	}
	s.tell(ctx, answer.Verdict, gauges.DecidedBy(answer.Verdict))
	if answer.Message != "" {
		return nil, status.Error(code(answer.Verdict), answer.Message)
	}
	return &protocol.ManifestResponse{Manifests: answer.Manifests, SourceType: "assay"}, nil
}

// received reads the request, at most until the deadline: a caller that sends
// nothing holds nothing.
func (s *Server) received(ctx context.Context, stream stream) (received, error) {
	type result struct {
		got received
		err error
	}
	done, early := make(chan result), make(chan received, 1)
	go func() {
		got, err := s.receive(ctx, stream, func(known received) { early <- known })
		select {
		case done <- result{got, err}:
		case <-ctx.Done():
			if err == nil {
				s.trees.release(got.tree)
			}
		}
	}()
	select {
	case ended := <-done:
		return ended.got, ended.err
	case <-ctx.Done():
	}
	var known received
	select {
	case known = <-early:
	default:
	}
	return known, &plugin.StageError{
		Stage: stage, Subject: "the repository's archive", Cause: ctx.Err(),
		Hint: "the repo-server did not send it in time: " + smaller,
	}
}

func (s *Server) receive(ctx context.Context, stream stream, tell func(received)) (got received, err error) {
	defer recovered(&err)
	return s.trees.receive(ctx, stream, tell)
}

// drained reads a request whose content does not matter.
func (s *Server) drained(ctx context.Context, stream stream) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.trees.drain(stream)
	}()
	select {
	case <-done:
		return s.aloneStatus(ctx)
	case <-ctx.Done():
		return status.Error(codes.Unavailable, "assay did not receive the repository's archive in time: "+smaller)
	}
}

func (s *Server) aloneStatus(ctx context.Context) error {
	if err := s.alone(); err != nil {
		return s.refuse(ctx, received{}, "plugins", err)
	}
	return nil
}

// alone refuses while something else lies beside our socket by whose name Argo
// CD could reach another plugin: a socket, a link, a folder that may hold one.
func (s *Server) alone() error {
	entries, err := os.ReadDir(s.options.Plugins)
	if err != nil {
		return &plugin.StageError{Stage: stage, Subject: "the folder of the plugins' sockets", Cause: plainly(err), Hint: "mount it as Argo CD's documentation says"}
	}
	for _, entry := range entries {
		if entry.Name() != SocketName && !entry.Type().IsRegular() {
			return &plugin.Refusal{
				Rule: ruleRival, Message: fmt.Sprintf("another plugin listens beside assay, or could: %s", entry.Name()),
				Why:  "an Application that names it would pass by the gate",
				Hint: "remove that plugin's sidecar from the repo-server, or give it a repo-server of its own; nothing is rendered until then",
			}
		}
	}
	return nil
}
