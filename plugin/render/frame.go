package render

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/assay-gitops/assay/plugin"
)

// The parent and its worker speak in frames: four bytes of length, big endian,
// then JSON. The parent begins with a greeting, the worker answers it; then one
// answer follows each request.

// greeting sets a worker up; it is sent once.
type greeting struct {
	// Memory is the ceiling in bytes.
	Memory int64 `json:"memory"`
}

// ready is the worker's word that its sandbox stands, or why it does not.
type ready struct {
	Failure string `json:"failure,omitempty"`
}

// request asks for one rendering. The worker opens the tree by its path and
// goes on only if that is the folder that the parent holds open.
type request struct {
	Tree        string             `json:"tree,omitempty"`
	Device      uint64             `json:"device,omitempty"`
	Inode       uint64             `json:"inode,omitempty"`
	Path        string             `json:"path"`
	Revision    string             `json:"revision,omitempty"`
	Application plugin.Application `json:"application"`
	Parameters  plugin.Parameters  `json:"parameters"`
	Rendered    []byte             `json:"rendered,omitempty"`
	Overlay     map[string][]byte  `json:"overlay,omitempty"`
	Limits      plugin.Limits      `json:"limits"`
	// Charts are dependencies that the parent fetched, as a worker has no
	// network.
	Charts []fetchedChart `json:"charts,omitempty"`
	// CanFetch is set when the parent may be asked for charts.
	CanFetch bool `json:"canFetch,omitempty"`
}

type fetchedChart struct {
	Chart ChartReference `json:"chart"`
	Data  []byte         `json:"data"`
}

// response is a worker's answer.
type response struct {
	Objects  []wireObject     `json:"objects,omitempty"`
	Findings []plugin.Finding `json:"findings,omitempty"`
	Hidden   []string         `json:"hidden,omitempty"`
	Reads    map[string]read  `json:"reads,omitempty"`
	Failure  *failure         `json:"failure,omitempty"`
	// Wanted is a chart that the parent should fetch before it asks again.
	Wanted *ChartReference `json:"wanted,omitempty"`
}

type wireObject struct {
	Fields map[string]any `json:"fields"`
	Origin plugin.Origin  `json:"origin,omitzero"`
}

// failure carries an error with what makes it a refusal or no answer.
type failure struct {
	// Rule is a refusal's, Stage a stage error's; both empty is any other.
	Rule    string        `json:"rule,omitempty"`
	Stage   string        `json:"stage,omitempty"`
	Subject string        `json:"subject,omitempty"`
	Origin  plugin.Origin `json:"origin,omitzero"`
	Message string        `json:"message,omitempty"`
	Why     string        `json:"why,omitempty"`
	Hint    string        `json:"hint,omitempty"`
	Cause   string        `json:"cause,omitempty"`
	// Parts are the errors of a join, which has nothing else.
	Parts []*failure `json:"parts,omitempty"`
}

func newFailure(err error) *failure {
	var refusal *plugin.Refusal
	var noAnswer *plugin.StageError
	out := &failure{}
	if joined, is := err.(interface{ Unwrap() []error }); is {
		for _, part := range joined.Unwrap() {
			out.Parts = append(out.Parts, newFailure(part))
		}
		return out
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		*out = failure{Rule: refusal.Rule, Origin: refusal.Origin, Message: refusal.Message, Why: refusal.Why, Hint: refusal.Hint}
		err = refusal.Cause
	case errors.As(err, &noAnswer):
		*out = failure{Stage: noAnswer.Stage, Subject: noAnswer.Subject, Hint: noAnswer.Hint}
		err = noAnswer.Cause
	}
	if err != nil {
		out.Cause = err.Error()
	}
	return out
}

func (f *failure) err() error {
	if f == nil {
		return nil
	}
	if len(f.Parts) > 0 {
		var parts []error
		for _, part := range f.Parts {
			parts = append(parts, part.err())
		}
		return errors.Join(parts...)
	}
	var cause error
	if f.Cause != "" {
		cause = errors.New(f.Cause)
	}
	switch {
	case f.Rule != "":
		return &plugin.Refusal{Rule: f.Rule, Origin: f.Origin, Message: f.Message, Why: f.Why, Hint: f.Hint, Cause: cause}
	case f.Stage != "":
		return &plugin.StageError{Stage: f.Stage, Subject: f.Subject, Hint: f.Hint, Cause: cause}
	case cause == nil:
		return errors.New("rendering: the worker failed without a word")
	}
	return cause
}

var errFrameTooLong = errors.New("the message is longer than its limit")

func writeFrame(out io.Writer, message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("writing a message: %w", err)
	}
	if int64(len(data)) > int64(^uint32(0)) {
		return fmt.Errorf("writing a message: %w", errFrameTooLong)
	}
	framed := append(binary.BigEndian.AppendUint32(make([]byte, 0, len(data)+4), uint32(len(data))), data...)
	if _, err := out.Write(framed); err != nil {
		return fmt.Errorf("writing a message: %w", err)
	}
	return nil
}

// readFrame reads one message; io.EOF is the end between two messages.
func readFrame(in io.Reader, limit int64, into any) error {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return fmt.Errorf("reading a message: %w", err)
	}
	length := int64(binary.BigEndian.Uint32(size[:]))
	if length > limit {
		return fmt.Errorf("reading a message of %d bytes: %w", length, errFrameTooLong)
	}
	var data bytes.Buffer
	if _, err := io.CopyN(&data, in, length); err != nil {
		return fmt.Errorf("reading a message: %w", err)
	}
	decoder := json.NewDecoder(&data)
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("reading a message: %w", err)
	}
	return nil
}

// messageLimit bounds a message: JSON takes more room than the YAML that the
// other limits count.
func messageLimit(limits plugin.Limits) int64 {
	return min(4*(limits.RenderedBytes+limits.ArchiveBytes)+1<<20, int64(^uint32(0)))
}
