package main

import (
	"context"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

func newGateTry(s streams) *cobra.Command {
	var against, project, root string
	cmd := &cobra.Command{
		Use:   "try NEW --against DIR",
		Short: "list whom a gate would deny, and which workloads would roll",
		Long: `try judges every application below DIR by the gate NEW and lists which would be
denied or have no answer, and which workloads would roll because the gate pins
or hardens them. Nothing is changed.

Exit codes: 0 every application is allowed, 1 one is denied, 2 one has no answer.`,
		Example: `  assay gate try examples/gates/starter --against examples`,
		Args:    onePath("the path of a NEW gate"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if against == "" {
				return &exit{code: exitUsage, err: fmt.Errorf("trying gate %s: --against DIR says which applications", args[0])}
			}
			flags := gateFlags{gates: args, project: project}
			config, err := flags.load()
			if err != nil {
				return flags.unloaded(err)
			}
			bar := startProgress(s.err)
			defer bar.end()
			bar.begin("loading the gates")
			set, err := setup.New(setup.Options{Config: config, Keychain: authn.DefaultKeychain, Progress: bar.begin, TrustDir: trustDir(cacheDir())})
			if err != nil {
				return asExit(err)
			}
			defer set.Close()
			return tryGate(cmd.Context(), s.out, trial{set, bar, against, project, root})
		},
	}
	cmd.Flags().StringVar(&against, "against", "", "`folder` with applications")
	cmd.Flags().StringVar(&project, "project", "", "AppProject of the applications; it chooses base gates")
	cmd.Flags().StringVar(&root, "root", "", "source tree that confines every read; default: the git checkout around DIR, else the working directory, else DIR")
	offerFolders(cmd, "against")
	offer(cmd, "project")
	offerFolders(cmd, "root")
	return cmd
}

// trial is a gate tried on all applications of a folder.
type trial struct {
	set          *setup.Setup
	bar          *progress
	dir, project string
	// root is the source tree of all applications.
	root string
}

func tryGate(ctx context.Context, w io.Writer, t trial) error {
	paths, err := findApplications(ctx, t.dir)
	switch {
	case err != nil && ctx.Err() != nil:
		return &exit{code: exitUndetermined, err: err}
	case err != nil:
		return &exit{code: exitUsage, err: err}
	}
	if t.root == "" {
		if t.root, err = treeOf(t.dir); err != nil {
			return &exit{code: exitUsage, err: err}
		}
	}
	counts := map[plugin.Outcome]int{}
	rolling := 0
	for i, path := range paths {
		t.bar.turnTo(fmt.Sprintf("%d of %d, %s", i+1, len(paths), path))
		v, rolls, err := t.judge(ctx, path)
		t.bar.hide()
		if err != nil {
			return &exit{code: exitUndetermined, err: err}
		}
		counts[v.Outcome()]++
		tell(w, "%-12s %s\n", v.Outcome(), path)
		for _, finding := range v.Findings {
			if finding.Level.Blocks() {
				fmt.Fprintf(w, "    %s: %s: %s\n", finding.Rule, report.Neutral(finding.Subject()), report.Neutral(finding.Message))
			}
		}
		for _, workload := range rolls {
			if workload.Effect == report.Rolls {
				rolling++
				fmt.Fprintf(w, "    would roll: %s\n", report.Neutral(workload.Object.String()))
				continue
			}
			fmt.Fprintf(w, "    would change: %s %s\n", report.Neutral(workload.Object.String()), workload.Effect.Says())
		}
	}
	fmt.Fprintf(w, "\n%d applications: %d allowed, %d denied, %d undetermined; %d workloads would roll\n",
		len(paths), counts[plugin.Allowed], counts[plugin.Denied], counts[plugin.Unanswered], rolling)
	switch {
	case counts[plugin.Denied] > 0:
		return &exit{code: exitDenied}
	case counts[plugin.Unanswered] > 0:
		return &exit{code: exitUndetermined}
	}
	return nil
}

// judge runs one application and says which of its workloads would roll.
func (t trial) judge(ctx context.Context, path string) (*plugin.Verdict, []report.Rollout, error) {
	tree, err := openTree(path, t.root)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = tree.Close() }()
	source := plugin.Source{
		Root: tree.root, Path: tree.path,
		Application: application(path, &gateFlags{project: t.project}, &renderFlags{}),
	}
	v := t.set.Judge(ctx, source)
	return v, report.Rollouts(v), nil
}
