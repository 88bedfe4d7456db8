package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// inside is set in the environment of a binary that runs in namespaces of its own.
const inside = "ASSAY_E2E_INSIDE"

// theirs names the environment's variable of the kubeconfig of a cluster that
// somebody else started.
const theirs = "ASSAY_E2E_KUBECONFIG"

// Isolate runs this binary again, with the same arguments, in a network and a
// process namespace of its own, and returns its exit code. Inside of them it
// returns ok at once, and the caller goes on. Somebody else's cluster is in the
// machine's network, so then that one is shared, and the ports must be free.
func Isolate(ctx context.Context) (code int, ok bool, err error) {
	if os.Getenv(inside) != "" {
		if os.Getenv(theirs) != "" {
			return 0, true, nil
		}
		if err := raiseLoopback(ctx); err != nil {
			return 1, false, err
		}
		return 0, true, nil
	}
	args := []string{"-pf", "--kill-child", "--mount-proc"}
	if os.Getenv(theirs) == "" {
		args = append(args, "-n")
	}
	if os.Geteuid() != 0 {
		args = append(args, "-r")
	}
	self, err := os.Executable()
	if err != nil {
		return 1, false, err
	}
	// The signal of a parent's death is sent when the thread that started the child ends.
	runtime.LockOSThread()
	command := exec.CommandContext(ctx, "unshare", append(append(args, "--", self), os.Args[1:]...)...)
	command.Env = append(os.Environ(), inside+"=1")
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	dieTogether(command)
	err = command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, false, nil
	case errors.As(err, &exit):
		return max(1, exit.ExitCode()), false, nil
	}
	return 1, false, fmt.Errorf("entering namespaces of one's own: %w; they need Linux, unshare (util-linux), and root or user namespaces that anybody may make", err)
}

// raiseLoopback makes 127.0.0.1 usable: in a new network namespace it is down.
func raiseLoopback(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "ip", "link", "set", "lo", "up").CombinedOutput()
	if err != nil {
		return fmt.Errorf("raising the loopback interface with ip (iproute2): %w: %s", err, out)
	}
	return nil
}
