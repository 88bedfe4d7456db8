package argocd

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"log/slog"

	"github.com/assay-gitops/assay/plugin"
)

// TestAnswer_ListOfNothing: what Argo CD would drop must not be handed on.
func TestAnswer_ListOfNothing(t *testing.T) {
	for document, dropped := range map[string]bool{
		`{"kind":"ConfigMap","items":null}`:             true,
		`{"kind":"ConfigMap","items":null,"spec":{}}`:   false,
		`{"kind":"ConfigMap","items":null,"status":{}}`: false,
		`{"kind":"ConfigMap","items":[]}`:               false,
		`{"kind":"ConfigMap"}`:                          false,
		`not an object`:                                 true,
	} {
		if isNullList(document) != dropped {
			t.Errorf("%s: dropped %v", document, !dropped)
		}
	}
}

// TestSettle_UsesTheTimeThatIsLeft: it asks again until shortly before the
// deadline, gives its place back while it waits, and an attempt that was cut
// off does not hide what the one before said.
func TestSettle_UsesTheTimeThatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, held := time.Now(), 0
		var last time.Duration
		d := door{log: slog.New(slog.DiscardHandler), clock: time.Now, judge: judgeFunc(func(ctx context.Context, source plugin.Source) *plugin.Verdict {
			last = time.Since(begun)
			if left, _ := ctx.Deadline(); time.Until(left) < 2*time.Second {
				<-ctx.Done()
				return says(plugin.Undetermined, "run/no-answer", "context deadline exceeded")(ctx, source)
			}
			return says(plugin.Undetermined, "resolve/no-answer", "the registry throttles")(ctx, source)
		})}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		verdict := d.settle(ctx, plugin.Source{}, turn{enter: func(context.Context, string) (func(), error) {
			held++
			return func() { held-- }, nil
		}})
		if held != 0 || last < 50*time.Second || !strings.Contains(verdict.Findings[0].Message, "throttles") {
			t.Errorf("the last of a minute began at %s; %d places held; said %q", last, held, verdict.Findings[0].Message)
		}
	})
}

// TestServe_SignalEndsTheWaitForAnAnswer: who is asked again gets an answer
// that says so, not a broken connection.
func TestServe_SignalEndsTheWaitForAnAnswer(t *testing.T) {
	asked := make(chan struct{}, 100)
	s := newScene(t, judgeFunc(func(ctx context.Context, source plugin.Source) *plugin.Verdict {
		asked <- struct{}{}
		return says(plugin.Undetermined, "resolve/no-answer", "the registry throttles")(ctx, source)
	}))
	answered := make(chan error, 1)
	go func() {
		_, err := s.generate(t.Context(), goodAsk(t))
		answered <- err
	}()
	<-asked
	check(t, s.stop())
	if err := <-answered; status.Code(err) != codes.Unavailable || !strings.Contains(messageOf(err), "assay has no answer about shop") {
		t.Error(err)
	}
	if s.server.ready() == nil {
		t.Error("it says that it is ready after its end")
	}
}

// TestSettle_WhatLastsIsToldAtOnce: an image that the credential may not read
// holds no place until the deadline; beside something transient it is asked
// again.
func TestSettle_WhatLastsIsToldAtOnce(t *testing.T) {
	mayNot := plugin.Finding{Rule: "resolve/no-answer", Level: plugin.Undetermined, Message: "not allowed", Lasting: true}
	throttled := plugin.Finding{Rule: "resolve/no-answer", Level: plugin.Undetermined, Message: "throttled"}
	for name, test := range map[string]struct {
		findings []plugin.Finding
		once     bool
		says     string
	}{
		"lasting":            {[]plugin.Finding{mayNot}, true, "(lasting: it stays so until somebody changes what is named here)"},
		"transient beside":   {[]plugin.Finding{mayNot, throttled}, false, "(transient: "},
		"a warning beside":   {[]plugin.Finding{mayNot, {Level: plugin.Warn}}, true, "(lasting: "},
		"no finding at all":  {nil, true, "assay denied"},
		"a denial beside it": {[]plugin.Finding{mayNot, {Message: "privileged"}}, true, "assay denied"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				d := door{log: slog.New(slog.DiscardHandler), clock: time.Now, judge: judgeFunc(func(context.Context, plugin.Source) *plugin.Verdict {
					asked++
					return &plugin.Verdict{Findings: test.findings}
				})}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				verdict := d.settle(ctx, plugin.Source{}, turn{enter: func(context.Context, string) (func(), error) { return func() {}, nil }})
				if (asked == 1) != test.once {
					t.Errorf("asked %d times", asked)
				}
				if said := Door().Condition(verdict, ""); !strings.Contains(said, test.says) {
					t.Errorf("said %q", said)
				}
			})
		})
	}
}
