package predicate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// ruleNoScan: the user's own scanner gave no report.
const ruleNoScan = "scan/no-answer"

// ruleScan tells of the user's own scan, which is signed by nobody.
const ruleScan = "evidence/scan"

// scanLocally runs the user's own scanner. What it finds counts like what an
// attested scan found; that it ran meets the demand only where the gate says
// so. The zero scan is none.
func (s *Scan) scanLocally(ctx context.Context, subject Subject, answer *Answer) scan {
	if subject.Local == nil {
		return scan{}
	}
	found, err := s.localReport(ctx, subject)
	if err != nil {
		answer.Findings = append(answer.Findings, plugin.Finding{
			Rule: ruleNoScan, Level: plugin.Undetermined,
			Message: fmt.Sprintf("no scan by your own %s: %v", subject.Local.Name(), err),
			Hint:    "run it by itself on the image; without --scan it is not asked",
		})
		return scan{}
	}
	if err := s.acceptScan(subject.At, time.Time{}, found); err != nil {
		answer.Reasons = append(answer.Reasons, fmt.Sprintf("the scan by your own %s: %v", found.scanner, err))
		return scan{}
	}
	told := plugin.Finding{Rule: ruleScan, Level: plugin.Info, Message: found.String() + ": it is signed by nobody, so it meets no demand"}
	if s.declared.Local {
		told.Level, told.Message = plugin.Warn, found.String()+": it is signed by nobody, and the gate lets it meet the demand (scan.local)"
	}
	answer.Findings = append(answer.Findings, told)
	return found
}

// localReport runs the scanner and reads what it printed. A report that cannot
// be read, or is about another image, is no answer.
func (s *Scan) localReport(ctx context.Context, subject Subject) (scan, error) {
	printed, err := subject.Local.Scan(ctx, subject.Image.Reference.Repository, subject.Image.Digest)
	if err != nil {
		return scan{}, err
	}
	found, err := s.result(printed)
	if err != nil {
		return scan{}, err
	}
	if found.scanner != subject.Local.Name() {
		return scan{}, fmt.Errorf("its report is one of %s", shorten(found.scanner))
	}
	if found.ended.IsZero() {
		return scan{}, errors.New("its report does not say when it was made")
	}
	return found, subject.names(ctx, Statement{}, found.digests)
}
