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
	}
	if len(tenant.Ignored) > 0 {
		verdict.Findings = append(verdict.Findings, ignoredParts(*tenant))
	}
	plugin.SortFindings(verdict.Findings)
	return verdict
}

// rulePullSecret is about what of a pull secret is not used.
const rulePullSecret = "registry/pull-secret"

func ignoredParts(tenant registry.Tenant) plugin.Finding {
	return plugin.Finding{
		Rule: rulePullSecret, Level: plugin.Warn,
		Message: fmt.Sprintf("of the pull secret %s is not used: %s", tenant.Name, namedOf(tenant.Ignored, "; ")),
		Hint:    "write each registry into auths with its user and password, or take out what is not needed",
	}
}

// namedOf joins the first of a list, and says how many more there are.
func namedOf(list []string, separator string) string {
	named := strings.Join(list[:min(len(list), mostNamed)], separator)
	if more := len(list) - mostNamed; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return named
}

// mostNamed bounds the repositories that one message names.
const mostNamed = 3

// unusedSecret tells the application's developers why their credential did not
// help.
func unusedSecret(tenant string, unlisted []string) plugin.Finding {
	return plugin.Finding{
		Rule: rulePullSecret, Level: plugin.Warn,
		Message: fmt.Sprintf("the pull secret %s has a credential for %s, which was not used: the gate does not list it under tenantCredentials", tenant, namedOf(unlisted, ", ")),
		Why:     "the platform decides where a credential that it does not know may be shown",
		Hint:    "ask the platform team to list the host and a prefix under spec.tenantCredentials of every gate that applies",
	}
}
