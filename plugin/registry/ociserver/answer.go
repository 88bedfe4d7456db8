package ociserver

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// answer is a response that is held back until it is complete.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}, status: http.StatusOK} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(data []byte) (int, error) { return a.body.Write(data) }

func (a *answer) send(w http.ResponseWriter) {
	for key, values := range a.header {
		w.Header()[key] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // a client that left is no fault of the server
}

// fail writes an error in the form of the distribution specification.
func (a *answer) fail(status int, code, message string) {
	a.header.Set("Content-Type", "application/json")
	a.status = status
	fmt.Fprintf(&a.body, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
}

// Fault is a wrong answer. Fields are tried in the order in which they stand
// here; the first that is set decides the body.
type Fault struct {
	// Status is the status of the answer; 0 is 200.
	Status int
	// RetryAfter is the header's value; empty sends none.
	RetryAfter string
	// Header is sent besides.
	Header http.Header
	// Hang never answers: it waits until the client leaves or the server stops.
	Hang bool
	// Zeros streams that many zero bytes, without announcing their number.
	Zeros int64
	// Truncate announces all of Body and sends half of it.
	Truncate bool
	// Body is sent.
	Body []byte
}

func (f *Fault) serve(w http.ResponseWriter, r *http.Request) {
	if f.Hang {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	for key, values := range f.Header {
		w.Header()[key] = values
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	body := f.Body
	if f.Truncate {
		w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)))
		body = body[:len(body)/2]
	}
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if f.Zeros > 0 {
		_, _ = io.Copy(w, io.LimitReader(zeros{}, f.Zeros)) // ends early when the client has had enough
		return
	}
	_, _ = w.Write(body)
	if f.Truncate {
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		panic(http.ErrAbortHandler) // closes the connection in the middle of the body
	}
}

type zeros struct{}

func (zeros) Read(data []byte) (int, error) {
	clear(data)
	return len(data), nil
}
