package argocd

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd/protocol"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
)

// judgeFunc answers in place of the pipeline.
type judgeFunc func(context.Context, plugin.Source) *plugin.Verdict

func (f judgeFunc) Judge(ctx context.Context, source plugin.Source) *plugin.Verdict {
	return f(ctx, source)
}

// realJudge is the pipeline under the embedded default gate.
func realJudge(t testing.TB) *setup.Setup {
	t.Helper()
	made, err := setup.New(setup.Options{Config: gate.Default(), LockRequired: true})
	check(t, err)
	t.Cleanup(made.Close)
	return made
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// says answers with one finding.
func says(level plugin.Level, rule, message string) judgeFunc {
	return func(_ context.Context, source plugin.Source) *plugin.Verdict {
		return &plugin.Verdict{Application: source.Application, Findings: []plugin.Finding{{Rule: rule, Level: level, Message: message}}}
	}
}

// scene is a server on its socket, a client, and the log.
type scene struct {
	server  *Server
	client  protocol.ConfigManagementPluginServiceClient
	plugins string
	work    string
	log     *lockedBuffer
	stop    func() error
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// shortDir is a folder whose name leaves room for a socket: the system allows
// about a hundred bytes.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "as")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func newScene(t testing.TB, judge Judge, change ...func(*Options)) *scene {
	t.Helper()
	s := &scene{plugins: shortDir(t), work: t.TempDir(), log: &lockedBuffer{}}
	options := Options{Judge: judge, Plugins: s.plugins, Work: s.work, Log: slog.New(slog.NewJSONHandler(s.log, nil))}
	for _, each := range change {
		each(&options)
	}
	var err error
	s.server, err = NewServer(options)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(ctx, time.Second) }()
	for s.server.socket.Load() == nil && ctx.Err() == nil && len(served) == 0 {
		time.Sleep(time.Millisecond)
	}
	s.stop = sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	t.Cleanup(func() {
		check(t, s.stop())
		s.server.Close()
		if left := s.left(t); len(left) > 0 {
			t.Errorf("left in the work folder: %v", left)
		}
	})
	connection, err := grpc.NewClient("unix://"+filepath.Join(s.plugins, SocketName), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(mostMessageBytes)))
	check(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	s.client = protocol.NewConfigManagementPluginServiceClient(connection)
	return s
}

// left lists what lies in the work folder.
func (s *scene) left(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(s.work)
	check(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// ask is one request: what a test changes of a good one.
type ask struct {
	archive  []byte
	path     string
	checksum string
	env      []string
	// sends replaces the archive's messages.
	sends func(protocol.ConfigManagementPluginService_GenerateManifestClient)
}

// goodEnv is what Argo CD says about an Application.
func goodEnv(more ...string) []string {
	return append([]string{
		"ARGOCD_APP_NAME=shop", "ARGOCD_APP_NAMESPACE=shop", "ARGOCD_APP_PROJECT_NAME=team-a", "ARGOCD_APP_REVISION=0123456789",
		"ARGOCD_APP_SOURCE_REPO_URL=https://git.example.com/shop.git", "ARGOCD_APP_SOURCE_PATH=app", "ARGOCD_APP_PARAMETERS=null", "KUBE_VERSION=1.36.3",
	}, more...)
}

const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\ndata:\n  a: b\n"

func goodAsk(t testing.TB) ask {
	return ask{archive: pack(t, file("app/settings.yaml", settings)), path: "app", env: goodEnv()}
}

func file(name, text string) *tarEntry {
	return &tarEntry{tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o644}, text}
}

func link(name, to string) *tarEntry {
	return &tarEntry{tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}, ""}
}

type tarEntry struct {
	header tar.Header
	text   string
}

func pack(t testing.TB, entries ...*tarEntry) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	writer := tar.NewWriter(zipped)
	for _, entry := range entries {
		check(t, writer.WriteHeader(&entry.header))
		_, err := io.WriteString(writer, entry.text)
		check(t, err)
	}
	check(t, writer.Close())
	check(t, zipped.Close())
	return out.Bytes()
}

// generate sends a request as the repo-server does.
func (s *scene) generate(ctx context.Context, a ask) ([]string, error) {
	stream, err := s.client.GenerateManifest(ctx)
	if err != nil {
		return nil, err
	}
	if a.checksum == "" {
		sum := sha256.Sum256(a.archive)
		a.checksum = hex.EncodeToString(sum[:])
	}
	if a.sends == nil {
		a.sends = func(stream protocol.ConfigManagementPluginService_GenerateManifestClient) {
			_ = stream.Send(a.metadata())
			a.chunks(stream)
		}
	}
	a.sends(stream)
	response, err := stream.CloseAndRecv()
	if err != nil {
		return nil, err
	}
	return response.GetManifests(), nil
}

func (a ask) metadata() *protocol.AppStreamRequest {
	metadata := &protocol.ManifestRequestMetadata{AppName: "app", AppRelPath: a.path, Checksum: a.checksum, Size: int64(len(a.archive))}
	for _, variable := range a.env {
		for i := range variable {
			if variable[i] == '=' {
				metadata.Env = append(metadata.Env, &protocol.EnvEntry{Name: variable[:i], Value: variable[i+1:]})
				break
			}
		}
	}
	return &protocol.AppStreamRequest{Request: &protocol.AppStreamRequest_Metadata{Metadata: metadata}}
}

func (a ask) chunks(stream protocol.ConfigManagementPluginService_GenerateManifestClient) {
	for chunk := range slices.Chunk(a.archive, 1024) {
		if err := stream.Send(chunkOf(chunk)); err != nil {
			return
		}
	}
}

func chunkOf(data []byte) *protocol.AppStreamRequest {
	return &protocol.AppStreamRequest{Request: &protocol.AppStreamRequest_File{File: &protocol.File{Chunk: data}}}
}

// messageOf is the message of a gRPC error.
func messageOf(err error) string {
	if err == nil || errors.Is(err, io.EOF) {
		return ""
	}
	return status.Convert(err).Message()
}
