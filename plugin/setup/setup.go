// Package setup is the only place that knows every variant: it turns the
// gate's configuration into the pipeline of an application. Whatever several
// applications can share (registry clients, renderers, compiled rules) is made
// once and kept.
package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/mutate"
	"github.com/assay-gitops/assay/plugin/policy"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/facts"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// Options are what a front door decides; everything else is the gate's.
type Options struct {
	// Config is the gate's configuration. It is required.
	Config *gate.Config
	// LockRequired is the door's default where no gate says whether a tag needs
	// an entry in images.lock.yaml: the command line resolves, the doors do not.
	LockRequired bool
	// Lenient warns about images that no trust rule covers, under every gate.
	// Only the command line may set it.
	Lenient bool
	// Keychain is used for hosts without a credential in the gate; nil is
	// anonymous. The command line gives the user's own.
	Keychain authn.Keychain
	// AllowLoopback lets references name registries on this machine's loopback
	// without an entry in the gate.
	AllowLoopback bool
	// Isolated renders in worker processes.
	Isolated bool
	// IsolatedPrograms renders in worker processes what runs programs of the
	// source, such as a chart's templates, and all else in this process.
	IsolatedPrograms bool
	// KeepRandom keeps renderings that call random functions as others are kept:
	// for a door that judges again what it published.
	KeepRandom bool
	// PackRenderings keeps renderings packed: for a door that judges many
	// applications seldom.
	PackRenderings bool
	// Encoding seals; nil is JSON.
	Encoding plugin.Encoding
	// Clock is the time by which everything is judged; nil is the machine's.
	Clock func() time.Time
	// TrustDir keeps the last good copies of trust roots that mirrors give out;
	// empty keeps them in memory alone.
	TrustDir string
	// Facts keeps what registries said where the next process finds it; nil keeps
	// it in memory alone.
	Facts *facts.Store
	// KeepObjects has verdicts keep the rendered and the sealed objects. Whoever
	// sets it compares many applications, each once: few renderings are kept.
	KeepObjects bool
	// ReleasesApart leaves HelmReleases in an application of the platform to
	// JudgeRelease: whoever sets it judges each of them as an application of its own.
	ReleasesApart bool
	// Progress hears the name of each stage; may be nil.
	Progress func(stage string)
	// Scanner is the user's own; nil for none. Only the command line may set it:
	// a scanner reaches the network and reads credentials by itself.
	Scanner Scanner
}

// Scanner runs the user's own vulnerability scanner.
type Scanner = predicate.Local

// Setup makes pipelines. It is safe for use by many goroutines; Close it to
// end worker processes.
type Setup struct {
	options  Options
	compiler *policy.Compiler
	mutators *mutate.Compiler
	cache    *render.Cache
	warnings []plugin.Finding
	mirrors  *mirrors

	// trust guards the verifiers that are renewed with the trust roots.
	trust   sync.Mutex
	renewed []*renewed

	mu        sync.Mutex
	clients   map[string]*registry.Client
	pipelines map[string]*plugin.Pipeline
	workers   map[workersKey]*isolated
}

// New checks the options and the configuration that does not depend on an
// application: every rule of every gate compiles, or there is no Setup.
func New(options Options) (*Setup, error) {
	if options.Config == nil || len(options.Config.Gates) == 0 {
		return nil, errors.New("setting up: there is no gate")
	}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Encoding == nil {
		options.Encoding = plugin.JSONEncoding{}
	}
	s := &Setup{
		options: options, compiler: policy.NewCompiler(), mutators: mutate.NewCompiler(),
		cache:   render.NewCache(renderCacheBytes(options)),
		clients: map[string]*registry.Client{}, pipelines: map[string]*plugin.Pipeline{}, workers: map[workersKey]*isolated{},
	}
	s.cache.KeepRandom, s.cache.Packed = options.KeepRandom, options.PackRenderings
	var err error
	if s.mirrors, err = newMirrors(options); err != nil {
		return nil, fmt.Errorf("setting up the trust roots: %w", err)
	}
	if err := s.compileAll(); err != nil {
		return nil, err
	}
	return s, nil
}

// renderCacheBytes bounds the renderings that are kept. In a comparison what was
// rendered to see what it defines is judged soon afterwards or never.
func renderCacheBytes(options Options) int64 {
	if options.KeepObjects {
		return plugin.DefaultLimits().RenderCacheBytes / 4
	}
	return plugin.DefaultLimits().RenderCacheBytes
}

// Warnings are about the configuration: a policy without a binding, an option
// that accepts more than its author may think.
func (s *Setup) Warnings() []plugin.Finding { return s.warnings }

// Digests name what the configuration says about single applications, as the
// files that it names are now.
func (s *Setup) Digests() (*gate.Digests, error) { return s.options.Config.Digests() }

// compileAll makes the stages of every gate once, so that a broken gate is
// told when it is loaded, not when the first application meets it.
func (s *Setup) compileAll() error {
	var problems []error
	for _, each := range s.options.Config.Gates {
		pipeline, err := s.build([]gate.Gate{each})
		problems = append(problems, err)
		s.pipelines[each.Metadata.Name] = pipeline // no Setup is returned when it is nil
	}
	for _, conflict := range s.options.Config.Conflicts() {
		problems = append(problems, errors.New(conflict.Message()))
	}
	s.warnWaivers()
	return errors.Join(problems...)
}

// Close ends the worker processes and lets go of connections.
func (s *Setup) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, client := range s.clients {
		client.Close()
	}
	for _, workers := range s.workers {
		workers.close()
	}
}

// Judge runs the pipeline of the source's application. Whatever goes wrong on
// the way to the pipeline is a denial in the verdict.
func (s *Setup) Judge(ctx context.Context, source plugin.Source) *plugin.Verdict {
	pipeline, err := s.Pipeline(source)
	if err != nil {
		return refused(source, s.options.Clock(), err)
	}
	return pipeline.Run(ctx, source)
}

// refused is the verdict on an application for which there is no pipeline.
func refused(source plugin.Source, at time.Time, err error) *plugin.Verdict {
	findings := plugin.FindingsFromError("gate", err)
	for i := range findings {
		findings[i].Unwaivable = true
	}
	plugin.SortFindings(findings)
	return &plugin.Verdict{
		Application: source.Application, Revision: source.Revision, Path: source.Path, RepositoryPath: source.RepositoryPath, At: at.UTC(), Findings: findings,
	}
}

// Pipeline chooses the gates of the source's application and returns what they
// mean together. The same gates share one pipeline.
func (s *Setup) Pipeline(source plugin.Source) (*plugin.Pipeline, error) {
	gates, err := s.options.Config.Select(source.Application, source.Path, source.RepositoryPath)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(gates))
	for i := range gates {
		names[i] = gates[i].Metadata.Name
	}
	key := strings.Join(names, "\x00")
	s.mu.Lock()
	defer s.mu.Unlock()
	if pipeline, made := s.pipelines[key]; made {
		return pipeline, nil
	}
	pipeline, err := s.build(gates)
	if err != nil {
		return nil, err
	}
	s.pipelines[key] = pipeline
	return pipeline, nil
}
