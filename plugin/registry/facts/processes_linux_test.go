package facts_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/registry/facts"
)

// roleVariable says what a process of this test binary does in the place of its
// tests: "DIR KEY WHAT".
const roleVariable = "ASSAY_FACTS_ROLE"

// nobody is a user who owns nothing.
const nobody = 65534

// rounds is how often each process writes and reads.
const rounds = 200

// longValue takes several writes of a file to be torn by another process.
func longValue(key string) string { return strings.Repeat(key+" ", 4<<10) }

func TestMain(m *testing.M) {
	dir, rest, given := strings.Cut(os.Getenv(roleVariable), "\n")
	if !given {
		os.Exit(m.Run())
	}
	key, what, _ := strings.Cut(rest, "\n")
	if err := play(dir, key, what); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// play is what the other process does.
func play(dir, key, what string) error {
	if what == "read only" && os.Geteuid() == 0 { // root writes everywhere
		if err := errors.Join(syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			return err
		}
	}
	var told []error
	store, err := facts.Open(facts.Options{Dir: dir, KeyFile: key, Bytes: 8 << 20, Tell: func(err error) { told = append(told, err) }})
	if err != nil {
		return err
	}
	switch what {
	case "share":
		return share(store)
	case "small files":
		// The signal would end the process; without it a write gets EFBIG.
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 1 << 10, Max: 1 << 10}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
	}
	store.Put("large", []byte(longValue("large")), time.Now())
	store.Put("larger", []byte(longValue("larger")), time.Now())
	if _, _, found := store.Get("before"); !found {
		return errors.New("what was there before cannot be read")
	}
	if _, _, found := store.Get("large"); found {
		return errors.New("what could not be written was found")
	}
	if stats := store.Stats(); stats.Failed != 2 || len(told) != 1 || !strings.Contains(told[0].Error(), "going on without it") {
		return fmt.Errorf("%d writes failed, told %v", stats.Failed, told)
	}
	return nil
}

// share writes and reads what other processes write and read.
func share(store *facts.Store) error {
	for i := range rounds {
		key := fmt.Sprint("key", i%7)
		store.Put(key, []byte(longValue(key)), time.Now())
		if i%11 == 0 {
			store.Drop(key)
		}
		if value, _, found := store.Get(fmt.Sprint("key", (i+3)%7)); found && string(value) != longValue(fmt.Sprint("key", (i+3)%7)) {
			return fmt.Errorf("another process's value is %.40q", value)
		}
	}
	if stats := store.Stats(); stats.Refused != 0 || stats.Failed != 0 || stats.Hits == 0 {
		return fmt.Errorf("%+v", stats)
	}
	return nil
}

// process runs this test's binary in that role.
func (p *place) process(what string) error {
	program := exec.CommandContext(p.t.Context(), os.Args[0])
	program.Env = append(os.Environ(), roleVariable+"="+p.dir+"\n"+p.key+"\n"+what)
	if out, err := program.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// Several processes, not only several stores of one: they make the key at once,
// write the same entries and forget them.
func TestProcesses_ShareAFolderAndAKey(t *testing.T) {
	p := newPlace(t)
	problems := make([]error, 4)
	var group sync.WaitGroup
	for i := range problems {
		group.Go(func() { problems[i] = p.process("share") })
	}
	group.Wait()
	if err := errors.Join(problems...); err != nil {
		t.Fatal(err)
	}
	for _, file := range p.files() {
		if strings.HasPrefix(filepath.Base(file), ".new-") {
			t.Errorf("%s was left behind", file)
		}
	}
	p.now = time.Now()
	p.open().Put("key1", []byte("one"), p.now)
	p.want(p.open(), "key1", "one")
}

// A full disk: a limit on the size of files stands in for it, as a file system
// of its own needs rights that tests do not have. Both fail within a write,
// after the file was made.
func TestProcesses_AFullDiskLeavesNothingHalfWritten(t *testing.T) {
	p := newPlace(t)
	p.now = time.Now()
	p.open().Put("before", []byte("one"), p.now)
	if err := p.process("small files"); err != nil {
		t.Fatal(err)
	}
	if files := p.files(); len(files) != 1 {
		t.Errorf("it left behind %v", files)
	}
	p.want(p.open(), "before", "one")
}

func TestProcesses_AFolderThatIsReadOnlyIsReadAllTheSame(t *testing.T) {
	p := newPlace(t)
	p.now = time.Now()
	p.open().Put("before", []byte("one"), p.now)
	if os.Geteuid() == 0 {
		p.give(p.dir, p.key)
	}
	p.chmod(0o555, 0o444)
	t.Cleanup(func() { p.chmod(0o755, 0o644) })
	if err := p.process("read only"); err != nil {
		t.Fatal(err)
	}
	if files := p.files(); len(files) != 1 {
		t.Errorf("it wrote %v", files)
	}
}

// give hands the key to nobody, and opens the way to it and to the files.
func (p *place) give(names ...string) {
	p.t.Helper()
	for _, name := range names {
		for parent := filepath.Dir(name); strings.HasPrefix(parent, os.TempDir()+string(filepath.Separator)); parent = filepath.Dir(parent) {
			if err := os.Chmod(parent, 0o755); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	if err := os.Chown(p.key, nobody, nobody); err != nil {
		p.t.Fatal(err)
	}
	for _, file := range p.files() {
		if err := os.Chmod(filepath.Dir(file), 0o755); err != nil {
			p.t.Fatal(err)
		}
	}
}

// chmod sets the modes of the folder's folders and files.
func (p *place) chmod(folders, files os.FileMode) {
	p.t.Helper()
	for _, file := range p.files() {
		if err := errors.Join(os.Chmod(file, files), os.Chmod(filepath.Dir(file), folders)); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := os.Chmod(p.dir, folders); err != nil {
		p.t.Fatal(err)
	}
}
