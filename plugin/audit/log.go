package audit

import (
	"context"
	"io"
	"slices"

	"gopkg.in/natefinch/lumberjack.v2"
)

const (
	// DefaultLogBytes is how large the file of an audit log grows unless told otherwise.
	DefaultLogBytes = 100 << 20
	// keptLogs is how many older files stay beside the one that is written.
	keptLogs = 4
	mebibyte = 1 << 20
)

// File is a file that is put aside, under a name with the time, before it grows
// beyond so many bytes (in whole MiB, at least one); four older ones are kept. It
// is for its owner alone to read, and is made at the first write.
func File(name string, bytes int64) io.WriteCloser {
	return &lumberjack.Logger{Filename: name, MaxSize: int(max(bytes/mebibyte, 1)), MaxBackups: keptLogs}
}

// Lines writes records as JSON lines, for [SinkOptions.Take]. A line that could
// not be written whole is ended before the next one, so that a reader loses that
// line alone. Nothing forces lines onto the disk: what the system has not written
// when the machine fails is lost.
func Lines(out io.Writer) func(context.Context, Entry) error {
	torn := false
	return func(_ context.Context, entry Entry) error {
		line, err := entry.Record.Line()
		if err != nil {
			return err
		}
		if torn {
			line = slices.Concat([]byte("\n"), line)
		}
		written, err := out.Write(line)
		torn = err != nil && (torn || written > 0)
		return err
	}
}
