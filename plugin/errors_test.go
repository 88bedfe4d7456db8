package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestFindingsFromError(t *testing.T) {
	refusal := &Refusal{Rule: "render/escape", Origin: Origin{File: "a.yaml", Line: 3}, Message: "refused", Cause: errors.New("why")}
	noAnswer := &StageError{Stage: "resolve", Subject: "nginx", Hint: "retry", Cause: errors.New("throttled")}
	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"nil":                      {nil, nil},
		"refusal":                  {refusal, []string{"render/escape deny"}},
		"wrapped refusal":          {fmt.Errorf("rendering: %w", refusal), []string{"render/escape deny"}},
		"no answer":                {noAnswer, []string{"resolve/no-answer undetermined"}},
		"anything else":            {errors.New("x"), []string{"stage/failed deny"}},
		"cancelled":                {fmt.Errorf("x: %w", context.Canceled), []string{"stage/no-answer undetermined"}},
		"deadline":                 {context.DeadlineExceeded, []string{"stage/no-answer undetermined"}},
		"refusal of a limit":       {&Refusal{Rule: "render/limit", Message: "too slow", Cause: context.DeadlineExceeded}, []string{"render/limit deny"}},
		"join":                     {errors.Join(refusal, noAnswer), []string{"render/escape deny", "resolve/no-answer undetermined"}},
		"wrapped join":             {fmt.Errorf("x: %w", errors.Join(refusal, noAnswer)), []string{"render/escape deny", "resolve/no-answer undetermined"}},
		"nested join":              {errors.Join(errors.Join(refusal, errors.New("x")), noAnswer), []string{"render/escape deny", "stage/failed deny", "resolve/no-answer undetermined"}},
		"two causes in one":        {fmt.Errorf("%w: %w", errors.New("sentinel"), noAnswer), []string{"resolve/no-answer undetermined"}},
		"no answer around refusal": {&StageError{Stage: "verify", Cause: refusal}, []string{"verify/no-answer undetermined"}},
		"refusal around no answer": {&Refusal{Rule: "render/x", Cause: noAnswer}, []string{"render/x deny"}},
		"no answer around a join":  {&StageError{Stage: "verify", Cause: errors.Join(refusal, refusal)}, []string{"verify/no-answer undetermined"}},
	} {
		var got []string
		for _, finding := range FindingsFromError("stage", test.err) {
			got = append(got, finding.Rule+" "+finding.Level.String())
		}
		if strings.Join(got, ", ") != strings.Join(test.want, ", ") {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
