package discover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

const (
	// mostFiles bounds the files of one tree that are looked at.
	mostFiles = 500_000
	// deepestFolder bounds how deep they lie, in folders.
	deepestFolder = 100
)

// Including is a kustomization or a chart of the tree that includes files which
// define applications. Its rendering defines them: a base that overlays patch is
// no application by itself.
type Including struct {
	// Path is its folder, Kind "kustomize" or "helm".
	Path, Kind string
	// Files are those with definitions.
	Files []string
}

// Files finds what the files of a tree define, in the order of their paths, and
// which kustomizations and charts are to be rendered to find the rest. Of
// kustomizations that include each other the outermost counts.
func Files(ctx context.Context, tree Tree) (Found, []Including) {
	scan := &fileScan{tree: tree, kustomizations: map[string]includedNames{}}
	scan.walk(ctx)
	if err := context.Cause(ctx); err != nil {
		return scan.stopped(err), nil
	}
	including := scan.including()
	var objects []plugin.Object
	for _, candidate := range scan.candidates {
		if candidate.included {
			continue
		}
		objects = append(objects, scan.read(ctx, candidate)...)
	}
	if err := context.Cause(ctx); err != nil {
		return scan.stopped(err), nil
	}
	return scan.found.and(Objects(ctx, tree, objects, nil)), including
}

// Standing is what files define as they stand, whatever includes them.
func Standing(ctx context.Context, tree Tree, names []string) Found {
	scan := &fileScan{tree: tree, kustomizations: map[string]includedNames{}}
	for _, name := range names {
		if err := scan.look(name); err != nil {
			break // over a limit, which is told
		}
	}
	var objects []plugin.Object
	for _, candidate := range scan.candidates {
		objects = append(objects, scan.read(ctx, candidate)...)
	}
	return scan.found.and(Objects(ctx, tree, objects, nil))
}

// fileScan is one look at a tree.
type fileScan struct {
	tree  Tree
	found Found
	files int
	bytes int64
	// candidates hold what may be a definition, in the order of their paths.
	candidates     []candidate
	kustomizations map[string]includedNames
	// charts are the folders with a Chart.yaml.
	charts []string
}

// candidate is a file that may name one of the API groups.
type candidate struct {
	name string
	// conflict is the line of a merge conflict's marker; zero when there is none.
	conflict int
	// veiled is set when no line names a group: it may be said in other letters.
	veiled bool
	// included is set when a kustomization or chart renders it.
	included bool
}

func (s *fileScan) stopped(err error) Found {
	return Found{Unseen: append(s.found.Unseen, Unseen{What: "the files of the tree", Reason: "looking through them was stopped: " + err.Error(), Hint: "run it again, with more time"})}
}

func (s *fileScan) unseen(origin plugin.Origin, reason, hint string) {
	s.found.Unseen = append(s.found.Unseen, Unseen{What: origin.File, Reason: reason, Hint: hint, Origin: origin})
}

// walk looks at every file below the root but Git's own. Symlinks are followed
// only to files that are not looked at where they lie.
func (s *fileScan) walk(ctx context.Context) {
	err := fs.WalkDir(s.tree.Root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return fs.SkipAll
		case err != nil: // the rest is looked at
			return s.unreadable(name, err)
		case entry.IsDir() && (entry.Name() == ".git" || strings.Count(name, "/") > deepestFolder):
			return fs.SkipDir
		case !isDefinitionFile(name), !entry.Type().IsRegular() && !s.leadsElsewhere(name, entry):
			return nil
		}
		if s.files++; s.files > mostFiles {
			s.unseen(plugin.Origin{File: name}, fmt.Sprintf("the tree has more than %d YAML files; this and those behind it were not looked at", mostFiles), "split the repository")
			return fs.SkipAll
		}
		return s.look(name)
	})
	if err != nil {
		s.unseen(plugin.Origin{}, "the tree cannot be read: "+err.Error(), "")
	}
}

func (s *fileScan) unreadable(name string, err error) error {
	s.unseen(plugin.Origin{File: name}, "it cannot be read: "+err.Error(), "check its permissions")
	return nil
}

// leadsElsewhere reports whether a symlink leads to what is looked at nowhere
// else: a file whose name says nothing, or one that cannot be read.
func (s *fileScan) leadsElsewhere(name string, entry fs.DirEntry) bool {
	if entry.Type() != fs.ModeSymlink {
		return false
	}
	info, err := s.tree.Root.Stat(name)
	if err != nil {
		return true
	}
	to, err := s.tree.Root.Readlink(name)
	return info.Mode().IsRegular() && (err != nil || !isDefinitionFile(to))
}

func isDefinitionFile(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return path.Base(name) == "Kustomization"
}

// conflictLine is what Git writes where two sides do not merge.
var conflictLine = regexp.MustCompile(`(?m)^(<{7}|>{7}|\|{7}) |^={7}\r?$`)

// look keeps what a file may be.
func (s *fileScan) look(name string) error {
	base := path.Base(name)
	switch base {
	case "Chart.yaml":
		s.charts = append(s.charts, path.Dir(name))
		return nil
	case plugin.LockFile:
		return nil
	}
	data, err := readDefinition(s.tree, name)
	if err != nil {
		s.unseen(plugin.Origin{File: name}, err.Error(), "make it smaller, or raise limits.fileBytes in the gate")
		return nil
	}
	if s.bytes += int64(len(data)); s.bytes > s.tree.Limits.TreeBytes {
		s.unseen(plugin.Origin{File: name}, fmt.Sprintf("the YAML of the tree is larger than the limit treeBytes (%d bytes); this file and those behind it were not looked at", s.tree.Limits.TreeBytes),
			"raise limits.treeBytes in the gate")
		return fs.SkipAll
	}
	switch {
	case isKustomizationName(base) && !ownGroupLine.Match(data):
		s.kustomizations[path.Dir(name)] = readIncludedNames(data)
	case mayDefine(data):
		found := candidate{name: name, veiled: !groupLine.Match(data)}
		if at := conflictLine.FindIndex(data); at != nil {
			found.conflict = 1 + bytes.Count(data[:at[0]], []byte("\n"))
		}
		s.candidates = append(s.candidates, found)
	}
	return nil
}

func readDefinition(tree Tree, name string) ([]byte, error) {
	info, err := tree.Root.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", errors.Unwrap(err))
	}
	if info.Size() > tree.Limits.FileBytes {
		return nil, fmt.Errorf("it goes over the limit fileBytes (%d bytes)", tree.Limits.FileBytes)
	}
	data, err := tree.Root.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("it was removed while the tree was read")
	}
	return data, err //nolint:wrapcheck // the path is beside it
}

// read is the objects of a file. What is not YAML is unseen.
func (s *fileScan) read(ctx context.Context, candidate candidate) []plugin.Object {
	if candidate.conflict > 0 {
		s.unseen(plugin.Origin{File: candidate.name, Line: candidate.conflict}, "a merge conflict stands in it", "resolve the conflict")
		return nil
	}
	rendering, err := render.New(render.Options{Limits: s.tree.Limits}).Render(ctx, plugin.Source{
		Root: s.tree.Root, Path: candidate.name, Parameters: plugin.Parameters{Kind: render.KindDirectory},
	})
	for _, finding := range plugin.FindingsFromError("discover", err) {
		if finding.Rule == "render/empty" { // the group stands in a text
			continue
		}
		origin := finding.Origin
		if origin.File == "" {
			origin.File = candidate.name
		}
		s.unseen(origin, finding.Message, finding.Hint)
	}
	return rendering.Objects
}

func isKustomizationName(base string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, base)
}
