package reports

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// The headers that Argo CD's proxy extension sets: it has compared them with
// what the user may see (docs/developer-guide/extensions/proxy-extensions.md).
const (
	headerApplication = "Argocd-Application-Name" // "namespace:name"
	headerProject     = "Argocd-Project-Name"
	headerNamespace   = "Argocd-Namespace" // Argo CD's own; not told by old versions
)

// kubeName is a name of Kubernetes (RFC 1123 subdomain).
var kubeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// extension answers about the Application of Argo CD's headers, and about no
// other: nothing else of the request says which one is meant.
func (s *Server) extension(w http.ResponseWriter, r *http.Request) {
	name, project, err := s.asked(r.Header)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	s.answerLast(w, r, project, name)
}

// asked is the Application of the headers, named as Argo CD names it to plugins.
func (s *Server) asked(header http.Header) (name, project string, err error) {
	applications, projects := header.Values(headerApplication), header.Values(headerProject)
	if len(applications) != 1 || len(projects) != 1 {
		return "", "", errors.New("the request does not name one Application and its project: ask through Argo CD's proxy extension")
	}
	namespace, name, both := strings.Cut(applications[0], ":")
	project = projects[0]
	if !both || !kubeName.MatchString(namespace) || !kubeName.MatchString(name) || !kubeName.MatchString(project) {
		return "", "", errors.New("the headers name no Application (namespace:name) and project")
	}
	own := cmp.Or(header.Get(headerNamespace), s.Namespace)
	if own == "" {
		return "", "", errors.New("neither Argo CD nor --argocd-namespace says which namespace is Argo CD's own")
	}
	if namespace != own {
		name = namespace + "_" + name
	}
	return name, project, nil
}
