package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/assay-gitops/assay/plugin/report"
)

// progress shows what a command is doing on one line of a terminal, once it
// takes longer than a second.
type progress struct {
	mu  sync.Mutex
	out io.Writer
	// about is what the stage belongs to; may be empty.
	about, stage string
	// late is set after the second, hidden while something else is printed, and
	// drawn while the line stands there.
	late, hidden, drawn bool
	timer               *time.Timer
}

// startProgress returns nil when out is no terminal; a nil progress is silent.
func startProgress(out io.Writer) *progress {
	if !isTerminal(out) {
		return nil
	}
	p := &progress{out: out}
	p.timer = time.AfterFunc(time.Second, func() {
		p.change(func() { p.late = true })
	})
	return p
}

// begin hears the name of a stage.
func (p *progress) begin(stage string) {
	p.change(func() { p.stage, p.hidden = stage, false })
}

// turnTo hears what the stages to come belong to.
func (p *progress) turnTo(about string) {
	p.change(func() { p.about, p.stage, p.hidden = about, "", false })
}

// change draws the line as it is after the change.
func (p *progress) change(what func()) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	what()
	if p.late && !p.hidden {
		fmt.Fprintf(p.out, "\r\033[K%s ...", p.line())
		p.drawn = true
	}
}

// line is what stands before the dots, cut to one line: what is longer could
// not be cleared.
func (p *progress) line() string {
	text := p.stage
	if p.about != "" && p.stage != "" {
		text = p.about + ": " + p.stage
	} else if p.about != "" {
		text = p.about
	}
	line := []rune(report.Neutral(text))
	width := columns(p.out)
	if width == 0 {
		width = 80 // what a terminal has that does not say
	}
	room := max(width-len(" ...")-1, 0)
	return string(line[:min(len(line), room)])
}

// hide clears the line until the next stage begins, for what is printed
// meanwhile.
func (p *progress) hide() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		fmt.Fprint(p.out, "\r\033[K")
	}
	p.hidden, p.drawn = true, false
}

// end clears the line for good.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.timer.Stop()
	p.hide()
}

func isTerminal(w io.Writer) bool {
	file, ok := fileOf(w)
	return ok && term.IsTerminal(int(file.Fd()))
}

// terminalWidth is the width to wrap a report at.
func terminalWidth(w io.Writer) int {
	const standard = 100
	width := columns(w)
	if width < 40 {
		return standard
	}
	return min(width, 140)
}

// columns is a terminal's width; 0 when it is not known.
func columns(w io.Writer) int {
	file, ok := fileOf(w)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// wantsColor follows the NO_COLOR convention.
func wantsColor(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
