package revision

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const (
	// mostOutput bounds the answer of a command that is read whole, in bytes, and
	// mostErrors its messages.
	mostOutput = 16 << 20
	mostErrors = 64 << 10
	// patience is how long a command that was told to end may take.
	patience = 2 * time.Second
)

// errNoProgram says that there is no git.
var errNoProgram = errors.New("the git program was not found")

// program is git in one folder.
type program struct {
	file, dir string
	env       []string
}

// findGit looks for the git program.
func findGit(dir string) (program, error) {
	file, err := exec.LookPath("git")
	if err != nil {
		return program{}, errNoProgram
	}
	return program{file: file, dir: dir, env: environment(os.Environ())}, nil
}

// environment is the user's own, but for what would aim git at another
// repository, make it speak another language, ask, fetch, log or write.
func environment(from []string) []string {
	// A hook of a server finds new objects only where these point to.
	kept := []string{
		"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_EXEC_PATH",
		"GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH",
	}
	env := slices.DeleteFunc(slices.Clone(from), func(each string) bool {
		name, _, _ := strings.Cut(each, "=")
		setting := strings.HasPrefix(name, "GIT_CONFIG_KEY_") || strings.HasPrefix(name, "GIT_CONFIG_VALUE_")
		return name == "LANGUAGE" || strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "GIT_") && !setting && !slices.Contains(kept, name)
	})
	return append(env,
		"LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_TERMINAL_PROMPT=0", "GIT_ATTR_NOSYSTEM=1",
		// The first is known since 2.45; the second stops older ones.
		"GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none",
	)
}

// gitError is a command of git that failed.
type gitError struct {
	command string
	code    int
	// said is the first line of what it said.
	said string
	// all is everything that it said.
	all string
}

func (e *gitError) Error() string {
	if e.said == "" {
		return fmt.Sprintf("git %s ended with %d", e.command, e.code)
	}
	return fmt.Sprintf("git %s: %s", e.command, e.said)
}

// output runs a command and returns what it writes.
func (p program) output(ctx context.Context, args ...string) (string, error) {
	var out []byte
	err := p.stream(ctx, nil, func(answer *bufio.Reader) error {
		var err error
		out, err = io.ReadAll(io.LimitReader(answer, mostOutput+1))
		if err == nil && len(out) > mostOutput {
			err = fmt.Errorf("git %s answers more than %d bytes", args[0], mostOutput)
		}
		return err
	}, args...)
	return string(out), err
}

// stream runs a command, writes its input and hands its output over. The
// command is ended when reading fails or the context ends.
func (p program) stream(ctx context.Context, input io.Reader, read func(*bufio.Reader) error, args ...string) error {
	name := args[0]
	running, stop := context.WithCancel(ctx)
	defer stop()
	args = append([]string{"--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull}, args...)
	command := exec.CommandContext(running, p.file, args...) //nolint:gosec // what a user names is checked, and follows --end-of-options
	command.Dir, command.Env, command.WaitDelay = p.dir, p.env, patience
	messages := &bounded{most: mostErrors}
	command.Stderr, command.Stdin = messages, input
	out, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting git: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting git: %w", err)
	}
	// A wrapper's child may hold the other end when the wrapper is ended.
	unread := context.AfterFunc(running, func() { _ = out.Close() })
	failed := read(bufio.NewReaderSize(out, 256<<10))
	if failed != nil {
		stop()
	}
	unread()
	err = command.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return newGitError(name, exit.ExitCode(), messages.kept.String())
	case failed != nil:
		return failed
	case err != nil:
		return fmt.Errorf("running git %s: %w", name, err)
	}
	return nil
}

func newGitError(command string, code int, all string) error {
	failure := &gitError{command: command, code: code, all: all}
	for line := range strings.Lines(all) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "warning:") || line == "" {
			continue
		}
		line = strings.TrimPrefix(strings.TrimPrefix(line, "fatal: "), "error: ")
		failure.said = fmt.Sprintf("%.300s", line)
		break
	}
	return failure
}

// bounded keeps the first bytes of what is written.
type bounded struct {
	kept bytes.Buffer // not embedded: it would read on by itself
	most int
}

// Write implements io.Writer.
func (b *bounded) Write(text []byte) (int, error) {
	if room := b.most - b.kept.Len(); room > 0 {
		b.kept.Write(text[:min(room, len(text))])
	}
	return len(text), nil
}
