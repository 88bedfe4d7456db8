package hydrated

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// The files that the commit server writes into an application's folder
// (commitserver/commit/hydratorhelper.go).
const (
	manifestFile = "manifest.yaml"
	metadataFile = "hydrator.metadata"
	readmeFile   = "README.md"
)

// attributes is what the commit server writes into .gitattributes at the root.
// Other attributes could change files on their way out of Git.
const attributes = "**/README.md linguist-generated=true\n**/hydrator.metadata linguist-generated=true"

const attributesFile = ".gitattributes"

// folder is what lies in a hydrated branch for one application.
type folder struct {
	manifests []byte
	// dry is the commit that it says to come from.
	dry      string
	problems []Problem
}

// isCommit is a commit's whole name, by SHA-1 or SHA-256.
var isCommit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// readFolder reads an application's folder. Problems say what stands there that
// the hydrator did not write; the error is no answer.
func readFolder(root *os.Root, at string, limits plugin.Limits) (folder, error) {
	var found folder
	if problem := wayTo(root, at); problem != nil {
		found.problems = append(found.problems, *problem)
		return found, nil
	}
	if err := found.strangers(root, at); err != nil {
		return found, err
	}
	if err := found.attributes(root, at, limits); err != nil {
		return found, err
	}
	metadata, err := readFile(root, path.Join(at, metadataFile), limits)
	if err == nil {
		found.metadata(metadata)
	} else if err = found.missing(err, metadataFile); err != nil {
		return found, err
	}
	found.manifests, err = readFile(root, path.Join(at, manifestFile), limits)
	return found, found.missing(err, manifestFile)
}

// wayTo refuses a folder that is not there, or that a link leads to.
func wayTo(root *os.Root, at string) *Problem {
	for i := range at + "/" {
		if i < len(at) && at[i] != '/' {
			continue
		}
		info, err := root.Lstat(at[:i])
		switch {
		case err != nil:
			return &Problem{Message: "the branch has no folder " + at, Hint: "hydrate it: push a commit to the dry branch, and look at status.sourceHydrator of the Application"}
		case !info.IsDir():
			return &Problem{Message: at[:i] + " is no folder in the branch, but a link or a file", Hint: "the hydrator writes neither: find out who pushed it"}
		}
	}
	return nil
}

// strangers finds what the hydrator did not write. Folders below may be other
// applications'; Argo CD does not look into them.
func (f *folder) strangers(root *os.Root, at string) error {
	entries, err := fs.ReadDir(root.FS(), at)
	if err != nil {
		return fmt.Errorf("reading the folder %s: %w", at, err)
	}
	for _, entry := range entries {
		switch {
		case entry.IsDir(), entry.Type().IsRegular() && slices.Contains([]string{manifestFile, metadataFile, readmeFile}, entry.Name()):
		default:
			f.problems = append(f.problems, Problem{
				Message: fmt.Sprintf("%s is not the hydrator's, and Argo CD may read it at the sync", path.Join(at, entry.Name())),
				Hint:    "take it out of the branch, and find out who pushed it; the hydrator leaves such files where they are",
			})
		}
	}
	return nil
}

// attributes finds attributes of Git that are not the commit server's.
func (f *folder) attributes(root *os.Root, at string, limits plugin.Limits) error {
	for dir := at; ; dir = path.Dir(dir) {
		text, err := readFile(root, path.Join(dir, attributesFile), limits)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil && !errors.Is(err, errKind):
			return err
		case dir == "." && err == nil && strings.TrimSpace(string(text)) == attributes, dir == at: // of the folder itself strangers tells
		default:
			f.problems = append(f.problems, Problem{
				Message: path.Join(dir, attributesFile) + " is not as the hydrator writes it: attributes change what a checkout has",
				Hint:    "take it out of the branch, and find out who pushed it",
			})
		}
		if dir == "." {
			return nil
		}
	}
}

// metadata reads which commit the manifests come from.
func (f *folder) metadata(data []byte) {
	var said struct {
		DrySHA string `json:"drySha"`
	}
	err := json.Unmarshal(data, &said)
	if err != nil || !isCommit.MatchString(said.DrySHA) {
		f.problems = append(f.problems, Problem{Message: metadataFile + " names no commit (drySha) that the manifests come from", Hint: "hydrate again: push a commit to the dry branch"})
		return
	}
	f.dry = said.DrySHA
}

// missing tells that there is no such file; other errors stay.
func (f *folder) missing(err error, name string) error {
	if errors.Is(err, fs.ErrNotExist) {
		f.problems = append(f.problems, Problem{Message: "the folder has no " + name, Hint: "hydrate again: push a commit to the dry branch"})
		return nil
	}
	if errors.Is(err, errKind) { // strangers tells of it
		return nil
	}
	return err
}

var errKind = errors.New("it is no regular file")

// readFile reads one file, which is no link.
func readFile(root *os.Root, name string, limits plugin.Limits) ([]byte, error) {
	info, err := root.Lstat(name)
	switch {
	case err != nil:
		return nil, err //nolint:wrapcheck // the caller names the file
	case !info.Mode().IsRegular():
		return nil, errKind
	case info.Size() > limits.FileBytes:
		return nil, fmt.Errorf("reading %s: it goes over the limit fileBytes of %d", name, limits.FileBytes)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, limits.FileBytes+1)) //nolint:wrapcheck // the caller names the file
}
