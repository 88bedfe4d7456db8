package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace"
	"github.com/assay-gitops/assay/plugin/render"
)

// Options say what is looked at.
type Options struct {
	// Root confines every read and write: the repository's folder.
	Root *os.Root
	// Own reports whether a repository's URL means this tree, Tracks whether a
	// revision does.
	Own    func(url string) bool
	Tracks func(revision string) bool
	// Elsewhere is a checkout of another repository at the revision that is asked
	// for; nil where nobody gave one.
	Elsewhere func(url string) *os.Root
	// Clusters are Argo CD's cluster Secrets for the cluster generator; nil where
	// nobody gave them.
	Clusters []plugin.Object
	// Chart fetches a chart of a Helm repository or registry; nil fetches none.
	Chart func(ctx context.Context, source plugin.Source, chart render.ChartReference) ([]byte, error)
	// Harden says what assay adds to a source that was proven the same, and what
	// that rendered to; nil says nothing of it.
	Harden func(ctx context.Context, source plugin.Source, rendering plugin.Rendering) *plugin.Verdict
	Limits plugin.Limits
	// Workers are how many sources are rendered side by side; zero is one for each
	// processor.
	Workers int
}

// Result is what a run came to.
type Result struct {
	// Files are those in which something is to be done, or cannot be.
	Files []File
	// Hardened is what assay adds to each source that was proven, in the order of
	// the files.
	Hardened []Hardened
	// Renderings counts how often a source was rendered.
	Renderings int
}

// mostFiles bounds the files of one run that define Applications.
const mostFiles = 10_000

// definition is a line that names what is rewritten.
var definition = regexp.MustCompile(`kind["']?\s*:\s*["']?Application(Set)?\b`)

var group = regexp.MustCompile(`apiVersion["']?\s*:\s*["']?argoproj\.io/`)

// mover is one run.
type mover struct {
	Options
	// renderer is shared: kustomize keeps its schema in a global.
	renderer   *render.Renderer
	renderings atomic.Int64
}

// Run reads files and folders, rewrites what they hold and proves it; nothing
// is written. Files in which there is nothing to do are left out. The error is
// no answer.
func Run(ctx context.Context, options Options, paths []string) (Result, error) {
	var names []string
	for _, each := range paths {
		found, err := options.files(each)
		if err != nil {
			return Result{}, err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	var files []File
	for _, name := range slices.Compact(names) {
		if err := context.Cause(ctx); err != nil {
			return Result{}, fmt.Errorf("looking at %s: %w", name, err)
		}
		data, err := options.read(name)
		if err != nil {
			return Result{}, fmt.Errorf("reading %s: %w", name, err)
		}
		if !definition.Match(data) || !group.Match(data) {
			continue
		}
		if len(files) == mostFiles {
			return Result{}, fmt.Errorf("more than %d files define Applications; name a folder below", mostFiles)
		}
		files = append(files, File{Path: name, Old: data, New: data})
	}
	return move(ctx, options, files)
}

// Documents rewrites and proves texts that are no files, as Run does.
func Documents(ctx context.Context, options Options, documents []File) (Result, error) {
	files := slices.Clone(documents)
	for i := range files {
		files[i].New, files[i].document = files[i].Old, true
	}
	return move(ctx, options, files)
}

// move rewrites and proves, the files and their sources side by side.
func move(ctx context.Context, options Options, files []File) (Result, error) {
	m := &mover{Options: options, renderer: render.New(render.Options{Limits: options.Limits})}
	todo := make([][]comparison, len(files))
	err := m.each(ctx, len(files), func(ctx context.Context, i int) error {
		m.rewrite(&files[i])
		if len(files[i].Refused) > 0 || files[i].Sources == 0 {
			return nil
		}
		var err error
		todo[i], err = m.comparisons(ctx, &files[i])
		if reason, refused := refusal(err); refused {
			files[i].Refused = append(files[i].Refused, Problem{Where: plugin.Origin{File: files[i].Path}, Reason: reason, Hint: "correct it"})
			return nil
		}
		return err
	})
	if err != nil {
		return Result{}, err
	}
	all := slices.Concat(todo...)
	answers := make([]answer, len(all))
	if err := m.each(ctx, len(all), func(ctx context.Context, i int) (err error) {
		answers[i], err = m.compare(ctx, all[i])
		return err
	}); err != nil {
		return Result{}, err
	}
	return m.result(files, all, answers), nil
}

// each runs work on numbers below a count, as many at once as there are workers.
func (m *mover) each(ctx context.Context, count int, work func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	if group.SetLimit(m.Workers); m.Workers <= 0 {
		group.SetLimit(runtime.GOMAXPROCS(0))
	}
	for i := range count {
		group.Go(func() error {
			if err := context.Cause(ctx); err != nil {
				return fmt.Errorf("moving Applications: %w", err)
			}
			return work(ctx, i)
		})
	}
	return group.Wait() //nolint:wrapcheck // the work's own
}

// result gathers what the comparisons said, file by file.
func (m *mover) result(files []File, all []comparison, answers []answer) Result {
	var result Result
	for i, each := range all {
		each.file.take(answers[i])
		if answers[i].hardened != nil {
			result.Hardened = append(result.Hardened, *answers[i].hardened)
		}
	}
	for _, file := range files {
		if file.Sources > 0 || len(file.Refused) > 0 {
			result.Files = append(result.Files, file)
		}
	}
	result.Renderings = int(m.renderings.Load())
	return result
}

// files are the YAML files at or below a path. Links are not followed.
func (o Options) files(name string) ([]string, error) {
	var names []string
	err := fs.WalkDir(o.Root.FS(), name, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.Type().IsRegular() && (at == name || slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(at))):
			names = append(names, at)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for Applications: %w", err)
	}
	return names, nil
}

func (o Options) read(name string) ([]byte, error) {
	opened, err := o.Root.Open(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	defer func() { _ = opened.Close() }()
	data, err := io.ReadAll(io.LimitReader(opened, o.Limits.FileBytes+1))
	if err == nil && int64(len(data)) > o.Limits.FileBytes {
		err = errors.New("it goes over the limit fileBytes")
	}
	return data, err //nolint:wrapcheck // the caller names the file
}

// MayWrite reports whether a file is rewritten: nothing of it is refused or
// differs, and what is not proven was asked for.
func (f File) MayWrite(unproven bool) bool {
	return f.Sources > 0 && len(f.Refused) == 0 && len(f.Different) == 0 && (unproven || len(f.Unproven) == 0)
}

// Write writes the files that may be written: all of them, or none.
func Write(root *os.Root, files []File, unproven bool) error {
	var plan inplace.Plan
	for _, each := range files {
		if each.MayWrite(unproven) {
			plan.Files = append(plan.Files, inplace.File{Path: each.Path, Old: each.Old, New: each.New})
		}
	}
	return plan.Write(root) //nolint:wrapcheck // it names the file
}
