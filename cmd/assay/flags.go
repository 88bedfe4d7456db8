package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// gateFlags say by which gates an application is judged.
type gateFlags struct {
	gates     []string
	project   string
	namespace string
	revision  string
	lenient   bool
	live      string
	at        string
	// byProject is set by load when a gate is chosen by project.
	byProject bool
	// config is what load read: whoever asks again gets the same gates.
	config *gate.Config
}

func (f *gateFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.gates, "gate", "g", nil, "gate `file or folder` (repeatable); without one the embedded default gate applies")
	flags.StringVar(&f.project, "project", "", "AppProject of the application; it chooses base gates")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "destination namespace")
	offer(cmd, "project")
	offer(cmd, "namespace")
}

// addJudging adds what matters to a verdict alone.
func (f *gateFlags) addJudging(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.revision, "revision", "", "`revision` of the source, for break glass and reports")
	cmd.Flags().BoolVar(&f.lenient, "lenient", false, "warn about images that no trust rule covers, instead of denying them")
	cmd.Flags().StringVar(&f.live, "live", "", "`file` with the objects as they are in the cluster (kubectl get -o yaml), for rules about updates")
	cmd.Flags().StringVar(&f.at, "at", "", "judge waivers and ages by this `time` (RFC 3339); default: now")
	offer(cmd, "revision")
	offer(cmd, "at")
}

// offer makes completion offer these words for a flag's value, and no files.
// There is no such flag: that is a mistake in this program, which its first
// test finds.
func offer(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}

// offerFolders makes completion offer folders alone.
func offerFolders(cmd *cobra.Command, flag string) {
	if err := cmd.MarkFlagDirname(flag); err != nil {
		panic(err)
	}
}

// load reads the gates, once. Gates are never looked for in the application's
// tree.
func (f *gateFlags) load() (*gate.Config, error) {
	if f.config != nil {
		return f.config, nil
	}
	if len(f.gates) == 0 {
		return gate.Default(), nil
	}
	config, err := gate.Load(f.gates...)
	if err != nil {
		return nil, err
	}
	f.config = config
	f.byProject = slices.ContainsFunc(config.Gates, func(g gate.Gate) bool { return len(g.Spec.Selector.Projects) > 0 })
	return config, nil
}

// unloaded is the end of a command whose gates do not load: a path on the
// command line that is not there is wrong usage, and what is wrong with a gate
// that is there denies.
func (f *gateFlags) unloaded(err error) error {
	for _, path := range f.gates {
		if _, missing := os.Stat(path); errors.Is(missing, fs.ErrNotExist) {
			return &exit{code: exitUsage, err: err}
		}
	}
	return &exit{code: exitDenied, err: err}
}

// clock is the time by which everything is judged; nil is the machine's.
func (f *gateFlags) clock() (func() time.Time, error) {
	if f.at == "" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, f.at)
	if err != nil {
		return nil, fmt.Errorf("reading --at %q: write a time such as 2026-12-31T08:00:00Z", f.at)
	}
	return func() time.Time { return at }, nil
}

// renderFlags are the rendering parameters that people use most; the others
// come from a file.
type renderFlags struct {
	release    string
	values     []string
	set        []string
	parameters string
	root       string
	isolated   bool
}

func (f *renderFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.release, "name", "", "application (and Helm release) `name`; default: the folder's name")
	flags.StringArrayVarP(&f.values, "values", "f", nil, "Helm value `file`, relative to the chart (repeatable)")
	flags.StringArrayVar(&f.set, "set", nil, "Helm `path=value` (repeatable)")
	flags.StringVar(&f.parameters, "parameters", "", "YAML `file` with further rendering parameters (helm, kustomize, directory)")
	flags.StringVar(&f.root, "root", "", "source tree that confines every read; default: the git checkout around PATH, else the working directory")
	flags.BoolVar(&f.isolated, "isolated", false, "render in a worker process without network, credentials or new processes")
	offer(cmd, "name")
	offer(cmd, "set")
	offerFolders(cmd, "root")
}

// read joins the parameter file, decoded strictly, and the flags.
func (f *renderFlags) read() (plugin.Parameters, error) {
	var parameters plugin.Parameters
	if f.parameters != "" {
		data, err := os.ReadFile(f.parameters)
		if err != nil {
			return parameters, fmt.Errorf("reading the rendering parameters: %w", err)
		}
		if err := yaml.UnmarshalStrict(data, &parameters); err != nil {
			return parameters, fmt.Errorf("reading the rendering parameters %s: %w", f.parameters, err)
		}
	}
	parameters.Helm.ValueFiles = append(parameters.Helm.ValueFiles, f.values...)
	parameters.Helm.Set = append(parameters.Helm.Set, f.set...)
	return parameters, nil
}

// application is what the command line says about the application at path.
func application(path string, g *gateFlags, r *renderFlags) plugin.Application {
	name := r.release
	if name == "" && path != "-" {
		if absolute, err := filepath.Abs(path); err == nil {
			name = filepath.Base(absolute)
		}
	}
	return plugin.Application{Name: name, Project: g.project, Namespace: g.namespace}
}
