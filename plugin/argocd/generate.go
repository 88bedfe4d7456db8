package argocd

import (
	"context"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// GenerateOptions configure [Generate].
type GenerateOptions struct {
	Judge Judge
	Log   *slog.Logger
	// Unlogged keeps the message from naming a report in the log: argocd-cmp-server
	// shows a command's standard error in the Application's condition, where no log
	// belongs.
	Unlogged bool
	Clock    func() time.Time
	// Dir is the application's folder, and Environ its environment, as
	// argocd-cmp-server gives them to a command.
	Dir     string
	Environ []string
}

// Generate judges one application for argocd-cmp-server, which unpacked it.
func Generate(ctx context.Context, options GenerateOptions) Answer {
	d := door{judge: options.Judge, log: options.Log, clock: options.Clock, unlogged: options.Unlogged}
	asked, err := readEnvironment(options.Environ)
	if err != nil {
		return d.answer(ctx, d.failed(asked.source(nil, "."), err))
	}
	tree, folder := split(options.Dir, asked.sourcePath)
	root, err := os.OpenRoot(tree)
	if err != nil {
		return d.answer(ctx, d.failed(asked.source(nil, folder), noDisk(err)))
	}
	defer func() { _ = root.Close() }()
	ctx, cancel := withRoom(ctx)
	defer cancel()
	alone := turn{enter: func(context.Context, string) (func(), error) { return func() {}, nil }}
	return d.answer(ctx, d.settle(ctx, asked.source(root, folder), alone))
}

// split finds the repository's folder above the application's: what the source
// path says lies between them. Where it does not end so, the application's
// folder is all there is.
func split(dir, sourcePath string) (tree, folder string) {
	folder = path.Clean(sourcePath)
	rest, found := strings.CutSuffix(filepath.ToSlash(dir), "/"+folder)
	if sourcePath == "" || folder == "." || !isLocal(folder) || !found {
		return dir, "."
	}
	return filepath.FromSlash(rest + "/"), folder
}
