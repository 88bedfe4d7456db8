package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/assay-gitops/assay/plugin"
)

// WorkerMain is the body of a worker process: the hidden command
// `assay render-worker` calls it with its standard streams. It sets up its
// sandbox before it reads the first request, and returns when its input ends,
// also in the middle of a rendering that does not.
func WorkerMain(stdin io.Reader, stdout io.Writer) error {
	var hello greeting
	if err := readFrame(stdin, 1<<16, &hello); err != nil {
		return fmt.Errorf("starting a render worker: %w", err)
	}
	if err := enterSandbox(hello.Memory); err != nil {
		return errors.Join(err, writeFrame(stdout, ready{Failure: err.Error()}))
	}
	debug.SetMemoryLimit(hello.Memory / 10 * 9)
	debug.SetGCPercent(200)
	if err := writeFrame(stdout, ready{}); err != nil {
		return err
	}
	requests := make(chan request)
	ended := make(chan error, 1)
	go func() { ended <- readRequests(stdin, requests) }()
	server := &workServer{schema: &schemaLock{}}
	answered := make(chan error, 1)
	for {
		select {
		case err := <-ended:
			return err
		case err := <-answered:
			if err != nil {
				return err
			}
		case next := <-requests:
			go func() { answered <- writeFrame(stdout, server.answer(context.Background(), next)) }()
		}
	}
}

// readRequests reads until the parent closes the pipe. The parent is trusted:
// it bounds what it sends.
func readRequests(stdin io.Reader, requests chan<- request) error {
	for {
		var next request
		if err := readFrame(stdin, int64(^uint32(0)), &next); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		requests <- next
	}
}

// workServer renders one request after the other.
type workServer struct{ schema *schemaLock }

func (s *workServer) answer(ctx context.Context, asked request) response {
	source := plugin.Source{
		Path: asked.Path, Revision: asked.Revision, Application: asked.Application,
		Parameters: asked.Parameters, Rendered: asked.Rendered, Overlay: asked.Overlay,
	}
	if asked.Rendered == nil {
		root, err := openSame(asked)
		if err != nil {
			return response{Failure: newFailure(err)}
		}
		defer func() { _ = root.Close() }()
		source.Root = root
	}
	charts := &relayedCharts{given: asked.Charts}
	renderer := &Renderer{options: Options{Limits: asked.Limits}, kustomize: s.schema}
	if asked.CanFetch {
		renderer.options.Charts = charts
	}
	rendered, err := renderer.guarded(ctx, source)
	if charts.wanted != nil {
		return response{Wanted: charts.wanted}
	}
	out := response{Findings: rendered.rendering.Findings, Hidden: rendered.rendering.Hidden, Reads: rendered.reads, Failure: newFailure(err)}
	for _, object := range rendered.rendering.Objects {
		out.Objects = append(out.Objects, wireObject(object))
	}
	debug.FreeOSMemory()
	return out
}

// openSame opens the tree that the parent means.
func openSame(asked request) (*os.Root, error) {
	root, err := os.OpenRoot(asked.Tree)
	if err != nil {
		return nil, noTree(err)
	}
	device, inode, err := treeIdentity(root)
	if err == nil && (device != asked.Device || inode != asked.Inode) {
		err = errors.New("the folder was replaced while it was being read")
	}
	if err != nil {
		_ = root.Close()
		return nil, noTree(err)
	}
	return root, nil
}

func noTree(cause error) error {
	return &plugin.StageError{Stage: "render", Subject: "the source tree", Cause: cause, Hint: "run it again"}
}

// relayedCharts gives a worker the charts that its parent fetched and notes
// the first one that is still missing.
type relayedCharts struct {
	given  []fetchedChart
	wanted *ChartReference
}

var errWanted = errors.New("the parent is asked for this chart")

// FetchChart implements ChartFetcher.
func (c *relayedCharts) FetchChart(_ context.Context, chart ChartReference) (PublishedChart, error) {
	for _, given := range c.given {
		if given.Chart == chart {
			return PublishedChart{Archive: given.Data}, nil
		}
	}
	c.wanted = &chart
	return PublishedChart{}, errWanted
}
