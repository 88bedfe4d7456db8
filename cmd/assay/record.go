package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/counters"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

// recordFlags say where the records of verdicts go.
type recordFlags struct {
	// log is the audit log's file; "-" is standard output, and empty none.
	log      string
	logBytes int64
	reports  reportFlags
	// events are written on Applications when that is set.
	events bool
	// namespace is Argo CD's own.
	namespace string
}

func (f *recordFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.log, "audit-log", "", "`file` that gets every verdict as a line of JSON; - is standard output (off by default)")
	set.Int64Var(&f.logBytes, "audit-log-bytes", audit.DefaultLogBytes, "most `bytes` of that file: it is put aside then, and four older ones are kept")
	f.reports.add(set)
	set.BoolVar(&f.events, "events", false, "write an Event on the Application when its answer changes")
	set.StringVar(&f.namespace, "argocd-namespace", os.Getenv("ARGOCD_NAMESPACE"), "`namespace` of Argo CD, whose Applications are told without one ($ARGOCD_NAMESPACE)")
}

func (f *recordFlags) check() error {
	if info, err := os.Stat(f.log); f.log != "-" && f.log != "" && err == nil && info.IsDir() {
		return &exit{code: exitUsage, err: fmt.Errorf("reading --audit-log: %s is a folder; name a file in it", f.log)}
	}
	if f.events && f.namespace == "" {
		return &exit{code: exitUsage, err: errors.New("--events needs Argo CD's own namespace: name it by --argocd-namespace, or in ARGOCD_NAMESPACE")}
	}
	return f.reports.check()
}

// any reports whether anything is asked for.
func (f *recordFlags) any() bool { return f.log != "" || f.reports.dir != "" || f.events }

// recording is what is told of verdicts beside the answers.
type recording struct {
	recorder *audit.Recorder
	counters counters.Counters
	// lastAllowed asks the store what passed before; nil without a store.
	lastAllowed func(ctx context.Context, v *plugin.Verdict) (plugin.Passed, error)
	ends        []func()
}

// lastWords is what sinks get to write what waits, after the last answer.
const lastWords = 5 * time.Second

// startRecording starts what the flags ask for; nothing of it keeps the door
// from answering.
func startRecording(ctx context.Context, f recordFlags, out io.Writer, judge *setup.Setup, log *slog.Logger) (*recording, error) {
	r := &recording{}
	if !f.any() {
		return r, nil
	}
	digests, err := judge.Digests()
	if err != nil {
		return nil, err
	}
	about := func(v *plugin.Verdict) audit.About {
		if v == nil {
			v = &plugin.Verdict{}
		}
		return audit.About{GateDigest: digests.For(v.Application, v.Path, v.RepositoryPath), Door: argocd.Door(), Version: report.Version(version)}
	}
	r.recorder = &audit.Recorder{About: about, Log: log}
	if f.log != "" {
		file, closing := out, func() error { return nil }
		if f.log != "-" {
			rotated := audit.File(f.log, f.logBytes)
			file, closing = rotated, rotated.Close
		}
		r.counters.Log = r.start(audit.SinkOptions{What: "the audit log", Take: audit.Lines(file), Log: log}, closing)
	}
	for _, each := range []func() error{
		func() error { return r.keepReports(ctx, f, judge, log) },
		func() error { return r.writeEvents(ctx, f, log) },
	} {
		if err := each(); err != nil {
			r.stop()
			return nil, err
		}
	}
	return r, nil
}

// start runs a sink until the recording ends.
func (r *recording) start(options audit.SinkOptions, closing func() error) *audit.Sink {
	sink := audit.NewSink(options)
	ctx, cancel := context.WithCancel(context.Background()) // what waits is written after the door has ended
	go sink.Run(ctx)
	r.recorder.Sinks = append(r.recorder.Sinks, sink)
	r.ends = append(r.ends, func() {
		sink.Close(lastWords)
		cancel()
		if err := closing(); err != nil {
			options.Log.Error("ending "+options.What, "problem", err.Error())
		}
	})
	return sink
}

// tell hears every verdict; nil when nobody wants to know.
func (r *recording) tell() func(*plugin.Verdict) {
	if r.recorder == nil {
		return nil
	}
	return r.recorder.Tell
}

func (r *recording) stop() {
	for _, end := range slices.Backward(r.ends) {
		end()
	}
}

// tellAll tells each of those who want to know.
func tellAll(each ...func(*plugin.Verdict)) func(*plugin.Verdict) {
	return func(v *plugin.Verdict) {
		for _, tell := range each {
			if tell != nil {
				tell(v)
			}
		}
	}
}
