package discover

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// ownArtifact begins the name of every ExternalArtifact that is published for a
// GatedSource.
const ownArtifact = "assay-"

// sourceRef names a Flux source.
type sourceRef struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

func (r sourceRef) String() string { return r.Kind + " " + place(r.Namespace, r.Name) }

// sourceSpec are the fields of all kinds of sources that say what they give.
type sourceSpec struct {
	URL string `json:"url"`
	Ref struct {
		Branch string `json:"branch"`
		Tag    string `json:"tag"`
		SemVer string `json:"semver"`
		Name   string `json:"name"`
		Commit string `json:"commit"`
		Digest string `json:"digest"`
	} `json:"ref"`
	// Ignore has patterns in the syntax of .gitignore.
	Ignore  string `json:"ignore"`
	Include []struct {
		Repository struct {
			Name string `json:"name"`
		} `json:"repository"`
	} `json:"include"`
}

// revision is the reference that wins (source-controller/api/v1,
// GitRepositoryRef and OCIRepositoryRef).
func (s sourceSpec) revision() string {
	for _, ref := range []string{s.Ref.Commit, s.Ref.Digest, shortRef(s.Ref.Name), s.Ref.SemVer, s.Ref.Tag, s.Ref.Branch} {
		if ref != "" {
			return ref
		}
	}
	return ""
}

// given is where a source's content comes from: the repository and revision as
// they are written, both empty for the tree of the search; and what of it is not
// in the source's artifact.
type given struct {
	repository, revision string
	checkout             plugin.FluxCheckout
}

// resolve finds what a sourceRef gives at the folder. What is not in sight is
// written into the application, and false is answered.
func (s *fluxSearch) resolve(app *Application, ref sourceRef, folder string) (given, bool) {
	if ref.Namespace == "" {
		ref.Namespace = app.Namespace
	}
	id := plugin.ObjectID{APIVersion: groupSource + "/v1", Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
	object, answer := s.lookup(id, app.Origin.File)
	if answer != isThere {
		return s.assume(app, ref, folder, answer)
	}
	var spec sourceSpec
	if !s.decode(object, &spec) {
		return given{}, false
	}
	app.Identity.Repository = withoutUser(spec.URL)
	own := s.tree.Own != nil && s.tree.Own(spec.URL)
	if ref.Kind != "GitRepository" && !own {
		if s.isBootstrap(ref, folder) {
			app.Notes = append(app.Notes, fmt.Sprintf("%s is taken to be made of this repository, as its name is that of the bootstrap and it has %s", ref, folder))
			return s.ownTree(), true
		}
		app.unseen(ref.String()+" ("+withoutUser(spec.URL)+")", "what it holds is not in this repository", "give its address with --repository when it is made of this one")
		return given{}, false
	}
	for _, other := range spec.Include {
		app.unseen("GitRepository "+place(ref.Namespace, other.Repository.Name), ref.String()+" includes it, and included repositories are not put together", "")
	}
	from := given{}
	if own {
		from = s.ownTree()
	}
	if spec.Ignore != "" {
		from.checkout.Ignore = append(slices.Clip(from.checkout.Ignore), plugin.FluxIgnore{Folder: ".", Patterns: spec.Ignore})
	}
	if ref.Kind == "GitRepository" { // the references of others are those of a registry
		from.repository, from.revision = spec.URL, spec.revision()
	}
	return from, true
}

// ownTree is the tree of the search.
func (s *fluxSearch) ownTree() given {
	return given{checkout: plugin.FluxCheckout{Ignore: s.manifests().ignored(s.ctx)}}
}

// assume decides on a source that no file defines: tools that set up Flux make
// such ones in the cluster. The bootstrap's own is this repository; another
// GitRepository is when no source in sight is and the folder is there.
func (s *fluxSearch) assume(app *Application, ref sourceRef, folder string, answer lookedUp) (given, bool) {
	switch {
	case s.isBootstrap(ref, folder):
		app.Notes = append(app.Notes, fmt.Sprintf("%s is taken for this repository, as its name is that of the bootstrap: %s", ref, answer.why()))
		return s.ownTree(), true
	case answer == isNowhere && ref.Kind == "GitRepository" && folder != "." && s.isFolder(folder):
		app.Notes = append(app.Notes, fmt.Sprintf("%s is taken for this repository, as %s is a folder of it: %s", ref, folder, answer.why()))
		return s.ownTree(), true
	}
	app.unseen(ref.String(), answer.why(), "keep its definition in this repository")
	return given{}, false
}

// isBootstrap reports whether the source is what `flux bootstrap`, or Flux's
// operator, made of this repository.
func (s *fluxSearch) isBootstrap(ref sourceRef, folder string) bool {
	return ref.Name == bootstrapName && ref.Namespace == bootstrapName && (ref.Kind == "GitRepository" || s.isFolder(folder))
}

func (s *fluxSearch) isFolder(name string) bool {
	if !fs.ValidPath(name) {
		return false
	}
	info, err := s.tree.Root.Stat(name)
	return err == nil && info.IsDir()
}

// unseen writes down what of the application is not looked at.
func (a *Application) unseen(what, reason, hint string) {
	a.Unseen = append(a.Unseen, Unseen{What: what, Reason: reason, Hint: hint, Origin: a.Origin})
}

// folderOf is a path of a Flux object, relative to its source and clean: Flux
// takes /deploy for ./deploy.
func folderOf(written string) string { return path.Clean("./" + strings.TrimLeft(written, "/")) }

func withoutUser(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.User == nil {
		return address
	}
	parsed.User = nil
	return parsed.String()
}
