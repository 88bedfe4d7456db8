package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlcfg "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/events"
	"github.com/fluxcd/pkg/runtime/leaderelection"
	fluxmetrics "github.com/fluxcd/pkg/runtime/metrics"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin/flux"
	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/tree"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/facts"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/setup/gauges"
	"github.com/assay-gitops/assay/plugin/setup/traces"
)

// start runs the controller until the context ends.
func start(ctx context.Context, s streams, f *flags) error {
	handler := slog.NewJSONHandler(s.err, nil)
	log := slog.New(handler)
	judge, digest, err := loadGate(f, log)
	if err != nil {
		return err
	}
	defer judge.Close()
	defer judge.KeepTrust(ctx, log)()
	config, err := ctrl.GetConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return errors.New("looking for the cluster: there is none; run in a Pod, or set KUBECONFIG")
	case err != nil:
		return fmt.Errorf("looking for the cluster: %w; run in a Pod, or set KUBECONFIG", err)
	}
	known, err := gauges.NewGate(judge.Config(), f.gates, time.Now)
	if err != nil {
		return err
	}
	traced := traces.Start(ctx, traces.Options{Service: program, Version: report.Version(version), Log: log})
	defer traced.Stop()
	ctrl.SetLogger(logr.FromSlogHandler(handler)) // what it says of Pods before would be of a person's terminal too
	config.QPS, config.Burst = f.client.QPS, f.client.Burst
	manager, err := newManager(config, f)
	if err != nil {
		return err
	}
	discover, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client for the API server: %w", err)
	}
	if err := flux.CheckFlux(ctx, discover, manager.GetAPIReader()); err != nil {
		return err
	}
	metrics.Registry.MustRegister(known, traced)
	reconciler := &flux.Reconciler{
		Client: manager.GetClient(), Live: manager.GetAPIReader(), Accounts: flux.NewAccounts(config, client.Options{Scheme: manager.GetScheme(), Mapper: manager.GetRESTMapper()}),
		Judge: judge, GateDigest: digest, Traces: traced.Provider(), Counted: flux.NewCounters(metrics.Registry, judge, time.Now), Cluster: flux.NewCluster(discover, time.Now), Log: log, Clock: time.Now,
		Journal:              report.Journal{Log: log, Door: flux.Door(), Clock: time.Now, Paper: &report.Paper{}},
		Reach:                &flux.Reach{Client: &http.Client{Timeout: 10 * time.Second}, Clock: time.Now},
		NoCrossNamespaceRefs: f.acl.NoCrossNamespaceRefs, DefaultServiceAccount: f.account, RequeueDependency: f.dependency,
		Concurrency: f.concurrency, LeastInterval: f.least,
	}
	stores, err := openStores(f, log)
	if err != nil {
		return err
	}
	defer stores.close(log)
	reconciler.Trees, reconciler.Store = stores.trees, stores.published
	if err := wire(ctx, manager, reconciler, f); err != nil {
		return err
	}
	if err := manager.Add(stores.published.Server(f.storage.StorageAddress)); err != nil {
		return fmt.Errorf("setting up the file server: %w", err)
	}
	if err := manager.AddReadyzCheck("file-server", stores.published.Ready); err != nil {
		return fmt.Errorf("setting up /readyz: %w", err)
	}
	log.Info("starting", "version", report.Version(version), "gate", digest, "storage", f.storage.StoragePath)
	if err := manager.Start(ctx); err != nil {
		return fmt.Errorf("running the controller: %w", err)
	}
	return nil
}

// loadGate compiles the gate. Tags need an entry in the lock file unless it
// says otherwise, and templates run in workers.
func loadGate(f *flags, log *slog.Logger) (*setup.Setup, string, error) {
	config := gate.Default()
	if len(f.gates) > 0 {
		loaded, err := gate.Load(f.gates...)
		if err != nil {
			return nil, "", err
		}
		config = loaded
	}
	store, err := openFacts(f, log)
	if err != nil {
		return nil, "", err
	}
	judge, err := setup.New(setup.Options{
		Config: config, LockRequired: true, Isolated: true, KeepRandom: true, PackRenderings: true, TrustDir: f.trustDir(), Facts: store,
	})
	if err != nil {
		return nil, "", err
	}
	judge.LogWarnings(log)
	digest, err := config.Digest()
	if err != nil {
		judge.Close()
		return nil, "", fmt.Errorf("naming the gate: %w", err)
	}
	return judge, digest, nil
}

// openFacts opens what registries said to earlier processes; nil without a
// folder.
func openFacts(f *flags, log *slog.Logger) (*facts.Store, error) {
	return setup.OpenFacts(f.cache, f.cacheKey, func(err error) { log.Warn("the cache on disk is not used", "problem", err.Error()) })
}

func newManager(config *rest.Config, f *flags) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, sourcev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("setting up the kinds: %w", err)
		}
	}
	selector, err := runtimectrl.GetWatchSelector(f.watch)
	if err != nil {
		return nil, fmt.Errorf("reading --watch-label-selector %q: %w", f.watch.LabelSelector, err)
	}
	name := flux.ControllerName + "-leader-election"
	if f.watch.LabelSelector != "" { // each shard has a leader of its own
		name = leaderelection.GenerateID(name, f.watch.LabelSelector)
	}
	namespace := os.Getenv(runtimectrl.EnvRuntimeNamespace) // of a Pod it is known without
	recover := true
	options := ctrl.Options{
		Scheme: scheme, HealthProbeBindAddress: f.health, Metrics: metricsserver.Options{BindAddress: f.metrics},
		LeaderElection: f.leader.Enable, LeaderElectionReleaseOnCancel: f.leader.ReleaseOnCancel, LeaderElectionID: name, LeaderElectionNamespace: namespace,
		LeaseDuration: &f.leader.LeaseDuration, RenewDeadline: &f.leader.RenewDeadline, RetryPeriod: &f.leader.RetryPeriod,
		Cache:      ctrlcache.Options{ByObject: map[client.Object]ctrlcache.ByObject{&v1alpha1.GatedSource{}: {Label: selector}}},
		Controller: ctrlcfg.Controller{MaxConcurrentReconciles: f.concurrency, RecoverPanic: &recover},
	}
	if !f.watch.AllNamespaces {
		options.Cache.DefaultNamespaces = map[string]ctrlcache.Config{namespace: {}}
	}
	manager, err := ctrl.NewManager(config, options)
	var unreachable *url.Error
	if errors.As(err, &unreachable) {
		return nil, fmt.Errorf("asking the API server for its kinds: %w; check that it can be reached, and the service account or KUBECONFIG", err)
	}
	if err != nil {
		return nil, fmt.Errorf("setting up the controller: %w", err)
	}
	return manager, nil
}

// wire gives the reconciler what the manager has.
func wire(ctx context.Context, manager ctrl.Manager, reconciler *flux.Reconciler, f *flags) error {
	if err := f.interval.SetGlobalJitter(nil); err != nil {
		return fmt.Errorf("reading --interval-jitter-percentage: %w", err)
	}
	recorder, err := events.NewRecorder(manager, ctrl.Log, f.events, flux.ControllerName)
	if err != nil {
		return fmt.Errorf("reading --events-addr: %w", err)
	}
	reconciler.Events = recorder
	reconciler.Metrics = runtimectrl.NewMetrics(manager, fluxmetrics.MustMakeRecorder(), v1alpha1.Finalizer)
	if err := manager.AddHealthzCheck("ping", flux.Alive); err != nil {
		return fmt.Errorf("setting up /healthz: %w", err)
	}
	return reconciler.SetupWithManager(ctx, manager, runtimectrl.GetRateLimiter(f.retries))
}

// stores are the folders below --storage-path.
type stores struct {
	trees     *tree.Store
	published *publish.Store
}

func openStores(f *flags, log *slog.Logger) (stores, error) {
	var made stores
	address, err := f.storage.GetAdvertisedAddress()
	if err != nil {
		return made, fmt.Errorf("reading --storage-adv-addr: %w", err)
	}
	hosts, err := f.sourceHosts()
	if err != nil {
		return made, err
	}
	work, published := filepath.Join(f.storage.StoragePath, "sources"), filepath.Join(f.storage.StoragePath, "published")
	for _, folder := range []string{work, published} {
		if err := os.MkdirAll(folder, 0o700); err != nil { //nolint:gosec // the operator names the folder
			return made, fmt.Errorf("making the storage folder: %w; name one that can be written by --storage-path", err)
		}
	}
	if made.trees, err = tree.New(tree.Options{Dir: work, Limits: tree.DefaultLimits(), Timeout: time.Minute, Hosts: hosts, Host: os.Getenv(tree.HostVariable)}); err != nil {
		return made, err
	}
	made.published, err = publish.New(publish.Options{
		Dir: published, Address: address, Retention: f.storage.ArtifactRetentionTTL, Log: log,
		StoreBytes: f.stored.Value(), NamespaceBytes: f.share.Value(),
	})
	return made, err
}

func (s stores) close(log *slog.Logger) {
	if err := s.trees.Close(); err != nil {
		log.Warn("removing the sources' trees", "problem", err.Error())
	}
}
