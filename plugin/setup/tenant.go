package setup

import (
	"context"
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
)

// JudgeWith is [Setup.Judge] for an application that brings credentials of its
// own. They are used for images and charts in registries, for the repositories
// that every gate of the application lists under tenantCredentials, in the place
// of the gate's own; they never reach another host, a mirror, a chart repository
// (https://) or a trust root. What is read with them is kept apart in memory and
// on disk: by the tenant's name, the credential and the host. Where the tenant
// has a credential for a repository that is not listed, a warning says that it
// was not used. A nil tenant brings nothing.
func (s *Setup) JudgeWith(ctx context.Context, source plugin.Source, tenant *registry.Tenant) *plugin.Verdict {
	if tenant == nil {
		return s.Judge(ctx, source)
	}
	source.Partition = tenant.Partition()
	ctx, visit := tenant.Visit(ctx)
	verdict := s.Judge(ctx, source)
	if unlisted := visit.Unlisted(); len(unlisted) > 0 {
		verdict.Findings = append(verdict.Findings, unusedSecret(tenant.Name, unlisted))
		plugin.SortFindings(verdict.Findings)
	}
	return verdict
}

// mostNamed bounds the repositories that one message names.
const mostNamed = 3

// unusedSecret tells the application's developers why their credential did not
// help.
func unusedSecret(tenant string, unlisted []string) plugin.Finding {
	named := strings.Join(unlisted[:min(len(unlisted), mostNamed)], ", ")
	if more := len(unlisted) - mostNamed; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return plugin.Finding{
		Rule: "registry/pull-secret", Level: plugin.Warn,
		Message: fmt.Sprintf("the pull secret %s has a credential for %s, which was not used: the gate does not list it under tenantCredentials", tenant, named),
		Why:     "the platform decides where a credential that it does not know may be shown",
		Hint:    "ask the platform team to list the host and a prefix under spec.tenantCredentials of every gate that applies",
	}
}
