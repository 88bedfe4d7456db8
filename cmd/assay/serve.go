package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/setup/gauges"
	"github.com/assay-gitops/assay/plugin/setup/traces"
)

// serveFlags are the sidecar's.
type serveFlags struct {
	gates       gateFlags
	plugins     string
	work        string
	http        string
	cache       string
	cacheKey    string
	concurrency int
	archive     argocd.ArchiveLimits
	profile     bool
	// policyReport is the format of the reports that are written to the cluster;
	// empty writes none.
	policyReport string
	records      recordFlags
}

// pluginsDir is where Argo CD looks for plugins' sockets unless it is told
// otherwise, in the repo-server and here, by the same variable.
func pluginsDir() string {
	return cmp.Or(os.Getenv("ARGOCD_PLUGINSOCKFILEPATH"), "/home/argocd/cmp-server/plugins")
}

func newServe(s streams) *cobra.Command {
	flags := serveFlags{archive: argocd.DefaultArchiveLimits()}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "answer Argo CD's repo-server as a config management plugin",
		Long: `serve is the sidecar of Argo CD's repo-server. It speaks the protocol of config
management plugins on <plugins dir>/assay.sock, without argocd-cmp-server: an
Application that names the plugin "assay" gets manifests that are pinned,
verified, hardened and judged, or a condition that says why not.

Health (/healthz, /readyz) and metrics (/metrics) are served over HTTP. The log
is JSON on standard error.`,
		Example: "  assay serve --gate /etc/assay/gate --work-dir /tmp/assay",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := serve(cmd.Context(), s, flags); err != nil {
				var end *exit
				if errors.As(err, &end) {
					return err
				}
				return &exit{code: exitUndetermined, err: err}
			}
			return nil
		},
	}
	set := cmd.Flags()
	set.StringArrayVarP(&flags.gates.gates, "gate", "g", nil, "gate `file or folder` (repeatable); without one the embedded default gate applies")
	set.StringVar(&flags.plugins, "plugins-dir", pluginsDir(), "`folder` of the plugins' sockets, shared with the repo-server ($ARGOCD_PLUGINSOCKFILEPATH)")
	set.StringVar(&flags.work, "work-dir", "", "`folder` for what the repo-server sends (default the system's for temporary files); a folder of assay's own is made in it")
	set.StringVar(&flags.cache, "cache-dir", cacheDir(), "`folder` that outlives the process, for trust roots and what registries said ($ASSAY_CACHE_DIR)")
	set.StringVar(&flags.cacheKey, "cache-key", os.Getenv("ASSAY_CACHE_KEY"), "`file` with the key that vouches for that folder, outside of it; made at first use ($ASSAY_CACHE_KEY)")
	set.StringVar(&flags.http, "http", ":8080", "`address` of health and metrics")
	set.IntVar(&flags.concurrency, "concurrency", 0, "applications that are judged at once (default four for each processor)")
	set.Int64Var(&flags.archive.Files, "archive-files", flags.archive.Files, "most files of one repository")
	set.Int64Var(&flags.archive.Bytes, "archive-bytes", flags.archive.Bytes, "most `bytes` of one repository, packed as well as unpacked")
	set.BoolVar(&flags.profile, "pprof", false, "serve Go's profiler under /debug/pprof as well")
	set.StringVar(&flags.policyReport, "policy-report", "", "write every verdict into the cluster, into the application's destination namespace, as `policyreport or openreports` (off by default)")
	offer(cmd, "policy-report", policyFormats()...)
	flags.records.add(set)
	return cmd
}

// drainTime is what requests get to end in after a signal.
const drainTime = 20 * time.Second

func serve(ctx context.Context, s streams, flags serveFlags) error {
	log := slog.New(slog.NewJSONHandler(s.err, nil))
	if err := flags.records.check(); err != nil {
		return err
	}
	store, err := openFacts(flags.cache, flags.cacheKey, func(err error) { log.Warn("the cache on disk is not used", "problem", err.Error()) })
	if err != nil {
		return err
	}
	judge, err := doorSetup(flags.gates, setup.Options{TrustDir: trustDir(flags.cache), Facts: store})
	if err != nil {
		return err
	}
	defer judge.Close()
	defer judge.KeepTrust(ctx, log)()
	judge.LogWarnings(log)
	work, err := workDir(flags.work, flags.plugins)
	if err != nil {
		return err
	}
	told, stopReports, err := tellCluster(ctx, flags.policyReport, log)
	if err != nil {
		return err
	}
	defer stopReports()
	records, err := startRecording(ctx, flags.records, s.out, judge, log)
	if err != nil {
		return err
	}
	defer records.stop()
	known, err := gauges.NewGate(judge.Config(), flags.gates.gates, time.Now)
	if err != nil {
		return err
	}
	traced := traces.Start(ctx, traces.Options{Service: "assay", Version: report.Version(version), Log: log})
	defer traced.Stop()
	server, err := argocd.NewServer(argocd.Options{
		Judge: judge, Renderer: judge, Told: tellAll(told, records.tell()), LastAllowed: records.lastAllowed, Collectors: []prometheus.Collector{known, &records.counters, traced}, Facts: judge,
		Traces: traced.Provider(), Plugins: flags.plugins, Work: work, Concurrency: flags.concurrency, Archive: flags.archive, Log: log,
	})
	if err != nil {
		return fmt.Errorf("starting the plugin: %w", err)
	}
	defer server.Close()
	stopHTTP, err := serveHTTP(ctx, flags, server)
	if err != nil {
		return err
	}
	defer stopHTTP()
	log.Info("serving", "version", report.Version(version), "plugins", flags.plugins, "socket", argocd.SocketName, "http", flags.http)
	return server.Serve(ctx, drainTime)
}

// doorSetup is what both ways of standing behind Argo CD judge by: tags need
// an entry in the lock file unless the gate says otherwise, and templates run
// in workers.
func doorSetup(gates gateFlags, options setup.Options) (*setup.Setup, error) {
	config, err := gates.load()
	if err != nil {
		return nil, &exit{code: exitDenied, err: err}
	}
	options.Config, options.LockRequired, options.Isolated = config, true, true
	made, err := setup.New(options)
	if err != nil {
		return nil, asExit(err)
	}
	return made, nil
}

// workDir makes a folder that is nobody else's, under a name that stays: what
// an earlier process left in it is found and removed. Two sidecars with sockets
// of their own have two.
func workDir(parent, plugins string) (string, error) {
	sum := sha256.Sum256([]byte(filepath.Clean(plugins)))
	name := filepath.Join(cmp.Or(parent, os.TempDir()), "assay-serve-"+hex.EncodeToString(sum[:4]))
	if err := os.MkdirAll(name, 0o700); err != nil {
		return "", fmt.Errorf("making the work folder: %w; name one that can be written by --work-dir", err)
	}
	info, err := os.Lstat(name)
	switch {
	case err != nil:
		return "", fmt.Errorf("making the work folder: %w", err)
	case !info.IsDir() || info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("making the work folder: %s is a link, or others may write there (%s); remove it, or name another place by --work-dir", name, info.Mode())
	}
	return name, nil
}

func serveHTTP(ctx context.Context, flags serveFlags, server *argocd.Server) (func(), error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", flags.http)
	if err != nil {
		return nil, fmt.Errorf("listening for health and metrics: %w; name another address by --http", err)
	}
	web := &http.Server{Handler: routes(server.Handler(), flags.profile), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: time.Minute}
	go func() { _ = web.Serve(listener) }()
	return func() { _ = web.Close() }, nil
}

// routes are health and metrics, and the profiler where it is asked for.
func routes(always http.Handler, profile bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", always)
	if profile {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func newGenerate(s streams) *cobra.Command {
	var gates gateFlags
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "answer argocd-cmp-server for the application in this folder",
		Long: `generate is the command of a plugin that runs under argocd-cmp-server, for those
who must use it: it judges the application in the current folder by Argo CD's
environment (ARGOCD_APP_NAME, ARGOCD_APP_PARAMETERS and the rest) and prints its
manifests, or says on standard error why not. 'assay serve' does the same without
starting a process for each application.`,
		Example: "  assay generate --gate /etc/assay/gate",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return generate(cmd.Context(), s, gates)
		},
	}
	cmd.Flags().StringArrayVarP(&gates.gates, "gate", "g", nil, "gate `file or folder` (repeatable); without one the embedded default gate applies")
	return cmd
}

func generate(ctx context.Context, s streams, gates gateFlags) error {
	options, err := commandCaches(s.err)
	if err != nil {
		return err
	}
	judge, err := doorSetup(gates, options)
	if err != nil {
		return err
	}
	defer judge.Close()
	dir, err := os.Getwd()
	if err != nil {
		return &exit{code: exitUndetermined, err: fmt.Errorf("looking for the application's folder: %w", err)}
	}
	var log bytes.Buffer
	answer := argocd.Generate(ctx, argocd.GenerateOptions{
		Judge: judge, Log: slog.New(slog.NewJSONHandler(&log, nil)), Unlogged: true, Clock: time.Now, Dir: dir, Environ: os.Environ(),
	})
	if answer.Message != "" {
		fmt.Fprintln(s.err, answer.Message)
		return outcome(answer.Verdict)
	}
	if answer.Verdict.Count(plugin.Warn) > 0 { // argocd-cmp-server writes it into its log
		_, _ = log.WriteTo(s.err)
	}
	for _, manifest := range answer.Manifests {
		if _, err := io.WriteString(s.out, "---\n"+manifest+"\n"); err != nil {
			return &exit{code: exitUndetermined, err: fmt.Errorf("writing the manifests: %w", err)}
		}
	}
	return nil
}
