package confined

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

func TestCapabilities_LackWhatIsRefused(t *testing.T) {
	capabilities := NewCapabilities()()
	for _, builtin := range capabilities.Builtins {
		if why, refused := Refused()[builtin.Name]; refused {
			t.Errorf("%s may be called, and %s", builtin.Name, why)
		}
	}
	for text, want := range map[string]string{`x if count([1]) == 1`: "", `x if http.send({})`: "http.send"} {
		module, err := ast.ParseModule("policy.rego", "package main\n"+text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Compile([]*ast.Module{module}, ast.RegoV1, capabilities)
		calls := RefusedCalls(module)
		if want == "" && (err != nil || len(calls) > 0) || want != "" && (err == nil || len(calls) != 1 || calls[0].Name != want || calls[0].Line != 2) {
			t.Errorf("%s: %v, %+v", text, err, calls)
		}
	}
}

func TestBounded_TellsTheCallersEndFromItsOwn(t *testing.T) {
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := Bounded(t.Context(), time.Millisecond, wait); !errors.Is(err, ErrCost) {
		t.Errorf("a slow policy: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Bounded(ended, time.Hour, wait); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that left: %v", err)
	}
	if err := Bounded(t.Context(), time.Hour, func(context.Context) error { panic("broken") }); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a panic: %v", err)
	}
	if err := Bounded(t.Context(), time.Hour, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}
