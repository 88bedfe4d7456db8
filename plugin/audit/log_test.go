package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
)

// patience is more than anything here takes.
const patience = 10 * time.Second

// told is a log that can be read while it is written.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *told) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(data)
}

func (t *told) count(words string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Count(t.text.String(), words)
}

// running is a sink that takes, and the log that hears of it.
func running(t testing.TB, options audit.SinkOptions) (*audit.Recorder, *audit.Sink, *told) {
	t.Helper()
	heard := &told{}
	options.Log = slog.New(slog.NewTextHandler(heard, nil))
	sink := audit.NewSink(options)
	go sink.Run(context.WithoutCancel(t.Context()))
	t.Cleanup(func() { sink.Close(patience) })
	return &audit.Recorder{Sinks: []*audit.Sink{sink}, Log: options.Log, About: func(*plugin.Verdict) audit.About { return about() }}, sink, heard
}

func logging(t testing.TB, out io.Writer) (*audit.Recorder, *audit.Sink, *told) {
	t.Helper()
	return running(t, audit.SinkOptions{What: "the audit log", Take: audit.Lines(out)})
}

// records reads the records of a file; lines that are none are counted.
func records(t *testing.T, data []byte) (list []audit.Record, broken int) {
	t.Helper()
	for line := range bytes.Lines(data) {
		var record audit.Record
		if err := json.Unmarshal(line, &record); err != nil {
			broken++
			continue
		}
		list = append(list, record)
	}
	return list, broken
}

func TestLog_HasALineForEachVerdictInTheirOrder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log", "audit.jsonl")
	file := audit.File(name, 1<<20)
	recorder, sink, heard := logging(t, file)
	recorder.Tell(complete(t, []plugin.Object{configMap("shop")}))
	recorder.Tell(complete(t, []plugin.Object{configMap("shop")}, privileged()))
	recorder.Tell(nil)
	sink.Close(patience)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	list, broken := records(t, data)
	if len(list) != 3 || broken > 0 || list[0].Outcome != plugin.Allowed || list[1].Outcome != plugin.Denied || list[2].Outcome != plugin.Denied {
		t.Errorf("%d records, %d broken lines:\n%s", len(list), broken, data)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the file: %v %v", info.Mode(), err)
	}
	if sink.Taken() != 3 || sink.Failed() != 0 || heard.count("\n") > 0 {
		t.Errorf("taken %d, failed %d, told %s", sink.Taken(), sink.Failed(), heard.text.String())
	}
}

func TestLog_GoesOnInTheFileThatIsThere(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	for range 2 { // the process starts twice
		file := audit.File(name, 1<<20)
		recorder, sink, _ := logging(t, file)
		recorder.Tell(complete(t, []plugin.Object{configMap("shop")}))
		sink.Close(patience)
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if list, broken := records(t, data); len(list) != 2 || broken > 0 {
		t.Errorf("%d records, %d broken lines", len(list), broken)
	}
}

func TestLog_IsPutAsideBeforeItGrowsTooLarge(t *testing.T) {
	folder := t.TempDir()
	file := audit.File(filepath.Join(folder, "audit.jsonl"), 1<<20)
	take := audit.Lines(file)
	v := complete(t, []plugin.Object{configMap("shop")})
	for range 1200 {
		finding := waived()
		finding.Message = strings.Repeat("x", 900)
		v.Findings = append(v.Findings, finding)
	}
	entry := audit.Entry{Record: audit.From(v, about())}
	line, err := entry.Record.Line()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * (1 << 20) / len(line) {
		if err := take(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, each := range files {
		info, err := each.Info()
		if err != nil || info.Size() > 1<<20 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has %d bytes and is %v (%v)", each.Name(), info.Size(), info.Mode(), err)
		}
	}
}

// The device says "no space left" to every write, as a full disk does.
func TestLog_FullDiskChangesNoVerdictAndIsSaidOnce(t *testing.T) {
	link := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.Symlink("/dev/full", link); err != nil {
		t.Fatal(err)
	}
	recorder, sink, heard := logging(t, audit.File(link, 1<<20))
	allowed := complete(t, []plugin.Object{configMap("shop")})
	for range 3 {
		recorder.Tell(allowed)
	}
	sink.Close(patience)
	if !allowed.Allowed() {
		t.Error("the verdict changed")
	}
	if sink.Failed() != 3 || sink.Taken() != 0 {
		t.Errorf("failed %d, taken %d", sink.Failed(), sink.Taken())
	}
	if heard.count("could not be written") != 1 || heard.count("no space left on device") != 1 {
		t.Errorf("told %s", heard.text.String())
	}
}

// disk takes so many bytes and is full then, in the middle of a line, until
// somebody makes room.
type disk struct {
	told

	room int
}

func (d *disk) Write(data []byte) (int, error) {
	if len(data) <= d.room {
		d.room -= len(data)
		return d.told.Write(data)
	}
	n, _ := d.told.Write(data[:d.room])
	d.room = 0
	return n, syscall.ENOSPC
}

func TestLog_IsWrittenAgainOnceThereIsRoom(t *testing.T) {
	entry := audit.Entry{Record: audit.From(complete(t, []plugin.Object{configMap("shop")}), about())}
	line, err := entry.Record.Line()
	if err != nil {
		t.Fatal(err)
	}
	out := &disk{room: len(line) + 10}
	take := audit.Lines(out)
	for step, want := range []error{nil, syscall.ENOSPC, syscall.ENOSPC} {
		if err := take(t.Context(), entry); !errors.Is(err, want) {
			t.Fatalf("step %d: %v", step, err)
		}
	}
	out.room = 1 << 20
	for range 2 {
		if err := take(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	if list, broken := records(t, out.text.Bytes()); len(list) != 3 || broken != 1 {
		t.Errorf("%d records and %d broken lines:\n%s", len(list), broken, out.text.String())
	}
}

func TestSink_TellsWhenItWorksAgain(t *testing.T) {
	working := make(chan error, 3)
	recorder, sink, heard := running(t, audit.SinkOptions{What: "the audit log", Take: func(context.Context, audit.Entry) error { return <-working }})
	for _, err := range []error{errors.New("gone"), errors.New("gone"), nil} {
		recorder.Tell(complete(t, []plugin.Object{configMap("shop")}))
		working <- err
	}
	sink.Close(patience)
	if heard.count("could not be written") != 1 || heard.count("is written again") != 1 || heard.count("lost=2") != 1 {
		t.Errorf("told %s", heard.text.String())
	}
}

func TestSink_ThatHangsHoldsNoAnswerUp(t *testing.T) {
	release := make(chan struct{})
	recorder, sink, heard := running(t, audit.SinkOptions{What: "the audit log", Waiting: 2, Take: func(context.Context, audit.Entry) error {
		<-release
		return nil
	}})
	v := complete(t, []plugin.Object{configMap("shop")})
	for range 5 { // one is being written, two wait
		recorder.Tell(v)
	}
	if failed := sink.Failed(); failed < 2 || failed > 3 {
		t.Errorf("%d were lost", failed)
	}
	if heard.count("too many wait") != 1 {
		t.Errorf("told %s", heard.text.String())
	}
	sink.Close(0) // nobody waits for it either
	close(release)
	sink.Close(patience)
	lost := sink.Failed()
	if recorder.Tell(v); sink.Failed() != lost+1 {
		t.Error("what came after the end is not counted")
	}
}

func TestSink_PanicsAreCountedAndStopNobody(t *testing.T) {
	recorder, sink, heard := running(t, audit.SinkOptions{What: "the audit log", Take: func(context.Context, audit.Entry) error { panic("broken") }})
	recorder.Tell(complete(t, []plugin.Object{configMap("shop")}))
	recorder.About = func(*plugin.Verdict) audit.About { panic("broken too") }
	recorder.Tell(complete(t, []plugin.Object{configMap("shop")}))
	sink.Close(patience)
	if sink.Failed() != 2 || heard.count("broken too") != 1 || heard.count("it stopped: broken") != 1 {
		t.Errorf("failed %d, told %s", sink.Failed(), heard.text.String())
	}
}

func TestSink_ManifestsGoWhereTheyAreWantedAlone(t *testing.T) {
	for wanted, outcome := range map[bool]func() *plugin.Verdict{
		true:  func() *plugin.Verdict { return complete(t, []plugin.Object{configMap("shop")}) },
		false: func() *plugin.Verdict { return complete(t, []plugin.Object{configMap("shop")}, privileged()) },
	} {
		for _, keeps := range []bool{true, false} {
			got := make(chan audit.Entry, 1)
			recorder, _, _ := running(t, audit.SinkOptions{What: "the store", Manifests: keeps, Take: func(_ context.Context, entry audit.Entry) error {
				got <- entry
				return nil
			}})
			recorder.Tell(outcome())
			if entry := <-got; (len(entry.Manifests) > 0) != (wanted && keeps) {
				t.Errorf("allowed %v, kept %v: %d bytes", wanted, keeps, len(entry.Manifests))
			}
		}
	}
}
