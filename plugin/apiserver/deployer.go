package apiserver

import (
	"slices"

	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/assay-gitops/assay/plugin/gate"
)

// NewDeployer is the identity with the groups that the API server adds to it
// (k8s.io/apiserver pkg/authentication/group and pkg/authentication/serviceaccount).
func NewDeployer(described *gate.Deployer) *user.DefaultInfo {
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
