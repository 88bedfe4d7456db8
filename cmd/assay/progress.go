package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress shows the stage on one line of a terminal, once a run takes longer
// than a second.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	stage string
	shown bool
	timer *time.Timer
}

// startProgress returns nil when out is no terminal; a nil progress is silent.
func startProgress(out io.Writer) *progress {
	if !isTerminal(out) {
		return nil
	}
	p := &progress{out: out}
	p.timer = time.AfterFunc(time.Second, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.shown = true
		p.draw()
	})
	return p
}

// begin hears the name of a stage.
func (p *progress) begin(stage string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage = stage
	if p.shown {
		p.draw()
	}
}

func (p *progress) draw() { fmt.Fprintf(p.out, "\r\033[K%s ...", p.stage) }

// end clears the line.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.out, "\r\033[K")
	}
	p.shown = false
}

func isTerminal(w io.Writer) bool {
	file, ok := fileOf(w)
	return ok && term.IsTerminal(int(file.Fd()))
}

// terminalWidth is the width to wrap a report at.
func terminalWidth(w io.Writer) int {
	const standard = 100
	file, ok := fileOf(w)
	if !ok {
		return standard
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width < 40 {
		return standard
	}
	return min(width, 140)
}

// wantsColor follows the NO_COLOR convention.
func wantsColor(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
