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
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/assay-gitops/assay/plugin/argocd/protocol"
)

const doorHead = "| the door for Argo CD | figure | budget |\n|---|---|---|"

// doorTable measures assay serve on its socket, with the application of 110
// objects and 20 images that a repo-server would send.
func (b *bench) doorTable(ctx context.Context) (string, error) {
	d, err := b.openDoor(ctx)
	if err != nil {
		return "", err
	}
	defer d.close()
	lines := []string{doorHead}
	for _, row := range []func(context.Context) (string, error){d.warm, d.memory, d.crowd} {
		line, err := row(ctx)
		if err != nil {
			return "", fmt.Errorf("%w\n%s", err, tail(d.log.Bytes()))
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n") + "\n", nil
}

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

// doorRuns is how often each way is asked.
const doorRuns = 25

// warm compares the socket with assay generate, a process for each request.
func (d *door) warm(ctx context.Context) (string, error) {
	forked := command{
		name: "assay generate", argv: []string{"bash", "-c", `cd "$TREE" && exec "$ASSAY" generate --gate "$GATE"`},
		env: append(environment("shop"), "TREE="+filepath.Join(d.dir, "w1", "overlay"), "ASSAY="+d.assay, "GATE="+d.gate),
	}
	if err := d.generate(ctx, "shop"); err != nil {
		return "", err
	}
	var socket, process []float64
	for range doorRuns {
		begun := time.Now()
		if err := d.generate(ctx, "shop"); err != nil {
			return "", err
		}
		socket = append(socket, time.Since(begun).Seconds())
		one, err := forked.run(ctx)
		if err != nil {
			return "", err
		}
		process = append(process, wallOf(one))
	}
	slices.Sort(socket)
	slices.Sort(process)
	ratio := socket[doorRuns/2] / process[doorRuns/2]
	return fmt.Sprintf("| 110 objects and 20 images through the socket, warm, against `assay generate` | %.2f (%.0f ms) | 0.2 |", ratio, socket[doorRuns/2]*1000), nil
}

// memory is that of the server and one of its idle workers.
func (d *door) memory(context.Context) (string, error) {
	server, workers, err := d.processes()
	if err != nil {
		return "", err
	}
	total, err := readMemory(server, "smaps_rollup", "Pss:")
	if err != nil {
		return "", err
	}
	if len(workers) > 0 {
		one, err := readMemory(workers[0], "smaps_rollup", "Pss:")
		if err != nil {
			return "", err
		}
		total += one
	}
	return fmt.Sprintf("| memory of the idle server and one worker (PSS) | %d MiB | 114 MiB (120 MB) |", total>>20), nil
}

// crowd compares the peak of 50 applications at once with that of 5.
func (d *door) crowd(ctx context.Context) (string, error) {
	few, err := d.peak(ctx, "few", 5)
	if err != nil {
		return "", err
	}
	many, err := d.peak(ctx, "many", 50)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| peak memory with 50 applications at once, against 5 | %.2f (%d MiB) | 2 |", float64(many)/float64(few), many>>20), nil
}

// peak asks for a number of applications at once, and adds up the greatest
// memory of the server and of its workers.
func (d *door) peak(ctx context.Context, name string, count int) (int64, error) {
	server, workers, err := d.processes()
	if err != nil {
		return 0, err
	}
	for _, pid := range append(workers, server) {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil { // forget the peak
			return 0, err
		}
	}
	var group errgroup.Group
	for i := range count {
		group.Go(func() error { return d.generate(ctx, fmt.Sprintf("%s-%d", name, i)) })
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	var total int64
	for _, pid := range append(workers, server) {
		one, err := readMemory(pid, "status", "VmHWM:")
		if err != nil {
			return 0, err
		}
		total += one
	}
	return total, nil
}

// processes are the server's and its workers'.
func (d *door) processes() (server int, workers []int, err error) {
	server = d.process.Process.Pid
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", server))
	if err != nil {
		return 0, nil, err
	}
	for _, thread := range threads {
		children, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(children)) {
			if pid, err := strconv.Atoi(field); err == nil {
				workers = append(workers, pid)
			}
		}
	}
	return server, workers, nil
}

// readMemory reads a line of a file of /proc, in bytes.
func readMemory(pid int, file, line string) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, err
	}
	for text := range strings.Lines(string(data)) {
		if fields := strings.Fields(text); len(fields) >= 2 && fields[0] == line {
			kibibytes, err := strconv.ParseInt(fields[1], 10, 64)
			return kibibytes << 10, err
		}
	}
	return 0, fmt.Errorf("reading /proc/%d/%s: there is no %s", pid, file, line)
}
