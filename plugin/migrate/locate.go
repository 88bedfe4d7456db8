package migrate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview"
	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// anyCommit stands for the commit of a source: both sides are given the same.
const anyCommit = "0000000000000000000000000000000000000000"

// absent is a source that cannot be rendered here, and what makes it seen.
type absent struct{ reason, hint string }

func (a absent) Error() string { return a.reason }

// locate is what a part is rendered from. An absent error says why it cannot be
// rendered here; any other is no answer.
func (m *mover) locate(ctx context.Context, application discover.Application, number int) (plugin.Source, error) {
	part := application.Parts[number]
	source := plugin.Source{Path: path.Clean(part.Path), RepositoryPath: path.Clean(part.Path), Application: application.Identity}
	if part.Chart == nil {
		var err error
		if source.Root, err = m.tree(part.Repository, part.Revision); err != nil {
			return source, err
		}
		if !isFolder(source.Root, source.Path) {
			return source, absent{"there is no folder " + part.Path + " in its repository's tree", "name the repository's folder with --root, or write it with --unproven"}
		}
	}
	settled, err := part.Settle(source.Root, anyCommit, m.Limits)
	if reason, refused := refusal(err); refused {
		return source, absent{reason: "its source is not rendered: " + reason}
	} else if err != nil {
		return source, err //nolint:wrapcheck // it names the part
	}
	source.Parameters = settled.Parameters
	if part.Chart != nil {
		source.Root = m.Root
		if err := m.chart(ctx, &source, part); err != nil {
			return source, err
		}
	}
	return source, m.references(&source, settled)
}

func isFolder(root *os.Root, name string) bool {
	info, err := root.Stat(name)
	return err == nil && info.IsDir()
}

// chart lays a published chart over the tree.
func (m *mover) chart(ctx context.Context, source *plugin.Source, part discover.Part) error {
	named := fmt.Sprintf("its source is the chart %s %s of %s", part.Chart.Name, part.Chart.Version, plugin.RedactURL(part.Chart.Repository))
	if m.Chart == nil {
		return absent{named + ", which is not in this tree", "name a gate whose charts.hosts has its host with --gate, or look at the difference, and write it with --unproven"}
	}
	archive, err := m.Chart(ctx, *source, *part.Chart)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("fetching %s: %w", part.Chart.Name, context.Cause(ctx))
	case err != nil:
		return absent{named + ", which is not fetched: " + err.Error(), "run it again where its host answers and a gate's charts.hosts allows it, or write it with --unproven"}
	}
	sum := sha256.Sum256(archive)
	source.Path = ".assay-chart-" + hex.EncodeToString(sum[:]) + ".tgz"
	source.Overlay = map[string][]byte{source.Path: archive}
	return nil
}

// references says where the trees are that files "$name/path" come from; what
// lies in another tree is laid over the source's own.
func (m *mover) references(source *plugin.Source, part discover.Part) error {
	helm := &source.Parameters.Helm
	for name, reference := range part.References {
		root, err := m.tree(reference.Repository, reference.Revision)
		if err != nil {
			return absent{"it takes value files from " + plugin.RedactURL(reference.Repository) + ": " + err.Error(), "name a checkout with --source URL=FOLDER, or write it with --unproven"}
		}
		if helm.References == nil {
			helm.References = map[string]string{}
		}
		if root == source.Root {
			helm.References[name] = "."
			continue
		}
		helm.References[name] = path.Join(".assay-values", name)
		if err := m.lay(source, root, name); err != nil {
			return err
		}
	}
	return nil
}

// lay lays the files of a reference over the source's tree.
func (m *mover) lay(source *plugin.Source, root *os.Root, name string) error {
	files := slices.Clone(source.Parameters.Helm.ValueFiles)
	for _, setting := range source.Parameters.Helm.SetFile {
		_, file, _ := strings.Cut(setting, "=")
		files = append(files, file)
	}
	for _, file := range files {
		rest, refers := strings.CutPrefix(file, "$"+name+"/")
		if !refers {
			continue
		}
		found, err := preview.ValueFiles(root, rest, m.Limits)
		if err != nil {
			return err
		}
		for at, data := range found {
			if source.Overlay == nil {
				source.Overlay = map[string][]byte{}
			}
			source.Overlay[path.Join(source.Parameters.Helm.References[name], at)] = data
		}
	}
	return nil
}
