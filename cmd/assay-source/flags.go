package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/fluxcd/pkg/artifact/config"
	"github.com/fluxcd/pkg/runtime/acl"
	runtimeclient "github.com/fluxcd/pkg/runtime/client"
	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/jitter"
	"github.com/fluxcd/pkg/runtime/leaderelection"

	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/tree"
)

// flags are the controller's. Those that Flux's own controllers have, have the
// same names and defaults, as they stand side by side in one namespace or two.
type flags struct {
	set *pflag.FlagSet
	// own are those that Flux's controllers do not have, or describe otherwise.
	own *pflag.FlagSet

	gates           []string
	cache, cacheKey string
	metrics         string
	health          string
	events          string
	concurrency     int
	account         string
	sources         []string
	dependency      time.Duration
	least           time.Duration
	stored, share   resource.QuantityValue
	version         bool

	storage  config.Options
	client   runtimeclient.Options
	leader   leaderelection.Options
	retries  runtimectrl.RateLimiterOptions
	watch    runtimectrl.WatchOptions
	interval jitter.IntervalOptions
	acl      acl.Options
}

// parse reads the command line.
func parse(args []string) (*flags, error) {
	f := &flags{set: pflag.NewFlagSet(program, pflag.ContinueOnError)}
	f.set.SetOutput(nil)
	f.set.Usage = func() {}
	f.set.StringArrayVarP(&f.gates, "gate", "g", nil, "gate `file or folder` (repeatable); without one the embedded default gate applies")
	f.set.StringVar(&f.cache, "cache-dir", os.Getenv("ASSAY_CACHE_DIR"), "`folder` that outlives the process, for trust roots and what registries said ($ASSAY_CACHE_DIR)")
	f.set.StringVar(&f.cacheKey, "cache-key", os.Getenv("ASSAY_CACHE_KEY"), "`file` with the key that vouches for that folder, outside of it; made at first use ($ASSAY_CACHE_KEY)")
	f.set.StringVar(&f.metrics, "metrics-addr", ":8080", "`address` of the metrics")
	f.set.StringVar(&f.health, "health-addr", ":9440", "`address` of /healthz and /readyz")
	f.set.StringVar(&f.events, "events-addr", "", "`URL` of Flux's notification-controller")
	f.set.IntVar(&f.concurrency, "concurrent", 4, "GatedSources that are judged at once; one namespace has half of them at most, and one at least")
	f.set.StringVar(&f.account, "default-service-account", "default", "service account of a GatedSource's namespace as which ConfigMaps and Secrets are read when it names none")
	f.set.StringSliceVar(&f.sources, "source-hosts", tree.DefaultHosts(), "`hosts` that sources' artifacts are fetched from, without ports: the name or address of one, or *. and the end of names; the host of --storage-adv-addr is always one of them")
	f.set.DurationVar(&f.dependency, "requeue-dependency", 30*time.Second, "when a source that is not ready is looked at again")
	f.set.DurationVar(&f.least, "min-interval", 10*time.Second, "shortest interval and retryInterval of a GatedSource; a shorter one is taken as this")
	f.stored.Quantity = *resource.NewQuantity(publish.DefaultStoreBytes, resource.BinarySI)
	f.set.Var(&f.stored, "storage-limit", "bytes that all published artifacts take together; the sources' trees take 4Gi beside it")
	f.set.Var(&f.share, "namespace-storage-limit", "bytes that those of one namespace take; 0 is a quarter of --storage-limit")
	f.set.BoolVar(&f.version, "version", false, "print the version")
	f.own = pflag.NewFlagSet(program, pflag.ContinueOnError)
	f.own.AddFlagSet(f.set)
	f.storage.BindFlags(f.set)
	f.client.BindFlags(f.set)
	f.leader.BindFlags(f.set)
	f.retries.BindFlags(f.set)
	f.watch.BindFlags(f.set)
	f.interval.BindFlags(f.set)
	f.acl.BindFlags(f.set)
	for _, name := range unused() {
		if err := f.set.MarkHidden(name); err != nil {
			return f, fmt.Errorf("setting up the flags: %w", err)
		}
	}
	if err := f.set.Parse(args); err != nil {
		return f, err
	}
	return f, f.check()
}

// check refuses values that would be found out late.
func (f *flags) check() error {
	switch {
	case f.set.NArg() > 0:
		return fmt.Errorf("%q is no flag, and there are no arguments", f.set.Arg(0))
	case f.concurrency < 1:
		return fmt.Errorf("--concurrent is %d; it must be 1 at least", f.concurrency)
	case f.dependency <= 0:
		return fmt.Errorf("--requeue-dependency is %s; it must be above 0", f.dependency)
	case f.least <= 0:
		return fmt.Errorf("--min-interval is %s; it must be above 0", f.least)
	case f.stored.Value() < 1:
		return fmt.Errorf("--storage-limit is %s; it must be above 0", f.stored.String())
	case f.share.Sign() < 0 || f.share.Value() > f.stored.Value():
		return fmt.Errorf("--namespace-storage-limit is %s; it must not be below 0, nor above --storage-limit, which is %s", f.share.String(), f.stored.String())
	case f.account == "":
		return fmt.Errorf("--default-service-account is empty; name a service account, such as default")
	case f.storage.StoragePath == "":
		return fmt.Errorf("--storage-path is empty; name a folder that can be written")
	}
	if _, err := f.sourceHosts(); err != nil {
		return err
	}
	return f.checkValues()
}

// sourceHosts are where artifacts are fetched from: what another GatedSource
// publishes here is a source as well.
func (f *flags) sourceHosts() (tree.Hosts, error) {
	hosts, err := tree.ParseHosts(f.sources)
	if err != nil {
		return hosts, fmt.Errorf("reading --source-hosts: %w", err)
	}
	if f.storage.StorageAdvAddress == "" {
		return hosts, nil
	}
	own, err := tree.HostOf(f.storage.StorageAdvAddress)
	if err == nil {
		hosts, err = tree.ParseHosts(append(slices.Clone(f.sources), own))
	}
	if err != nil {
		return hosts, fmt.Errorf("reading --storage-adv-addr: %w", err)
	}
	return hosts, nil
}

// trustDir is where the last good copies of trust roots are kept.
func (f *flags) trustDir() string {
	if f.cache == "" {
		return ""
	}
	return filepath.Join(f.cache, "trust")
}

// width is that of the usage, in characters.
const width = 100

// usage has assay's own flags first.
func usage(f *flags) string {
	others := pflag.NewFlagSet(program, pflag.ContinueOnError)
	f.set.VisitAll(func(flag *pflag.Flag) {
		if f.own.Lookup(flag.Name) == nil {
			others.AddFlag(flag)
		}
	})
	return `assay-source judges what Flux's sources give out, as GatedSources ask for it, and
publishes what passes as ExternalArtifacts.

Usage:
  assay-source [flags]

It runs in a Pod, or with the cluster of KUBECONFIG. Health (/healthz, /readyz)
and metrics (/metrics) are served over HTTP. The log is JSON on standard error.

Exit codes: 0 ended by a signal, 1 failed, 64 wrong usage.

Flags:
` + f.own.FlagUsagesWrapped(width) + `
Flags that Flux's controllers have as well:
` + others.FlagUsagesWrapped(width)
}
