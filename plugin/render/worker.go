package render

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// WorkerOptions configure [Workers].
type WorkerOptions struct {
	// Command is the worker's program and arguments; it must end up in
	// [WorkerMain]. Empty is this executable with "render-worker".
	Command []string
	// Count is the number of processes; below 1 it is the number of processors.
	Count int
	// Limits bound each rendering: RenderSeconds and RenderMemory beside those
	// of [Options].
	Limits plugin.Limits
	// Charts fetches, in this process, what workers find missing; nil refuses.
	Charts ChartFetcher
	// Cache keeps renderings in this process; nil renders every time.
	Cache *Cache
	// Clock is time.Now unless it is set.
	Clock func() time.Time
}

// Workers renders in pre-started processes that have neither network nor
// environment, each bounded in time and memory. It may be used by many
// goroutines; callers wait in line for a free process, those of a project that
// holds none first. What went over its time or memory is refused for some
// minutes without another try, unless its files or parameters change.
type Workers struct {
	options   WorkerOptions
	line      *line
	exhausted *exhausted
}

// NewWorkers starts the processes in the background. Close stops them.
func NewWorkers(options WorkerOptions) *Workers {
	if options.Count < 1 {
		options.Count = runtime.GOMAXPROCS(0)
	}
	w := &Workers{options: options, line: newLine(), exhausted: newExhausted(options.Clock)}
	for range options.Count {
		go w.replace()
	}
	return w
}

// replace puts a new process in line; one that does not start is tried again
// by the caller who gets its place, and who can say so.
func (w *Workers) replace() {
	started, err := startProcess(w.options)
	if err != nil {
		started = nil
	}
	w.line.put(started)
}

// Close kills the processes. Renderings that are under way answer with an
// error.
func (w *Workers) Close() {
	for _, worker := range w.line.close() {
		worker.kill()
	}
}

// Render renders source in a worker. Its own limit of time or memory is a
// refusal (render/limit), and so is a worker that dies; the caller's deadline,
// in line or during the rendering, is no answer.
func (w *Workers) Render(ctx context.Context, source plugin.Source) (plugin.Rendering, error) {
	if err := context.Cause(ctx); err != nil {
		return plugin.Rendering{}, stopped(source, err)
	}
	if source.Rendered == nil && source.Root != nil && len(source.Overlay) == 0 {
		if rendering, hit := w.options.Cache.lookup(source, w.options.Limits); hit {
			return rendering, nil
		}
	}
	if err := w.exhausted.find(source); err != nil {
		return plugin.Rendering{}, err
	}
	asked, err := w.request(source)
	if err != nil {
		return plugin.Rendering{}, err
	}
	charts := &chartRecord{ChartFetcher: w.options.Charts}
	for {
		answer, err := w.ask(ctx, source, asked)
		if err != nil {
			return plugin.Rendering{}, err
		}
		if answer.Wanted == nil {
			return w.accept(source, answer, charts.fetched)
		}
		if err := w.fetch(ctx, charts, &asked, *answer.Wanted); err != nil {
			return plugin.Rendering{}, err
		}
	}
}

func (w *Workers) request(source plugin.Source) (request, error) {
	asked := request{
		Path: source.Path, Revision: source.Revision, Application: source.Application, Parameters: source.Parameters,
		Rendered: source.Rendered, Overlay: source.Overlay, Limits: w.options.Limits, CanFetch: w.options.Charts != nil,
	}
	if source.Rendered != nil {
		if int64(len(source.Rendered)) > w.options.Limits.RenderedBytes {
			return asked, overLimit("renderedBytes", w.options.Limits, plugin.Origin{})
		}
		return asked, nil
	}
	if source.Root == nil {
		return asked, errors.New("rendering: the source has no tree")
	}
	var err error
	if asked.Device, asked.Inode, err = treeIdentity(source.Root); err == nil {
		asked.Tree, err = treeLocation(source.Root)
	}
	if err != nil {
		return asked, noTree(err)
	}
	return asked, nil
}

// fetch gets one chart for a worker.
func (w *Workers) fetch(ctx context.Context, charts ChartFetcher, asked *request, wanted ChartReference) error {
	for _, given := range asked.Charts {
		if given.Chart == wanted {
			return fmt.Errorf("rendering: a worker asks twice for chart %s", wanted.Name)
		}
	}
	published, err := charts.FetchChart(ctx, wanted)
	if err != nil {
		return fmt.Errorf("fetching chart %s %s: %w", wanted.Name, wanted.Version, err)
	}
	if int64(len(published.Archive)) > w.options.Limits.ArchiveBytes {
		return overLimit("archiveBytes", w.options.Limits, plugin.Origin{File: archiveName(wanted)})
	}
	asked.Charts = append(asked.Charts, fetchedChart{Chart: wanted, Data: published.Archive})
	return nil
}

// accept brings an answer back into JSON's types and keeps it.
func (w *Workers) accept(source plugin.Source, answer response, charts []plugin.Image) (plugin.Rendering, error) {
	rendering := plugin.Rendering{Findings: answer.Findings, Hidden: answer.Hidden, Charts: charts, Facts: facts(answer.Reads)}
	if err := answer.Failure.err(); err != nil {
		return rendering, err
	}
	var err error
	if rendering.Objects, err = received(answer.Objects, w.options.Limits); err != nil {
		return plugin.Rendering{}, err
	}
	if source.Rendered == nil && len(source.Overlay) == 0 {
		w.options.Cache.keep(source, rendering, answer.Reads)
	}
	return rendering, nil
}

// ask sends one request to one process and watches over it.
func (w *Workers) ask(ctx context.Context, source plugin.Source, asked request) (response, error) {
	worker, err := w.next(ctx, source)
	if err != nil {
		return response{}, err
	}
	answers := make(chan answered, 1)
	go func() { answers <- worker.exchange(asked, messageLimit(w.options.Limits)) }()
	deadline := time.NewTimer(time.Duration(w.options.Limits.RenderSeconds) * time.Second)
	defer deadline.Stop()
	poll := time.NewTicker(memoryPoll)
	defer poll.Stop()
	var verdict error
	for {
		select {
		case answer := <-answers:
			if answer.err == nil {
				w.line.leave(source.Application.Project)
				w.line.put(worker)
				return answer.response, nil
			}
			verdict = w.death(worker, source, answer.err)
		case <-ctx.Done():
			verdict = stopped(source, context.Cause(ctx))
		case <-deadline.C:
			verdict = overLimit("renderSeconds", w.options.Limits, plugin.Origin{File: source.Path})
		case <-poll.C:
			if worker.memory() <= w.options.Limits.RenderMemory {
				continue
			}
			verdict = overLimit("renderMemory", w.options.Limits, plugin.Origin{File: source.Path})
		}
		worker.kill()
		w.line.leave(source.Application.Project)
		go w.replace()
		w.exhausted.keep(source, verdict)
		return response{}, verdict
	}
}

// memoryPoll is how often a worker's memory is looked at.
const memoryPoll = 10 * time.Millisecond

// next waits in line for a process.
func (w *Workers) next(ctx context.Context, source plugin.Source) (*process, error) {
	worker, err := w.line.take(ctx, source.Application.Project)
	if err != nil {
		return nil, stopped(source, err)
	}
	if worker != nil && worker.alive() {
		return worker, nil
	}
	worker.kill()
	started, err := startProcess(w.options)
	if err != nil {
		w.line.leave(source.Application.Project)
		w.line.put(nil)
		return nil, &plugin.StageError{
			Stage: "render", Subject: "a worker process", Cause: err,
			Hint: "run where seccomp filters may be installed (Linux, amd64 or arm64)",
		}
	}
	return started, nil
}

// death says why a process ended in the middle of a rendering. That the
// kernel refused it more memory is a limit.
func (w *Workers) death(worker *process, source plugin.Source, cause error) error {
	worker.kill()
	said := worker.lastWords()
	origin := plugin.Origin{File: source.Path}
	switch {
	case errors.Is(cause, errFrameTooLong):
		return overLimit("renderedBytes", w.options.Limits, origin)
	case strings.Contains(said, "out of memory"), strings.Contains(said, "cannot allocate memory"), strings.Contains(said, "failed to allocate"):
		return overLimit("renderMemory", w.options.Limits, origin)
	case strings.Contains(said, "stack overflow"), strings.Contains(said, "stack exceeds"):
		return overLimit("renderMemory", w.options.Limits, origin)
	}
	first, _, _ := strings.Cut(said, "\n")
	return &plugin.Refusal{
		Rule: ruleCrashed, Origin: origin, Message: "the worker that rendered this source died: " + first,
		Why: "a source that brings its renderer down is not rendered", Hint: "render it with the tool's own command line to see what it does", Cause: cause,
	}
}
