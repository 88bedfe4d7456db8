package policy

import (
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/assay-gitops/assay/plugin/apiserver"
)

// deployedBy says who will apply the objects; nil is not known. The Pods of a
// workload are made by a controller of the cluster, so of them it stays unknown.
func (v *view) deployedBy(deployer *user.DefaultInfo) {
	for _, each := range v.subjects {
		if !each.made {
			each.deployer = deployer
		}
		for _, other := range each.others {
			other.deployer = each.deployer
		}
	}
}

// asked is the subject as the API server's admission is asked about it.
func (s *subject) asked() apiserver.Subject {
	return apiserver.Subject{
		Kind: s.kind, Name: s.name, Namespace: s.namespace, Namespaced: s.namespaced, Labels: s.labels, Object: s.object,
		Made: s.made, Deployer: s.deployer,
	}
}
