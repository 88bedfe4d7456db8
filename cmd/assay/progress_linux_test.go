package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// screen is the far end of a pseudo terminal: what a person would see.
type screen struct {
	tty *os.File
	// dots is closed when the first line of progress is seen, and gone when the
	// terminal was closed.
	dots, gone chan struct{}
	mu         sync.Mutex
	seen       bytes.Buffer
}

func newScreen(t *testing.T, columns uint16) *screen {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { _ = far.Close() })
	must(t, unix.IoctlSetPointerInt(int(far.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(far.Fd()), unix.TIOCGPTN)
	must(t, err)
	must(t, unix.IoctlSetWinsize(int(far.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}))
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	s := &screen{tty: tty, dots: make(chan struct{}), gone: make(chan struct{})}
	go s.watch(far)
	return s
}

func (s *screen) watch(far *os.File) {
	defer close(s.gone)
	dots := false
	buffer := make([]byte, 4096)
	for {
		n, err := far.Read(buffer)
		s.mu.Lock()
		s.seen.Write(buffer[:n])
		if !dots && strings.Contains(s.seen.String(), " ...") {
			dots = true
			close(s.dots)
		}
		s.mu.Unlock()
		if err != nil {
			return // EIO, once nobody has the terminal open
		}
	}
}

// close lets go of the terminal and returns all that was seen.
func (s *screen) close() string {
	_ = s.tty.Close()
	<-s.gone
	return s.seen.String()
}

// holding keeps the answer about the image's tag back until the channel says
// so, or whoever asked has left.
func holding(until <-chan struct{}) func(*http.Request) *ociserver.Fault {
	return func(r *http.Request) *ociserver.Fault {
		if strings.HasSuffix(r.URL.Path, "/manifests/1") {
			select {
			case <-until:
			case <-r.Context().Done():
			}
		}
		return nil
	}
}

// slowly makes a world with a lock file whose registry is silent until the
// channel says so.
func slowly(t *testing.T, until <-chan struct{}) *world {
	t.Helper()
	w := newWorld(t)
	w.sign(trusted())
	w.settle()
	if got := in(t, "", "lock", filepath.Join(w.dir, "app"), "-g", filepath.Join(w.dir, "gate")); got.code != exitAllowed {
		t.Fatalf("lock ends with %d: %s", got.code, got.err)
	}
	w.server.SetFault(holding(until))
	return w
}

// The registry answers once progress was seen: without it no command would end
// well.
func TestProgress_IsShownOnATerminalAndClearedAtTheEnd(t *testing.T) {
	t.Parallel()
	says := map[string]string{
		"check": "resolve ...", "render": "resolve ...", "lock": "resolving images ...", "init": "looking for signers of ", "gate": "1 of 1, ",
	}
	for i, args := range commandsOf(&world{}) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			terminal := newScreen(t, 200)
			w := slowly(t, terminal.dots)
			args := commandsOf(w)[i]
			var out bytes.Buffer
			code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: terminal.tty}, args)
			seen := terminal.close()
			if code != exitAllowed || out.Len() == 0 {
				t.Fatalf("it ends with %d and prints %q; on the terminal: %q", code, out.String(), seen)
			}
			if !strings.Contains(seen, says[args[0]]) || !strings.HasSuffix(seen, "\r\033[K") {
				t.Errorf("the terminal shows %q, want %q and an empty line in the end", seen, says[args[0]])
			}
			if strings.Contains(out.String(), "\033[K") {
				t.Errorf("progress is in the output: %q", out.String())
			}
		})
	}
}

// What does not fit would run into the next line, and stay there.
func TestProgress_FitsIntoOneLineOfTheTerminal(t *testing.T) {
	t.Parallel()
	terminal := newScreen(t, 24)
	bar := startProgress(terminal.tty)
	bar.turnTo("shop/\x1b[31moverlays/production-of-the-north")
	bar.begin("verify")
	<-terminal.dots
	bar.end()
	line, _, _ := strings.Cut(strings.TrimPrefix(terminal.close(), "\r\033[K"), "\r")
	if len([]rune(line)) >= 24 || !strings.HasPrefix(line, "shop/") || strings.Contains(line, "\x1b[31m") {
		t.Errorf("the line is %q", line)
	}
}

// Where standard error is no terminal nothing is printed, however long it
// takes.
func TestProgress_IsNotShownInAFile(t *testing.T) {
	t.Parallel()
	for i, args := range commandsOf(&world{}) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			late := make(chan struct{})
			w := slowly(t, late)
			time.AfterFunc(1500*time.Millisecond, func() { close(late) })
			file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
			must(t, err)
			defer file.Close()
			var out bytes.Buffer
			code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: file}, commandsOf(w)[i])
			text, err := os.ReadFile(file.Name())
			must(t, err)
			if code != exitAllowed || len(text) > 0 {
				t.Errorf("it ends with %d and writes %q to standard error", code, text)
			}
		})
	}
}
