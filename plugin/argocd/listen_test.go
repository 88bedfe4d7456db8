package argocd

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/test/bufconn"
)

// TestConnections_TolerateTheRepoServersPings: it pings every 20 seconds, and
// gRPC's own default ends the connection at the third.
func TestConnections_TolerateTheRepoServersPings(t *testing.T) {
	for name, test := range map[string]struct {
		options []grpc.ServerOption
		dials   int64
	}{
		"ours":          {connections(), 1},
		"twin: default": {nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := bufconn.Listen(1 << 16)
				server := grpc.NewServer(test.options...)
				go func() { _ = server.Serve(listener) }()
				var dials atomic.Int64
				connection, err := grpc.NewClient("passthrough:bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
					grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true}),
					grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
						dials.Add(1)
						return listener.DialContext(ctx)
					}))
				check(t, err)
				connection.Connect()
				time.Sleep(90 * time.Second)
				connection.Connect() // one that was ended is made anew
				time.Sleep(time.Second)
				if dials.Load() != test.dials {
					t.Errorf("the connection was made %d times", dials.Load())
				}
				check(t, connection.Close())
				server.Stop()
			})
		})
	}
}
