package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/migrate"
	"github.com/assay-gitops/assay/plugin/migrate/live"
	"github.com/assay-gitops/assay/plugin/preview/revision"
	"github.com/assay-gitops/assay/plugin/render"
)

func newMigrate(s streams) *cobra.Command {
	m := migrator{streams: s}
	cmd := &cobra.Command{
		Use:   "migrate PATH... | migrate --from-cluster",
		Short: "rewrite Argo CD Applications to assay's plugin, and prove it",
		Long: `migrate rewrites the helm, kustomize and directory sources of Argo CD's
Applications and ApplicationSets, in files and folders, to the plugin block. It
prints a diff, and with --in-place writes the files, comments and order as they
were. With --from-cluster it reads them from a cluster and prints them anew; it
writes to the cluster with --in-place alone.

Each source is rendered both ways first, before hardening, and the objects must
be the same. A file with something that cannot be carried over, or that renders
to something else, is not written. What cannot be compared, as its source lies
elsewhere, is listed, and written only with --unproven. What assay adds to what
is proven is shown apart: what --gate fills in and pins, or without a gate what
the embedded one fills in, and no registry is asked.`,
		Example: `  assay migrate examples/preview-argocd/environments.yaml --root examples/preview-argocd
  assay migrate apps/ --in-place
  assay migrate apps/ --gate gate/ --output json`,
		RunE: func(cmd *cobra.Command, args []string) error { return m.run(cmd.Context(), args) },
	}
	m.flags(cmd)
	return cmd
}

type migrator struct {
	streams
	gates                                     gateFlags
	inPlace, unproven, fromCluster            bool
	root, format                              string
	repositories, branches, sources, clusters []string
	cluster                                   live.Options
}

func (m *migrator) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&m.inPlace, "in-place", false, "write the files, or to the cluster; without it nothing is written")
	flags.BoolVar(&m.unproven, "unproven", false, "write also what could not be compared")
	flags.StringVar(&m.root, "root", "", "`folder` of the repository; default: that of the clone around the working directory")
	flags.StringArrayVar(&m.repositories, "repository", nil, "`URL` that means this repository (repeatable); default: its remotes")
	flags.StringArrayVar(&m.branches, "branch", nil, "`name` of a branch or revision that means what lies here (repeatable); default: the branch and the default branch")
	flags.StringArrayVar(&m.sources, "source", nil, "checkout of another repository, as `URL=folder` (repeatable)")
	flags.StringArrayVar(&m.clusters, "clusters", nil, "`file` with Argo CD's cluster Secrets, for the cluster generator (repeatable)")
	flags.StringArrayVarP(&m.gates.gates, "gate", "g", nil, "gate `file or folder` (repeatable), to show what it adds; without one the embedded default gate, and no registry is asked")
	flags.StringVarP(&m.format, "output", "o", "text", "report `format`: text, json")
	flags.BoolVar(&m.fromCluster, "from-cluster", false, "read from a cluster, and print the rewritten manifests")
	flags.StringVar(&m.cluster.Kubeconfig, "kubeconfig", "", "`file` that says how to reach the cluster; default: as kubectl")
	flags.StringVar(&m.cluster.Context, "context", "", "`name` of the kubeconfig's context; default: the current one")
	flags.StringArrayVarP(&m.cluster.Namespaces, "namespace", "n", nil, "`namespace` of the cluster to read (repeatable); default: all")
	offer(cmd, "output", "text", "json")
	offer(cmd, "context")
	offer(cmd, "namespace")
	offerFolders(cmd, "root")
}

// usage checks what only works together.
func (m *migrator) usage(args []string) error {
	ofCluster := m.cluster.Kubeconfig != "" || m.cluster.Context != "" || len(m.cluster.Namespaces) > 0
	switch {
	case m.fromCluster && len(args) > 0:
		return fmt.Errorf("--from-cluster reads no files: leave out %s, or the flag", args[0])
	case !m.fromCluster && ofCluster:
		return errors.New("--kubeconfig, --context and --namespace are for --from-cluster")
	case !m.fromCluster && len(args) == 0:
		return errors.New("name the PATH of a file or folder, or read a cluster with --from-cluster")
	case m.format != "text" && m.format != "json":
		return fmt.Errorf("reading --output %q: write text or json", m.format)
	}
	return nil
}

func (m *migrator) run(ctx context.Context, args []string) (err error) {
	if err := m.usage(args); err != nil {
		return &exit{code: exitUsage, err: err}
	}
	clone := revision.FindClone(ctx, cmp.Or(m.root, "."))
	dir := cmp.Or(m.root, clone.Top, ".")
	paths, err := below(dir, args)
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return &exit{code: exitUsage, err: fmt.Errorf("opening the repository's folder: %w", err)}
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	options := migrate.Options{Root: root, Limits: plugin.DefaultLimits()}
	m.names(&options, clone)
	end, err := m.elsewhere(ctx, &options)
	defer end()
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	end, err = m.harden(ctx, &options)
	if err != nil {
		return err
	}
	defer end()
	if m.fromCluster {
		return m.ofCluster(ctx, options)
	}
	result, err := migrate.Run(ctx, options, paths)
	if err == nil && m.inPlace {
		err = migrate.Write(root, result.Files, m.unproven)
	}
	if err != nil {
		return asExit(err)
	}
	return m.tell(result)
}

// names says what the tree is called.
func (m *migrator) names(options *migrate.Options, clone revision.Clone) {
	own := slices.Clone(clone.Remotes)
	for _, url := range m.repositories {
		own = append(own, revision.NormalizeURL(url))
	}
	branches := slices.Concat(clone.Branches, m.branches, []string{"", "HEAD"})
	// Where nobody says what the repository is called, what lies in it decides; a
	// cluster has Applications of many.
	options.Own = func(url string) bool {
		return len(own) == 0 && !m.fromCluster || slices.Contains(own, revision.NormalizeURL(url))
	}
	options.Tracks = func(name string) bool {
		return clone.Top == "" && !m.fromCluster || slices.Contains(branches, name)
	}
}

// elsewhere opens the checkouts of other repositories, and reads the clusters.
func (m *migrator) elsewhere(ctx context.Context, options *migrate.Options) (func(), error) {
	roots := map[string]*os.Root{}
	end := func() {
		for _, root := range roots {
			_ = root.Close()
		}
	}
	sources, err := folders(m.sources)
	if err != nil {
		return end, err
	}
	for url, folder := range sources {
		if roots[url], err = os.OpenRoot(folder); err != nil {
			delete(roots, url)
			return end, fmt.Errorf("opening the checkout of %s: %w", plugin.RedactURL(url), err)
		}
	}
	options.Elsewhere = func(url string) *os.Root { return roots[revision.NormalizeURL(url)] }
	for _, file := range m.clusters {
		objects, err := readLive(ctx, file)
		if err != nil {
			return end, err
		}
		options.Clusters = append(options.Clusters, objects...)
	}
	return end, nil
}

// harden has the gates say what they add. With gates of the user's own charts
// are fetched, too, from the hosts that they allow.
func (m *migrator) harden(ctx context.Context, options *migrate.Options) (func(), error) {
	j := job{streams: m.streams, gates: &m.gates, render: &renderFlags{}, many: true, does: "rendering both ways"}
	s, _, end, err := j.begin(ctx)
	if err != nil {
		return nil, err
	}
	if len(m.gates.gates) == 0 {
		options.Harden = func(ctx context.Context, source plugin.Source, rendering plugin.Rendering) *plugin.Verdict {
			return migrate.Unasked(ctx, s, source, rendering)
		}
		return end, nil
	}
	options.Harden = func(ctx context.Context, source plugin.Source, _ plugin.Rendering) *plugin.Verdict {
		return s.Judge(ctx, source) // as the gates render it
	}
	options.Chart = func(ctx context.Context, source plugin.Source, chart render.ChartReference) ([]byte, error) {
		published, err := s.FetchChart(ctx, source, chart)
		return published.Archive, err
	}
	return end, nil
}

// below are paths relative to a folder that they lie in.
func below(dir string, args []string) ([]string, error) {
	top, err := resolved(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, arg := range args {
		at, err := resolved(arg)
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(top, at)
		if err != nil || !filepath.IsLocal(name) {
			return nil, fmt.Errorf("%s is not in the repository's folder %s; name that with --root", arg, dir)
		}
		paths = append(paths, filepath.ToSlash(name))
	}
	return paths, nil
}

func resolved(name string) (string, error) {
	at, err := filepath.Abs(name)
	if err == nil {
		at, err = filepath.EvalSymlinks(at)
	}
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", name, err)
	}
	return at, nil
}
