package argocd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/assay-gitops/assay/plugin/argocd/protocol"
)

// mostMessageBytes is Argo CD's own bound of a message (ARGOCD_GRPC_MAX_SIZE_MB).
const mostMessageBytes = 100 << 20

// leastPing is less than the 20 seconds between the repo-server's pings;
// gRPC's own default of five minutes ends connections that render for long.
const leastPing = 10 * time.Second

// socket is the file that was listened on.
type socket struct {
	name string
	info os.FileInfo
}

// Serve listens on the socket, empties the work folder and answers until the
// context ends. Then nothing new is begun, requests have the grace to end in,
// and those that have not ended then answer that they have no answer.
func (s *Server) Serve(ctx context.Context, grace time.Duration) error {
	name := filepath.Join(s.options.Plugins, SocketName)
	listener, err := listen(ctx, name)
	if err != nil {
		return err
	}
	if err := s.trees.clear(); err != nil {
		return errors.Join(fmt.Errorf("emptying the work folder %s: %w", s.options.Work, err), listener.Close())
	}
	server := grpc.NewServer(append(connections(), grpc.UnaryInterceptor(s.guardUnary), grpc.StreamInterceptor(s.guardStream))...)
	protocol.RegisterConfigManagementPluginServiceServer(server, s)
	stopped := context.AfterFunc(ctx, func() { s.end(server, grace) })
	defer stopped()
	info, err := os.Lstat(name)
	if err != nil {
		return errors.Join(fmt.Errorf("looking at the plugin's socket: %w", err), listener.Close())
	}
	s.socket.Store(&socket{name, info})
	defer s.socket.Store(nil)
	if err := server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving on the plugin's socket: %w", err)
	}
	return nil
}

// connections are the bounds of a connection.
func connections() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(mostMessageBytes), grpc.MaxSendMsgSize(mostMessageBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: leastPing, PermitWithoutStream: true}),
	}
}

// answering is what is left of the grace for answers.
const answering = time.Second

func (s *Server) end(server *grpc.Server, grace time.Duration) {
	s.socket.Store(nil)
	close(s.leaving)
	soft := time.AfterFunc(grace-min(answering, grace/2), func() { close(s.ending) })
	defer soft.Stop()
	hard := time.AfterFunc(grace, server.Stop)
	defer hard.Stop()
	server.GracefulStop()
}

// listen opens the socket. One that a process left behind is removed; one that
// somebody answers on, or another kind of file, is not.
func listen(ctx context.Context, name string) (net.Listener, error) {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("looking at the plugin's socket: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return nil, fmt.Errorf("listening on %s: a file that is no socket is in the way; remove it", name)
	default:
		var dialer net.Dialer
		switch connection, err := dialer.DialContext(ctx, "unix", name); {
		case err == nil:
			_ = connection.Close()
			return nil, fmt.Errorf("listening on %s: another process answers there; end it first", name)
		case !errors.Is(err, syscall.ECONNREFUSED): // a full backlog, for one: somebody listens
			return nil, fmt.Errorf("listening on %s: another process may listen there: %w", name, err)
		}
		if err := os.Remove(name); err != nil {
			return nil, fmt.Errorf("removing the socket that an earlier process left: %w", err)
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", name)
	if err != nil {
		return nil, fmt.Errorf("listening on the plugin's socket: %w", err)
	}
	return listener, nil
}

// ready says why a request would not be answered.
func (s *Server) ready() error {
	open := s.socket.Load()
	if open == nil {
		return errors.New("the socket is not open")
	}
	if now, err := os.Lstat(open.name); err != nil || !os.SameFile(now, open.info) {
		return fmt.Errorf("the socket %s is no longer the one that was opened; restart the sidecar", open.name)
	}
	return s.alone()
}
