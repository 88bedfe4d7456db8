package policy

import (
	"slices"

	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/assay-gitops/assay/plugin/gate"
)

// newDeployer is the identity with the groups that the API server adds to it
// (k8s.io/apiserver pkg/authentication/group and pkg/authentication/serviceaccount).
func newDeployer(described *gate.Deployer) *user.DefaultInfo {
	if described == nil {
		return nil
	}
	groups := slices.Clone(described.Groups)
	if namespace, _, err := serviceaccount.SplitUsername(described.Username); err == nil {
		groups = append(groups, serviceaccount.MakeGroupNames(namespace)...)
	}
	if described.Username != user.Anonymous {
		groups = append(groups, user.AllAuthenticated)
	}
	slices.Sort(groups)
	return &user.DefaultInfo{Name: described.Username, Groups: slices.Compact(groups)}
}

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

// userInfo is who makes the request; without a name when that is not known.
func (s *subject) userInfo() user.Info {
	if s.deployer == nil {
		return &user.DefaultInfo{}
	}
	return s.deployer
}

// userUnknown says why the user is not known, or only by name; empty when it
// is. details asks for what no configuration tells, such as the uid.
func (s *subject) userUnknown(details bool) string {
	switch {
	case s.made:
		return "request.userInfo (a controller of the cluster makes the Pod)"
	case s.deployer == nil:
		return "request.userInfo (who will apply it; a gate says so in spec.judge.deployer)"
	case details:
		return "request.userInfo beside username and groups"
	}
	return ""
}
