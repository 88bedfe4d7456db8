package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestUsageOf_AddsUpAProcessAndItsChildren(t *testing.T) {
	alone, err := usageOf(os.Getpid())
	if err != nil || alone.pss <= 0 || alone.rss < alone.pss || alone.children != 0 {
		t.Fatalf("%+v and %v", alone, err)
	}
	child := exec.CommandContext(t.Context(), "cat") // reads what nobody writes
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	children, err := childrenOf(os.Getpid())
	if err != nil || !slices.Contains(children, child.Process.Pid) {
		t.Errorf("the children are %v and %v, and lack %d", children, err, child.Process.Pid)
	}
	if both, err := usageOf(os.Getpid()); err != nil || both.children != 1 || both.cpu < alone.cpu {
		t.Errorf("%+v and %v", both, err)
	}
	if _, err := usageOf(1 << 30); err == nil {
		t.Error("a process that is not there takes something")
	}
}
