package flux

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestExplain_SaysWhoseRightIsMissing: that of assay-source to act as the
// account, or that of the account to read.
func TestExplain_SaysWhoseRightIsMissing(t *testing.T) {
	for resource, says := range map[string]string{
		"serviceaccounts": "build manifests/flux/accounts for it",
		"configmaps":      "grant it get on that object",
	} {
		refusal := apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "default", errors.New("no"))
		err := asAccount{namespace: "team-a", account: "default"}.explain("reading x", refusal)
		var told *trouble
		if !errors.As(err, &told) || told.reason != reasonAccessDenied || told.next != nextDependency || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", resource, err)
		}
	}
}
