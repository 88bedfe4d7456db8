package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/assay-gitops/assay/plugin/report"
)

// tell writes what a command says. Its texts, file names among them, may have
// been written by an attacker: none of them steers the terminal. Lists are
// joined by commas.
func tell(w io.Writer, format string, texts ...any) {
	safe := make([]any, 0, len(texts))
	for _, text := range texts {
		switch text := text.(type) {
		case string:
			safe = append(safe, report.Neutral(text))
		case []string:
			safe = append(safe, strings.Join(neutral(text), ", "))
		case fmt.Stringer:
			safe = append(safe, report.Neutral(text.String()))
		default:
			safe = append(safe, text)
		}
	}
	fmt.Fprintf(w, format, safe...)
}

func neutral(texts []string) []string {
	safe := make([]string, 0, len(texts))
	for _, text := range texts {
		safe = append(safe, report.Neutral(text))
	}
	return safe
}

// output is standard output that remembers that it could not be written: a
// command whose answer nobody got has not succeeded.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(data []byte) (int, error) {
	n, err := o.Writer.Write(data)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// failure is the command's end when something was not written; nil when all
// was.
func (o *output) failure() error {
	if o.err == nil {
		return nil
	}
	return &exit{code: exitUndetermined, err: fmt.Errorf("writing to standard output: %w", o.err)}
}

// fileOf is the file behind a command's output, when there is one.
func fileOf(w io.Writer) (*os.File, bool) {
	for {
		wrapped, is := w.(*output)
		if !is {
			file, isFile := w.(*os.File)
			return file, isFile
		}
		w = wrapped.Writer
	}
}
