package predicate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// ruleVEXExpired: a statement would take a vulnerability out, and is too old.
const ruleVEXExpired = "evidence/vex-expired"

// The statuses of OpenVEX 0.2.0 (section "Status labels").
const (
	statusNotAffected   = "not_affected"
	statusAffected      = "affected"
	statusFixed         = "fixed"
	statusInvestigation = "under_investigation"
)

// isVEX reports whether a predicate type is OpenVEX's.
func isVEX(predicateType string) bool { return isType(predicateType, "https://openvex.dev/ns") }

// exploitability takes vulnerabilities out of a scan that whom the gate trusts
// calls harmless.
type exploitability struct {
	reader
	declared gate.VEX
}

// said is what VEX adds to a scan's answer.
type said struct {
	findings []plugin.Finding
	// reasons say why statements do not count, unseen what could not be looked at.
	reasons, unseen []string
}

// apply takes vulnerabilities out, and returns what is left.
func (e *exploitability) apply(ctx context.Context, subject Subject, statements []Statement, found []vulnerability) ([]vulnerability, said) {
	claims, told := e.collect(ctx, subject, statements)
	var left []vulnerability
	var expired []string
	for _, each := range found {
		decides, is := latest(claims, each)
		switch {
		case !is:
			left = append(left, each)
		case !slices.Contains(e.statuses(), decides.status):
			left = append(left, each)
			told.reasons = append(told.reasons, fmt.Sprintf("%s: VEX says %s of %s", decides.label, decides.status, each))
		case e.ended(decides, subject.At):
			left = append(left, each)
			expired = append(expired, fmt.Sprintf("%s, %s since %s by %s", each, decides.status, stamp(decides.at), decides.label))
		default:
			told.findings = append(told.findings, e.waived(each, decides))
		}
	}
	if len(expired) > 0 {
		told.findings = append(told.findings, plugin.Finding{
			Rule: ruleVEXExpired, Level: plugin.Warn, Details: detailsOf(expired),
			Message: fmt.Sprintf("VEX statements older than %s count no more: %s", inDays(time.Duration(e.declared.MaxAge)), someOf(expired)),
			Why:     "what did no harm then may do harm now",
			Hint:    "have the statements looked at again, and attested anew",
		})
	}
	return left, told
}

func (e *exploitability) statuses() []string {
	if len(e.declared.Statuses) == 0 {
		return gate.VEXStatuses()
	}
	return e.declared.Statuses
}

func (e *exploitability) ended(claim vexClaim, at time.Time) bool {
	maxAge := time.Duration(e.declared.MaxAge)
	return maxAge > 0 && at.Sub(claim.at) > maxAge
}

// waived tells of a vulnerability that was taken out.
func (e *exploitability) waived(found vulnerability, claim vexClaim) plugin.Finding {
	finding := plugin.Finding{
		Rule: ruleVulnerable, Level: plugin.Warn, Message: fmt.Sprintf("%s %s: %s by VEX", found.severity, found, claim.status),
		Waiver: &plugin.Waived{Kind: "vex", Owner: claim.owner, Reason: claim.reason},
	}
	if maxAge := time.Duration(e.declared.MaxAge); maxAge > 0 {
		finding.Waiver.Until = claim.at.Add(maxAge)
	}
	return finding
}

// collect reads the statements whose signer the gate names.
func (e *exploitability) collect(ctx context.Context, subject Subject, statements []Statement) ([]vexClaim, said) {
	var claims []vexClaim
	var told said
	for _, statement := range statements {
		if !isVEX(statement.Type) {
			continue
		}
		found, reasons, err := e.document(ctx, subject, statements, statement)
		var unseen *unseenError
		switch {
		case errors.As(err, &unseen):
			told.unseen = append(told.unseen, statement.Label+": "+err.Error())
		case err != nil:
			told.reasons = append(told.reasons, statement.Label+": "+err.Error())
		}
		for _, reason := range reasons {
			told.reasons = append(told.reasons, statement.Label+": "+reason)
		}
		claims = append(claims, found...)
	}
	return claims, told
}

// document reads one document by whom the gate trusts.
func (e *exploitability) document(ctx context.Context, subject Subject, all []Statement, statement Statement) ([]vexClaim, []string, error) {
	if !slices.Contains(e.declared.Signers, statement.Claims.Policy) {
		return nil, nil, fmt.Errorf("it is accepted by %s, which is none of the gate's spec.vex.signers", statement.Claims.Policy)
	}
	if by := e.imageSigner(subject, all, statement.Claims); by != "" && !e.declared.AllowImageSigner {
		return nil, nil, fmt.Errorf("its VEX is by %s, who also signed the %s; spec.vex.allowImageSigner would accept that", shorten(statement.Claims.Signer), by)
	}
	return e.claims(ctx, subject, statement)
}

// imageSigner is what the statement's signer also signed: "image" or "scan".
func (e *exploitability) imageSigner(subject Subject, all []Statement, claims plugin.Claims) string {
	same := func(other plugin.Claims) bool {
		return withoutRef(other.Signer) == withoutRef(claims.Signer) && other.Issuer == claims.Issuer
	}
	if slices.ContainsFunc(subject.Signers, same) {
		return "image"
	}
	if slices.ContainsFunc(all, func(other Statement) bool { return !isVEX(other.Type) && same(other.Claims) }) {
		return "scan"
	}
	return ""
}

// withoutRef is a workflow's identity whatever it was run for: the same workflow
// at a tag and at a branch is one signer.
func withoutRef(signer string) string {
	if workflow, ref, found := strings.Cut(signer, "@"); found && strings.HasPrefix(ref, "refs/") && strings.HasPrefix(workflow, "https://") {
		return workflow
	}
	return signer
}

// latest is the newest claim about a vulnerability. Of two of the same moment
// the one that leaves it where it is counts.
func latest(claims []vexClaim, found vulnerability) (vexClaim, bool) {
	var decides vexClaim
	is := false
	for _, claim := range claims {
		if !claim.about(found) {
			continue
		}
		order := claim.at.Compare(decides.at)
		if !is || order > 0 || order == 0 && severityOfStatus(claim.status) < severityOfStatus(decides.status) {
			decides, is = claim, true
		}
	}
	return decides, is
}

// severityOfStatus puts first what leaves a vulnerability where it is.
func severityOfStatus(status string) int {
	return slices.Index([]string{statusAffected, statusInvestigation, statusFixed, statusNotAffected}, status)
}
