package controlplane

import (
	"os/exec"
	"syscall"
)

// dieTogether has the kernel kill the command when this process dies, however
// it does.
func dieTogether(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
