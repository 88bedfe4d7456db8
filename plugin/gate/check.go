package gate

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/assay-gitops/assay/plugin"
)

var (
	objectName  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)
	labelName   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	kindName    = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
	ruleName    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*/[A-Za-z0-9][A-Za-z0-9._@/-]*$`)
	profileName = regexp.MustCompile(`^profile/[a-z0-9][a-z0-9-]*@[1-9][0-9]*$`)
	packName    = regexp.MustCompile(`^pack/[a-z0-9][a-z0-9-]*@[1-9][0-9]*$`)
	podVersion  = regexp.MustCompile(`^(latest|v1\.(0|[1-9][0-9]*))$`)
	platform    = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?$`)
	regoPackage = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	contentHash = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// checker reports what is wrong with the values of one document.
type checker struct {
	doc      *document
	problems *problems
}

func (c checker) bad(field, message, hint string) {
	c.problems.add(c.doc.at(field), field+": "+message, hint)
}

// like refuses a text of another shape; an empty one was refused or is
// optional.
func (c checker) like(field, text string, shape *regexp.Regexp, hint string) {
	if text != "" && !shape.MatchString(text) {
		c.bad(field, fmt.Sprintf("%q has the wrong form", text), hint)
	}
}

// each checks every text of a list, and that none is empty or there twice.
func (c checker) each(field string, list []string, check func(field, text string)) {
	seen := map[string]bool{}
	for i, text := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case text == "":
			c.bad(at, "is empty", "give it a value or take it out")
		case seen[text]:
			c.bad(at, fmt.Sprintf("%q is there twice", text), "keep one")
		default:
			check(at, text)
		}
		seen[text] = true
	}
}

func (c checker) likeAll(field string, list []string, shape *regexp.Regexp, hint string) {
	c.each(field, list, func(at, text string) { c.like(at, text, shape, hint) })
}

// host refuses everything but a registry's host, as references spell it.
func (c checker) host(field, host string) {
	const hint = "write registry.example.com, or with a port"
	switch {
	case host == "":
	case strings.Contains(host, "://"):
		c.bad(field, fmt.Sprintf("%q has a scheme", host), "write the host alone; plainHTTP: true asks for http")
	case strings.Contains(host, "/"):
		c.bad(field, fmt.Sprintf("%q has a path", host), "write the host alone; prefix limits repositories")
	case host == "docker.io" || host == "registry-1.docker.io" || host == "registry.hub.docker.com":
		c.bad(field, fmt.Sprintf("%q is not how Docker Hub is called in references", host), "write index.docker.io")
	case strings.ContainsAny(host, "*@? \t"):
		c.bad(field, fmt.Sprintf("%q is no host", host), hint)
	default:
		if _, err := name.NewRegistry(host, name.StrictValidation); err != nil || host != strings.ToLower(host) {
			c.bad(field, fmt.Sprintf("%q is no host", host), hint)
		}
	}
}

// selfRule reports whether a rule belongs to self, which nothing lowers.
func selfRule(rule string) bool { return rule == "self" || strings.HasPrefix(rule, "self/") }

func (c checker) rule(field, rule, what string) {
	if selfRule(rule) {
		c.bad(field, fmt.Sprintf("%q belongs to self, which %s", rule, what), "mark the gate of the platform's own applications with platform: true instead")
		return
	}
	c.like(field, rule, ruleName, "write area/name, as reports show it: image/not-signed")
}

// checkNames refuses two objects of a kind with one name: the second would
// win, or the first, and the author could not tell.
func (l *loading) checkNames() {
	seen := map[string]plugin.Origin{}
	once := func(doc *document, kind, called string) {
		c := checker{doc, l.problems}
		c.like("metadata.name", called, objectName, "write lower-case letters, digits, - and .")
		key := kind + "/" + called
		if first, twice := seen[key]; twice && called != "" {
			c.bad("metadata.name", fmt.Sprintf("there are two of %s %q, the first in %s", kind, called, first), "rename one or take it out")
			return
		}
		seen[key] = doc.at("metadata.name")
	}
	for i, gate := range l.config.Gates {
		once(l.gates[i], "Gate", gate.Metadata.Name)
	}
	for _, file := range l.waivers {
		once(file.doc, "Waivers", file.waivers.Metadata.Name)
	}
	for i, policy := range l.config.ImagePolicies {
		once(l.policies[i], "ClusterImagePolicy", policy.Metadata.Name)
	}
	for i, root := range l.config.TrustRoots {
		once(l.roots[i], "TrustRoot", root.Metadata.Name)
	}
	for _, document := range l.config.Documents {
		key := document.Kind + "/" + document.Name
		if !isAdmission(document.Kind, document.APIVersion) { // a param: other kinds may share its name
			key = document.APIVersion + "/" + document.Kind + "/" + document.Namespace + "/" + document.Name
		}
		if first, twice := seen[key]; twice {
			l.problems.add(document.At, fmt.Sprintf("metadata.name: there are two of %s %q, the first in %s", document.Kind, document.Name, first), "rename one or take it out")
			continue
		}
		seen[key] = document.At
	}
}

// checkAll checks every document's values, then what they say of each other.
func (l *loading) checkAll() {
	for i, gate := range l.config.Gates {
		l.checkGate(checker{l.gates[i], l.problems}, gate)
	}
	for _, file := range l.waivers {
		l.addWaivers(file)
	}
	for i, policy := range l.config.ImagePolicies {
		l.checkPolicy(checker{l.policies[i], l.problems}, policy)
	}
	for i, root := range l.config.TrustRoots {
		checkTrustRoot(checker{l.roots[i], l.problems}, root)
	}
	if len(l.problems.list) > 0 {
		return // what follows would only repeat it
	}
	for i := range l.config.Gates {
		l.config.Gates[i].fillIn()
	}
	for i := range l.config.ImagePolicies {
		l.config.ImagePolicies[i].fillIn()
	}
	for _, conflict := range l.config.Conflicts() {
		l.problems.add(conflict.At, conflict.Message(), conflict.hint())
	}
}
