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
	"github.com/assay-gitops/assay/plugin/inplace"
	"github.com/assay-gitops/assay/plugin/migrate"
	"github.com/assay-gitops/assay/plugin/preview/revision"
)

func newMigrate(s streams) *cobra.Command {
	m := migrator{streams: s}
	cmd := &cobra.Command{
		Use:   "migrate PATH...",
		Short: "rewrite Argo CD Applications to assay's plugin, and prove it",
		Long: `migrate rewrites the helm, kustomize and directory sources of Argo CD's
Applications and ApplicationSets, in files and folders, to the plugin block. It
prints a diff, and with --in-place writes the files, comments and order as they
were.

Each source is rendered both ways first, before hardening, and the objects must
be the same. A file with something that cannot be carried over, or that renders
to something else, is not written. What cannot be compared, as its source lies
elsewhere, is listed, and written only with --unproven.`,
		Example: `  assay migrate examples/preview-argocd/environments.yaml --root examples/preview-argocd
  assay migrate apps/ --in-place`,
		Args: someOf("PATH of a file or folder"),
		RunE: func(cmd *cobra.Command, args []string) error { return m.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&m.inPlace, "in-place", false, "write the files; without it nothing is written")
	flags.BoolVar(&m.unproven, "unproven", false, "write also what could not be compared")
	flags.StringVar(&m.root, "root", "", "`folder` of the repository; default: that of the clone around the working directory")
	flags.StringArrayVar(&m.repositories, "repository", nil, "`URL` that means this repository (repeatable); default: its remotes")
	flags.StringArrayVar(&m.branches, "branch", nil, "`name` of a branch or revision that means what lies here (repeatable); default: the branch and the default branch")
	return cmd
}

type migrator struct {
	streams
	inPlace, unproven      bool
	root                   string
	repositories, branches []string
}

func (m *migrator) run(ctx context.Context, args []string) (err error) {
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
	own := clone.Remotes
	for _, url := range m.repositories {
		own = append(own, revision.NormalizeURL(url))
	}
	branches := slices.Concat(clone.Branches, m.branches, []string{"", "HEAD"})
	files, err := migrate.Run(ctx, migrate.Options{
		Root: root, Limits: plugin.DefaultLimits(),
		// Where nobody says what the repository is called, what lies in it decides.
		Own:    func(url string) bool { return len(own) == 0 || slices.Contains(own, revision.NormalizeURL(url)) },
		Tracks: func(name string) bool { return clone.Top == "" || slices.Contains(branches, name) },
	}, paths)
	if err == nil && m.inPlace {
		err = migrate.Write(root, files, m.unproven)
	}
	if err != nil {
		return asExit(err)
	}
	return m.tell(files)
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

// tell prints the files and what stands in the way, and gives the exit code.
func (m *migrator) tell(files []migrate.File) error {
	var plan inplace.Plan
	code, written, proven := exitAllowed, 0, 0
	for _, file := range files {
		m.problems("refused", file.Refused)
		m.problems("differs", file.Different)
		m.problems("not proven", file.Unproven)
		proven += file.Proven
		if len(file.Refused)+len(file.Different) > 0 {
			code = exitDenied
			continue
		}
		if len(file.Unproven) > 0 && !m.unproven && code == exitAllowed {
			code = exitUndetermined
		}
		if file.MayWrite(m.unproven) {
			written++
		}
		if file.MayWrite(m.unproven || !m.inPlace) {
			plan.Files = append(plan.Files, inplace.File{Path: file.Path, Old: file.Old, New: file.New})
		}
	}
	done := "to be written; run it with --in-place to write"
	if m.inPlace {
		printWritten(m.out, &plan)
		done = "written; review and commit"
	} else {
		printDiff(m.out, &plan)
	}
	if len(files) == 0 {
		done = "to be written: there is nothing to migrate"
	}
	tell(m.err, "%s proven to render to the same objects, %s "+done+"\n", counted(proven, "source"), counted(written, "file"))
	if code != exitAllowed {
		return &exit{code: code}
	}
	return nil
}

func (m *migrator) problems(what string, problems []migrate.Problem) {
	for _, each := range problems {
		tell(m.err, "%s: %s: %s: %s\n", what, each.Where.String(), each.Field, each.Reason)
		if each.Hint != "" {
			tell(m.err, "  %s\n", each.Hint)
		}
	}
}
