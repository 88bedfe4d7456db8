package gate

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// TUFRemote is a mirror that is updated by the rules of TUF. It is never asked
// while an application is judged.
type TUFRemote struct {
	// Root is the root.json that trust begins with, in base64.
	Root string `yaml:"root"`
	// Mirror is the address of the metadata: "https://tuf.example.com".
	Mirror string `yaml:"mirror"`
	// Targets is the folder of the targets below the mirror (default targets).
	Targets string `yaml:"targets,omitempty"`
	// TrustedRootTarget is the target that is a trusted_root.json (its default
	// name).
	TrustedRootTarget string `yaml:"trustedRootTarget,omitempty"`
	// Grace is how long a copy is believed after its metadata expired (assay's
	// own; none by default).
	Grace Duration `yaml:"grace,omitempty"`
}

// TUFRepository is a whole TUF repository inside the file.
type TUFRepository struct {
	// Root is the root.json that trust begins with, in base64.
	Root string `yaml:"root"`
	// MirrorFS is the repository, tarred, gzipped and in base64.
	MirrorFS string `yaml:"mirrorFS"`
	// Targets is the folder of the targets in the repository.
	Targets string `yaml:"targets"`
	// TrustedRootTarget is the target that is a trusted_root.json (its default
	// name).
	TrustedRootTarget string `yaml:"trustedRootTarget,omitempty"`
	// Grace is how long the repository is believed after its metadata expired
	// (assay's own; none by default).
	Grace Duration `yaml:"grace,omitempty"`
}

// forms are the fields of which exactly one says what the trust root is.
func (s TrustRootSpec) forms() []string {
	var given []string
	for _, form := range []struct {
		name string
		set  bool
	}{
		{"sigstoreKeys", s.SigstoreKeys != nil}, {"remote", s.Remote != nil}, {"repository", s.Repository != nil},
		{"trustedRoot", s.TrustedRoot != ""}, {"trustedRootFile", s.TrustedRootFile != ""},
	} {
		if form.set {
			given = append(given, form.name)
		}
	}
	return given
}

// From says in words where the trust root comes from.
func (s TrustRootSpec) From() string {
	switch {
	case s.TrustedRootFile != "":
		return s.TrustedRootFile
	case s.Remote != nil:
		return "the mirror " + s.Remote.Mirror
	case s.Repository != nil:
		return "a TUF repository in the file"
	case s.TrustedRoot != "":
		return "a trusted root in the file"
	}
	return "keys in the file"
}

// checkForm refuses a trust root that is not exactly one thing.
func checkForm(c checker, spec TrustRootSpec) {
	if given := spec.forms(); len(given) != 1 {
		c.bad("spec", fmt.Sprintf("%d of sigstoreKeys, remote, repository, trustedRoot and trustedRootFile are given", len(given)), "write exactly one")
	}
	if remote := spec.Remote; remote != nil {
		c.rootJSON("spec.remote.root", remote.Root)
		c.mirror("spec.remote.mirror", remote.Mirror)
		c.target("spec.remote.targets", remote.Targets)
		c.target("spec.remote.trustedRootTarget", remote.TrustedRootTarget)
	}
	if repository := spec.Repository; repository != nil {
		c.rootJSON("spec.repository.root", repository.Root)
		c.target("spec.repository.targets", repository.Targets)
		c.target("spec.repository.trustedRootTarget", repository.TrustedRootTarget)
		if _, err := base64.StdEncoding.DecodeString(strings.TrimSpace(repository.MirrorFS)); err != nil {
			c.bad("spec.repository.mirrorFS", "is no base64", "encode the archive: tar -cz repository | base64 -w0")
		}
	}
}

// rootJSON refuses what is not a signed root.json in base64, as
// policy-controller does.
func (c checker) rootJSON(at, text string) {
	if text == "" {
		return // refused as required
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		c.bad(at, "is no base64", "encode it: base64 -w0 < root.json")
		return
	}
	var root struct {
		Signatures []json.RawMessage `json:"signatures"`
		Signed     json.RawMessage   `json:"signed"`
	}
	if err := json.Unmarshal(data, &root); err != nil || len(root.Signatures) == 0 || len(root.Signed) == 0 {
		c.bad(at, "is base64 of something else than a signed root.json", "take the root.json that the mirror's owner publishes: base64 -w0 < root.json")
	}
}

// mirror refuses what is not the plain address of a server.
func (c checker) mirror(at, text string) {
	if text == "" {
		return // refused as required
	}
	mirror, err := url.Parse(text)
	plain := err == nil && (mirror.Scheme == "https" || mirror.Scheme == "http") && mirror.Host != "" && mirror.User == nil && mirror.RawQuery == "" && mirror.Fragment == ""
	if !plain {
		c.bad(at, "is no plain address of a server", "write https://, the host and the path, without user, query and fragment")
	}
}

// target refuses a name that leads out of the repository.
func (c checker) target(at, name string) {
	for segment := range strings.SplitSeq(name, "/") {
		if name != "" && (segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, `\%?#`)) {
			c.bad(at, fmt.Sprintf("%q is no path below the repository", name), "write it like targets or a/b.json")
			return
		}
	}
}
