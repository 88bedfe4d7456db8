package policy

import (
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin/apiserver"
)

// matcher answers the match questions of admission about one subject of a view,
// and those of Gatekeeper.
type matcher struct {
	apiserver.Matcher
	subject *subject
}

// matcher is one without a request, as constraints are matched.
func (v *view) matcher(s *subject, trustLabels bool) matcher {
	return matcher{
		Matcher: apiserver.Matcher{Subject: s.asked(), Namespaces: v.namespaces, TrustLabels: trustLabels}, subject: s,
	}
}

// of is the matcher for a request about its subject.
func (m matcher) of(operation admission.Operation) matcher {
	m.Attributes = m.subject.request(operation).versioned.Attributes
	return m
}
