package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/pflag"

	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
	"github.com/assay-gitops/assay/plugin/setup"
)

// reportFlags are about the store of reports.
type reportFlags struct {
	dir, address, token, extensionToken, peers string
}

func (f *reportFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.dir, "reports-dir", "", "`folder` that keeps the last verdicts of each application (off by default)")
	set.StringVar(&f.address, "reports", "", "`address` at which those verdicts can be asked for; needs --reports-dir and --reports-token")
	set.StringVar(&f.token, "reports-token", "", "`file` with the bearer token that who asks has to bring")
	set.StringVar(&f.extensionToken, "reports-extension-token", "", "`file` with another token, by which Argo CD's proxy extension asks for one Application at a time")
	set.StringVar(&f.peers, "reports-peers", "", "`host:port` of a headless Service of all sidecars, which are asked too")
}

// check refuses flags that do nothing without another.
func (f *reportFlags) check() error {
	var problem string
	switch {
	case f.address != "" && f.dir == "":
		problem = "--reports answers from what --reports-dir keeps; name a folder"
	case f.address != "" && f.token == "":
		problem = "--reports answers who brings a token; name its file by --reports-token"
	case f.address == "" && f.token != "":
		problem = "--reports-token does nothing without --reports"
	case f.address == "" && f.extensionToken != "":
		problem = "--reports-extension-token does nothing without --reports"
	case f.address == "" && f.peers != "":
		problem = "--reports-peers does nothing without --reports"
	default:
		return nil
	}
	return &exit{code: exitUsage, err: errors.New(problem)}
}

// keepReports starts the store, and answers about it.
func (r *recording) keepReports(ctx context.Context, f recordFlags, judge *setup.Setup, log *slog.Logger) error {
	if f.reports.dir == "" {
		return nil
	}
	store, err := reports.Open(reports.Options{Dir: f.reports.dir})
	if err != nil {
		return err
	}
	r.counters.Store, r.lastAllowed = store, store.LastAllowed
	r.counters.Reports = r.start(audit.SinkOptions{What: "the store of reports", Take: store.Add, Manifests: true, Log: log}, func() error { return nil })
	if f.reports.address == "" {
		return nil
	}
	digest, err := judge.Config().Digest()
	if err != nil {
		return fmt.Errorf("naming the gate: %w", err)
	}
	server := &reports.Server{Store: store, Token: reports.TokenFile(f.reports.token), Gate: digest, Namespace: f.namespace}
	if _, err := server.Token(); err != nil {
		log.Error("the store of reports answers nobody until there is a token", "problem", err.Error())
	}
	if f.reports.extensionToken != "" {
		server.ExtensionToken = reports.TokenFile(f.reports.extensionToken)
	}
	if f.reports.peers != "" {
		if server.Peers, err = reports.Headless(f.reports.peers); err != nil {
			return &exit{code: exitUsage, err: fmt.Errorf("reading --reports-peers: %w", err)}
		}
	}
	return r.answer(ctx, f.reports.address, server)
}

// answer listens until the recording ends.
func (r *recording) answer(ctx context.Context, address string, server *reports.Server) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening for questions about reports: %w; name another address by --reports", err)
	}
	web := server.Listener()
	go func() { _ = web.Serve(listener) }()
	r.ends = append(r.ends, func() { _ = web.Close() })
	return nil
}
