package controlplane

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Command says how a server is started.
type Command struct {
	// Name is the server's, and its log file's.
	Name string
	// Args are the program and its arguments.
	Args []string
	// Env is added to this process's environment.
	Env []string
	// Logs is the folder of the log files. A server that is started again
	// writes on in the same file.
	Logs string
}

// Process is a server that was started.
type Process struct {
	Command
	command *exec.Cmd
	ended   chan struct{}
	err     error
}

// Launch starts a server and does not wait for it.
func Launch(c Command) (*Process, error) {
	log, err := os.OpenFile(filepath.Join(c.Logs, c.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// It ends when Stop or Kill is called, or with the process namespace.
	command := exec.CommandContext(context.Background(), c.Args[0], c.Args[1:]...)
	command.Env = append(os.Environ(), c.Env...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	p := &Process{Command: c, command: command, ended: make(chan struct{})}
	go func() {
		p.err = command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Ready waits until the probe succeeds. It fails when the server ends before,
// or when the time is over, and then shows the end of its log.
func (p *Process) Ready(ctx context.Context, probe func(context.Context) error) error {
	err := Until(ctx, func(ctx context.Context) error {
		select {
		case <-p.ended:
			return &finalError{fmt.Errorf("it ended: %w", p.err)}
		default:
			return probe(ctx)
		}
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w; its log ends:\n%s", p.Name, err, p.Tail(20))
	}
	return nil
}

// Stop asks the server to end, and ends it after a while. It says whether the
// server ended by itself.
func (p *Process) Stop() bool {
	if err := p.command.Process.Signal(syscall.SIGTERM); err == nil {
		select {
		case <-p.ended:
			return true
		case <-time.After(10 * time.Second):
		}
	}
	p.Kill()
	return false
}

// Kill ends the server with SIGKILL.
func (p *Process) Kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

// PID is the process's number.
func (p *Process) PID() int { return p.command.Process.Pid }

// Tail is the end of the server's log.
func (p *Process) Tail(lines int) string {
	data, err := os.ReadFile(filepath.Join(p.Logs, p.Name+".log"))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
