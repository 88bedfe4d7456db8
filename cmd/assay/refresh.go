package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/assay-gitops/assay/plugin/audit/reports"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/refresh"
	"github.com/assay-gitops/assay/plugin/report"
)

// refreshFlags are the refresher's.
type refreshFlags struct {
	gates          []string
	reports, token string
	namespace      string
	all, once      bool
	rate           float64
	every, settle  time.Duration
	pause          time.Duration
	state, http    string
}

func newRefresh(s streams) *cobra.Command {
	var flags refreshFlags
	cmd := &cobra.Command{
		Use:   "refresh",
		Short: "have Argo CD render anew what a changed gate, an ended waiver or withdrawn trust concerns",
		Long: `refresh compares the gate's files with the verdicts that the sidecars recorded,
and sets the annotation argocd.argoproj.io/refresh: hard on the Applications whose
verdict could be another one now, and on no others: withdrawn trust first, then
waivers that ended and gates that changed, then tags that moved. It writes nothing
else.

It asks no faster than --rate, also when several run: they take turns by a Lease.
A change of the gate counts once it has stood for --settle, and nobody is asked
before every sidecar judges by the same gate.

It uses the service account of its Pod, or the cluster of KUBECONFIG. Health
(/healthz, /readyz) and metrics (/metrics) are served over HTTP. The log is JSON on
standard error.`,
		Example: "  assay refresh --gate /etc/assay/gate --reports http://assay-reports.argocd.svc:8087 --reports-token /etc/assay/reports/token",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(); err != nil {
				return &exit{code: exitUsage, err: err}
			}
			if err := flags.run(cmd.Context(), s); err != nil {
				return &exit{code: exitUndetermined, err: err}
			}
			return nil
		},
	}
	set := cmd.Flags()
	set.StringArrayVarP(&flags.gates, "gate", "g", nil, "gate `file or folder` (repeatable), as the sidecars have it")
	set.StringVar(&flags.reports, "reports", "", "`URL` of the sidecars' reports ('assay serve --reports')")
	set.StringVar(&flags.token, "reports-token", "", "`file` with the token of that")
	set.StringVar(&flags.namespace, "namespace", "argocd", "Argo CD's own namespace; the Lease lies there too")
	set.BoolVar(&flags.all, "all-namespaces", false, "look at Applications of all namespaces, not only of Argo CD's own")
	set.BoolVar(&flags.once, "once", false, "ask everybody concerned and end, as in a CronJob")
	set.Float64Var(&flags.rate, "rate", 1, "Applications that are asked in a second, at most")
	set.DurationVar(&flags.every, "every", 30*time.Second, "time between two rounds of looking")
	set.DurationVar(&flags.settle, "settle", 30*time.Second, "time that a change of the gate has to stand before it counts")
	set.DurationVar(&flags.pause, "pause", 10*time.Minute, "least time between two times that one Application is asked; it doubles while nothing comes of it")
	set.StringVar(&flags.state, "state-dir", "", "`folder` that keeps what is known of the verdicts, for when the sidecars start anew; without one it is kept in memory")
	set.StringVar(&flags.http, "http", ":8080", "`address` of health and metrics")
	offer(cmd, "namespace")
	return cmd
}

// check refuses what could not work.
func (f *refreshFlags) check() error {
	switch {
	case len(f.gates) == 0:
		return errors.New("--gate is missing: name the files that the sidecars judge by")
	case f.reports == "" || f.token == "":
		return errors.New("--reports and --reports-token are both needed: the records of the sidecars say what was judged by which gate")
	case f.rate <= 0 || f.rate > 100:
		return fmt.Errorf("--rate is %g; it must be above 0 and at most 100 a second", f.rate)
	case f.every < time.Second:
		return fmt.Errorf("--every is %s; it must be a second at least", f.every)
	case f.settle < 0:
		return fmt.Errorf("--settle is %s; it must not be below 0", f.settle)
	case f.pause < time.Minute:
		return fmt.Errorf("--pause is %s; it must be a minute at least", f.pause)
	case f.namespace == "":
		return errors.New("--namespace is empty; name Argo CD's namespace")
	}
	return nil
}

func (f *refreshFlags) run(ctx context.Context, s streams) error {
	log := slog.New(slog.NewJSONHandler(s.err, nil))
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return fmt.Errorf("looking for the cluster: %w; it is that of the Pod's service account, or of KUBECONFIG", err)
	}
	config.QPS = -1 // the rate is kept here, and by nobody twice
	made, err := f.refresher(ctx, config, log)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.http)
	if err != nil {
		return fmt.Errorf("listening for health and metrics: %w; name another address by --http", err)
	}
	web := &http.Server{Handler: made.Handler(), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute}
	go func() { _ = web.Serve(listener) }()
	defer func() { _ = web.Close() }()
	identity, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("naming this process: %w", err)
	}
	lease := refresh.Lease{Config: config, Namespace: f.namespace, Identity: fmt.Sprintf("%s-%d", identity, os.Getpid()), Leading: made.Leading, Log: log}
	log.Info("refreshing", "version", report.Version(version), "reports", f.reports, "rate", f.rate, "once", f.once, "http", f.http)
	return lease.Hold(ctx, func(ctx context.Context) error {
		if f.once {
			return made.Once(ctx)
		}
		made.Run(ctx)
		return nil
	})
}

// refresher puts the parts together.
func (f *refreshFlags) refresher(ctx context.Context, config *rest.Config, log *slog.Logger) (*refresh.Refresher, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("setting up the client of the API server: %w", err)
	}
	watched := f.namespace
	if f.all {
		watched = ""
	}
	cluster, err := refresh.Watch(ctx, client, watched, f.namespace)
	if err != nil {
		return nil, err
	}
	sidecars, err := reports.NewClient(f.reports, reports.TokenFile(f.token))
	if err != nil {
		return nil, err
	}
	return refresh.New(refresh.Options{
		Files:   &refresh.Files{Load: func() (*gate.Config, error) { return gate.Load(f.gates...) }, Settle: f.settle},
		Records: refresh.Sidecars{Pages: sidecars}, Cluster: cluster, Tags: &refresh.Followed{Open: openRegistries, Clock: refresh.Machine{}, Log: log}, Rate: f.rate, Every: f.every, Pause: f.pause, State: f.state, Clock: refresh.Machine{}, Log: log,
	})
}
