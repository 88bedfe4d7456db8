package render

import (
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"

	"github.com/assay-gitops/assay/plugin"
)

// sourceIgnore tells which files of a checkout are not in the artifact that
// source-controller makes of it (github.com/fluxcd/pkg/artifact/storage,
// SourceIgnoreFilter): any pattern of the repository's own replaces the defaults
// but those for Git's files. Its nil value leaves out nothing.
type sourceIgnore struct{ matcher gitignore.Matcher }

func newSourceIgnore(checkout *plugin.FluxCheckout) *sourceIgnore {
	if checkout == nil {
		return nil
	}
	var patterns []gitignore.Pattern
	for _, each := range checkout.Ignore {
		var domain []string
		if each.Folder != "." && each.Folder != "" {
			domain = strings.Split(each.Folder, "/")
		}
		patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(each.Patterns), domain)...)
	}
	if len(patterns) == 0 {
		return &sourceIgnore{sourceignore.NewDefaultMatcher(nil, nil)}
	}
	return &sourceIgnore{sourceignore.NewMatcher(append(sourceignore.VCSPatterns(nil), patterns...))}
}

// leavesOut reports whether a file of the tree is not in the artifact.
func (i *sourceIgnore) leavesOut(name string) bool {
	return i != nil && i.matcher.Match(strings.Split(name, "/"), false)
}
