package main

import (
	"bytes"
	"context"
	"io"
	"testing"
)

// TestCheck_StandardInputThatNeverEndsIsLeft: whoever stops the command gets it
// back, with "no answer". The twin, whose input ends, gets an answer.
func TestCheck_StandardInputThatNeverEndsIsLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	silent, writer := io.Pipe()
	defer writer.Close()
	var out, errs bytes.Buffer
	if code := run(ctx, streams{in: silent, out: &out, err: &errs}, []string{"check", "-"}); code != exitUndetermined {
		t.Fatalf("exit code %d, want %d: %s", code, exitUndetermined, errs.String())
	}
	input := bytes.NewBufferString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n")
	if code := run(context.Background(), streams{in: input, out: &out, err: &errs}, []string{"check", "-"}); code != exitAllowed {
		t.Fatalf("exit code %d, want %d: %s%s", code, exitAllowed, out.String(), errs.String())
	}
}
