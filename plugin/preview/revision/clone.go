package revision

import (
	"context"
	"strings"
)

// Clone is the repository around a folder.
type Clone struct {
	// Top is the worktree's folder; empty where there is none.
	Top string
	// Remotes are as in [Pair.Remotes]; Branches are the one that is checked out
	// and the remote's default branch.
	Remotes, Branches []string
}

// FindClone looks from a folder upwards. Where there is no repository, or no
// git, the answer is empty.
func FindClone(ctx context.Context, dir string) Clone {
	found, err := findRepository(ctx, dir)
	if err != nil || found.top == "" {
		return Clone{}
	}
	clone := Clone{Top: found.top, Remotes: found.settings.addresses()}
	for _, each := range []struct{ name, prefix string }{{"HEAD", "refs/heads/"}, {"refs/remotes/origin/HEAD", "refs/remotes/origin/"}} {
		if target, err := found.target(ctx, each.name); err == nil && strings.HasPrefix(target, each.prefix) {
			clone.Branches = append(clone.Branches, strings.TrimPrefix(target, each.prefix))
		}
	}
	return clone
}
