package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/assay-gitops/assay/plugin/argocd/protocol"
)

// door is a running assay serve.
type door struct {
	*bench
	process  *exec.Cmd
	plugins  string
	archive  []byte
	checksum string
	log      bytes.Buffer
}

func (b *bench) openDoor(ctx context.Context) (*door, error) {
	plugins, err := os.MkdirTemp("", "as") // a socket's name has a hundred bytes at most
	if err != nil {
		return nil, err
	}
	d := &door{bench: b, plugins: plugins}
	if d.archive, err = pack(b.dir, "w1"); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(d.archive)
	d.checksum = hex.EncodeToString(sum[:])
	d.process = exec.CommandContext(ctx, b.assay, "serve", "--gate", b.gate, "--plugins-dir", plugins, "--work-dir", b.dir, "--http", "127.0.0.1:0")
	d.process.Stderr = &d.log
	d.process.Cancel = func() error { return d.process.Process.Signal(syscall.SIGTERM) }
	if err := d.process.Start(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *door) close() {
	_ = d.process.Process.Signal(syscall.SIGTERM)
	_ = d.process.Wait()
	_ = os.RemoveAll(d.plugins)
}

// pack makes the archive that the repo-server sends of a folder.
func pack(root, folder string) ([]byte, error) {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	writer := tar.NewWriter(zipped)
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if err := writer.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Typeflag: tar.TypeReg, Size: int64(len(data)), Mode: 0o644}); err != nil {
			return err
		}
		_, err = writer.Write(data)
		return err
	})
	err = errors.Join(err, writer.Close(), zipped.Close())
	return out.Bytes(), err
}

func environment(name string) []string {
	return []string{
		"ARGOCD_APP_NAME=" + name, "ARGOCD_APP_NAMESPACE=shop", "ARGOCD_APP_PROJECT_NAME=team-a", "ARGOCD_APP_REVISION=1",
		"ARGOCD_APP_SOURCE_PATH=w1/overlay", "ARGOCD_APP_PARAMETERS=null", "KUBE_VERSION=1.36.3",
	}
}

// generate asks for one application as the repo-server does: on a connection
// of its own, in chunks of its default length.
func (d *door) generate(ctx context.Context, name string) error {
	connection, err := grpc.NewClient("unix://"+filepath.Join(d.plugins, "assay.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(100<<20)))
	if err != nil {
		return err
	}
	defer connection.Close()
	timed, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	stream, err := protocol.NewConfigManagementPluginServiceClient(connection).GenerateManifest(timed)
	if err != nil {
		return err
	}
	metadata := &protocol.ManifestRequestMetadata{AppName: "overlay", AppRelPath: "w1/overlay", Checksum: d.checksum, Size: int64(len(d.archive))}
	for _, variable := range environment(name) {
		key, value, _ := strings.Cut(variable, "=")
		metadata.Env = append(metadata.Env, &protocol.EnvEntry{Name: key, Value: value})
	}
	if err := stream.Send(&protocol.AppStreamRequest{Request: &protocol.AppStreamRequest_Metadata{Metadata: metadata}}); err != nil {
		return err
	}
	for chunk := range slices.Chunk(d.archive, 1024) {
		if err := stream.Send(&protocol.AppStreamRequest{Request: &protocol.AppStreamRequest_File{File: &protocol.File{Chunk: chunk}}}); err != nil {
			return err
		}
	}
	response, err := stream.CloseAndRecv()
	if err == nil && len(response.GetManifests()) != 110 {
		err = fmt.Errorf("%d manifests", len(response.GetManifests()))
	}
	return err
}

// processes are the server's and its workers'.
func (d *door) processes() (server int, workers []int, err error) {
	server = d.process.Process.Pid
	workers, err = childrenOf(server)
	return server, workers, err
}
