package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

func newLock(s streams) *cobra.Command {
	var gates gateFlags
	var render renderFlags
	var check bool
	cmd := &cobra.Command{
		Use:   "lock PATH",
		Short: "write images.lock.yaml: which digest stands for which tag",
		Long: `lock asks the registries what each tag of the application at PATH stands for and
writes images.lock.yaml beside it, sorted, for review and commit. Nothing is
written unless every tag has an answer.

With --check nothing is written: the command fails when the file is missing or
says something else than the registries do now.`,
		Example: `  assay lock examples/shop-kustomize/overlays/prod
  assay lock examples/shop-chart --check`,
		Args: onePath("the PATH of an application"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l := locker{job: job{streams: s, path: args[0], gates: &gates, render: &render, does: "resolving images"}}
			if check {
				return l.check(cmd.Context())
			}
			return l.write(cmd.Context())
		},
	}
	gates.add(cmd)
	render.add(cmd)
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; fail when the file is not what would be written")
	return cmd
}

// locker is one run of the lock command.
type locker struct{ job }

// file is the lock file's path on disk.
func (l locker) file() (string, error) {
	if l.path == "-" {
		return "", errors.New("locking: standard input has no folder to keep images.lock.yaml in; name a path")
	}
	info, err := os.Stat(l.path)
	if err != nil {
		return "", fmt.Errorf("locking: %w", err)
	}
	dir := l.path
	if !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	return filepath.Join(dir, plugin.LockFile), nil
}

// locks are what the file should hold and what it holds.
type locks struct {
	want plugin.Lock
	// have is nil when there is no file.
	have *plugin.Lock
}

func (l locker) compute(ctx context.Context) (locks, error) {
	s, source, closeAll, err := l.open(ctx)
	if err != nil {
		return locks{}, err
	}
	images, findings, err := s.Images(ctx, source)
	present, unreadable := plugin.ReadLock(source, 0)
	closeAll() // before anything is printed, for the sake of the line of progress
	if err != nil {
		return locks{}, asExit(err)
	}
	if err := l.refuse(findings); err != nil {
		return locks{}, err
	}
	if unreadable != nil {
		return locks{}, &exit{code: exitDenied, err: unreadable}
	}
	return locks{want: setup.LockOf(images, present), have: present}, nil
}

// texts are the two as files. That of none is nil.
func (l locks) texts() (want, have []byte, err error) {
	if l.have != nil {
		if have, err = l.have.Format(); err != nil {
			return nil, nil, &exit{code: exitDenied, err: err}
		}
	}
	if want, err = l.want.Format(); err != nil {
		return nil, nil, &exit{code: exitDenied, err: err}
	}
	return want, have, nil
}

// refuse prints what stands in the way of a lock file.
func (l locker) refuse(findings []plugin.Finding) error {
	end := exit{code: exitUndetermined}
	blocked := false
	for _, finding := range findings {
		if !finding.Level.Blocks() {
			continue
		}
		blocked = true
		if finding.Level != plugin.Undetermined {
			end.code = exitDenied
		}
		fmt.Fprintf(l.err, "%s: %s: %s\n", finding.Rule, report.Neutral(finding.Subject()), report.Neutral(finding.Message))
	}
	if !blocked {
		return nil
	}
	end.err = fmt.Errorf("locking %s: not every image has a digest; nothing was written", l.path)
	return &end
}

func (l locker) write(ctx context.Context) error {
	file, err := l.file()
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	computed, err := l.compute(ctx)
	if err != nil {
		return err
	}
	want, have, err := computed.texts()
	if err != nil {
		return err
	}
	if bytes.Equal(want, have) {
		tell(l.out, "%s is up to date\n", file)
		return nil
	}
	if err := writeAtomically(file, want); err != nil {
		return &exit{code: exitUndetermined, err: err}
	}
	tell(l.out, "wrote %s\n", file)
	return nil
}

func (l locker) check(ctx context.Context) error {
	file, err := l.file()
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	computed, err := l.compute(ctx)
	if err != nil {
		return err
	}
	want, have, err := computed.texts()
	switch {
	case err != nil:
		return err
	case have == nil:
		return &exit{code: exitDenied, err: fmt.Errorf("checking %s: there is no such file; run 'assay lock %s'", file, l.path)}
	case !bytes.Equal(want, have):
		computed.printChanges(l.out)
		return &exit{code: exitDenied, err: fmt.Errorf("checking %s: it is not what the registries say now; run 'assay lock %s' and review the change", file, l.path)}
	}
	tell(l.out, "%s is up to date\n", file)
	return nil
}

// printChanges says of every image that the two do not agree about what the
// file says and what it would say.
func (l locks) printChanges(w io.Writer) {
	have, want := map[string]string{}, map[string]string{}
	for _, entry := range l.have.Images {
		have[entry.Image] = entry.Digest
	}
	for _, entry := range l.want.Images {
		want[entry.Image] = entry.Digest
	}
	all := maps.Clone(have)
	maps.Copy(all, want)
	for _, image := range slices.Sorted(maps.Keys(all)) {
		before, after := have[image], want[image]
		switch {
		case before == after:
		case before == "":
			fmt.Fprintf(w, "%s is not in the file\n  now %s\n", report.Neutral(image), after)
		case after == "":
			fmt.Fprintf(w, "%s is no longer used\n  was %s\n", report.Neutral(image), before)
		default:
			fmt.Fprintf(w, "%s has moved\n  was %s\n  now %s\n", report.Neutral(image), before, after)
		}
	}
}

// writeAtomically replaces a file by rename, so that no reader sees half of it.
func writeAtomically(path string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // after the rename there is nothing left to remove
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
