package render

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// startTimeout bounds a worker's start, its sandbox included.
const startTimeout = 20 * time.Second

// process is one worker as its parent sees it. A nil process is dead.
type process struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.ReadCloser
	stderr  *tail
	exited  chan struct{}
}

// startProcess starts a worker with an empty environment and no files but its
// standard streams, and waits until its sandbox stands.
func startProcess(options WorkerOptions) (*process, error) {
	command := options.Command
	if len(command) == 0 {
		executable, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("starting a render worker: %w", err)
		}
		command = []string{executable, "render-worker"}
	}
	worker := &process{stderr: &tail{}, exited: make(chan struct{})}
	worker.command = exec.Command(command[0], command[1:]...) //nolint:noctx,gosec // a worker outlives every request; the program is the gate's own
	worker.command.Env = []string{}
	worker.command.Dir = "/"
	worker.command.Stderr = worker.stderr
	var err error
	if worker.stdin, err = worker.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting a render worker: %w", err)
	}
	// A pipe of our own: Wait closes StdoutPipe's while the answer is being read.
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting a render worker: %w", err)
	}
	worker.stdout, worker.command.Stdout = reader, writer
	err = worker.command.Start()
	_ = writer.Close()
	if err != nil {
		_ = reader.Close()
		return nil, fmt.Errorf("starting a render worker: %w", err)
	}
	go func() {
		_ = worker.command.Wait() // how it ended is read from its streams
		close(worker.exited)
	}()
	if err := worker.greet(options.Limits.RenderMemory); err != nil {
		worker.kill()
		return nil, fmt.Errorf("starting a render worker: %w", err)
	}
	return worker, nil
}

func (p *process) greet(memory int64) error {
	answer := make(chan error, 1)
	go func() {
		var word ready
		err := errors.Join(writeFrame(p.stdin, greeting{Memory: memory}), readFrame(p.stdout, 1<<16, &word))
		if err == nil && word.Failure != "" {
			err = errors.New(word.Failure)
		}
		answer <- err
	}()
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	select {
	case err := <-answer:
		return err
	case <-timeout.C:
		return fmt.Errorf("no word after %s", startTimeout)
	}
}

// answered is a response or why there is none.
type answered struct {
	response response
	err      error
}

func (p *process) exchange(asked request, limit int64) answered {
	var answer answered
	if answer.err = writeFrame(p.stdin, asked); answer.err == nil {
		answer.err = readFrame(p.stdout, limit, &answer.response)
	}
	return answer
}

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill ends the process and waits until it is gone.
func (p *process) kill() {
	if p == nil {
		return
	}
	_ = p.command.Process.Kill() // it may have ended by itself
	<-p.exited
	_ = p.stdin.Close()
	_ = p.stdout.Close()
}

// lastWords is the end of what the process wrote to its standard error.
func (p *process) lastWords() string { return p.stderr.text() }

// tail keeps the first and last bytes of a stream.
type tail struct {
	mu   sync.Mutex
	head []byte
	end  []byte
}

const tailBytes = 4096

// Write never fails and never grows.
func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	written := len(data)
	if room := tailBytes - len(t.head); room > 0 {
		taken := min(room, len(data))
		t.head, data = append(t.head, data[:taken]...), data[taken:]
	}
	t.end = append(t.end, data...)
	if extra := len(t.end) - tailBytes; extra > 0 {
		t.end = append([]byte(nil), t.end[extra:]...)
	}
	return written, nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.head) + string(t.end)
}
