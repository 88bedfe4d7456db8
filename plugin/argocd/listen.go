package argocd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
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

// Serve listens on the socket until the context ends, then lets requests end,
// for at most the grace.
func (s *Server) Serve(ctx context.Context, grace time.Duration) error {
	listener, err := listen(ctx, filepath.Join(s.options.Plugins, SocketName))
	if err != nil {
		return err
	}
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(mostMessageBytes), grpc.MaxSendMsgSize(mostMessageBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: leastPing, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(s.guardUnary), grpc.StreamInterceptor(s.guardStream),
	)
	protocol.RegisterConfigManagementPluginServiceServer(server, s)
	stopped := context.AfterFunc(ctx, func() {
		hard := time.AfterFunc(grace, server.Stop)
		defer hard.Stop()
		server.GracefulStop()
	})
	defer stopped()
	s.listening.Store(true)
	defer s.listening.Store(false)
	if err := server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving on the plugin's socket: %w", err)
	}
	return nil
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
		if connection, err := dialer.DialContext(ctx, "unix", name); err == nil {
			_ = connection.Close()
			return nil, fmt.Errorf("listening on %s: another process answers there; end it first", name)
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
	if !s.listening.Load() {
		return errors.New("the socket is not open")
	}
	return s.alone()
}
