// Package facts keeps what registries said in a folder that outlives the
// process. Who can write that folder, and does not have the key, can make the
// store forget and nothing else: every entry is authenticated, with its name
// and its time, by a key that lies elsewhere. An entry that was changed, cut
// short, put under another name, made under another key, or that is of a time to
// come, is as if it were not there.
//
// An earlier entry that is put back under its own name is believed as long as
// its own time allows; its reader decides for how long that is. Several
// processes may use one folder.
package facts

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options are where and how much a [Store] keeps.
type Options struct {
	// Dir is the folder; it is made when it is missing.
	Dir string
	// KeyFile holds the key; it is made at first use, and must not lie in Dir.
	KeyFile string
	// Bytes is the most that the folder holds.
	Bytes int64
	// Clock is time.Now unless it is set.
	Clock func() time.Time
	// Tell hears of the first write that failed; may be nil.
	Tell func(error)
}

// Store is a folder of facts. It is safe for use by many goroutines.
type Store struct {
	options              Options
	names, bodies, salts []byte

	mu    sync.Mutex
	stats Stats
	told  bool
	// held is about what the folder holds; below zero before it was counted.
	held int64
}

// Stats count what a store did.
type Stats struct {
	// Hits and Misses are entries that were there, and those that were not.
	Hits, Misses int64
	// Refused are entries that were not believed, Failed those that could not be
	// written, and Evicted those that went to make room.
	Refused, Failed, Evicted int64
	// Bytes is about what the folder holds: counted once, and again whenever it
	// is too much; what other processes write in between is left out.
	Bytes int64
}

// magic begins every entry, and is another one when their form changes.
const magic = "assayf1\n"

const (
	headBytes = len(magic) + 8
	macBytes  = sha256.Size
	// maxAhead is how far a clock of another machine may be ahead.
	maxAhead = 2 * time.Second
)

// Open makes the folder and the key where they are missing.
func Open(options Options) (*Store, error) {
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if inside(options.KeyFile, options.Dir) {
		return nil, fmt.Errorf("opening the cache %s: its key %s lies in it, so that who may write the one may read the other; put the key elsewhere", options.Dir, options.KeyFile)
	}
	key, err := readKey(options.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("opening the cache %s: %w", options.Dir, err)
	}
	s := &Store{options: options, held: -1}
	for purpose, into := range map[string]*[]byte{"names": &s.names, "bodies": &s.bodies, "salts": &s.salts} {
		if *into, err = hkdf.Key(sha256.New, key, nil, "assay facts "+purpose, sha256.Size); err != nil {
			return nil, fmt.Errorf("opening the cache %s: %w", options.Dir, err)
		}
	}
	return s, nil
}

// inside reports whether a file lies in a folder, however both are written.
func inside(file, folder string) bool {
	absolute := func(name string) string {
		if whole, err := filepath.Abs(name); err == nil {
			name = whole
		}
		if real, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
			name = filepath.Join(real, filepath.Base(name))
		}
		return name
	}
	relative, err := filepath.Rel(absolute(folder), absolute(file))
	return err == nil && relative != ".." && !strings.HasPrefix(relative, ".."+string(filepath.Separator))
}

// Salt is the same in every process that has the key, and tells nothing of it.
func (s *Store) Salt() []byte { return s.salts }

// path hides what an entry is about: names are made with the key.
func (s *Store) path(key string) string {
	name := hex.EncodeToString(s.sum(s.names, key))
	return filepath.Join(s.options.Dir, name[:2], name[2:])
}

func (s *Store) sum(secret []byte, parts ...string) []byte {
	made := hmac.New(sha256.New, secret)
	var size [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		made.Write(size[:])
		_, _ = io.WriteString(made, part) // never fails (hash.Hash)
	}
	return made.Sum(nil)
}

// Get reads the entry of a key, and when it was true.
func (s *Store) Get(key string) (value []byte, at time.Time, found bool) {
	name := s.path(key)
	data, err := s.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		s.count(func(c *Stats) { c.Misses++ })
		return nil, time.Time{}, false
	}
	if err == nil {
		value, at, err = s.open(key, data)
	}
	if err != nil {
		s.count(func(c *Stats) { c.Refused++ })
		return nil, time.Time{}, false
	}
	s.count(func(c *Stats) { c.Hits++ })
	now := time.Now()
	_ = os.Chtimes(name, now, now) // what is used stays longer; a folder that cannot be written stays as it is
	return value, at, true
}

// read opens what is a file: who can write the folder could put a pipe there, on
// which a reader waits for ever, or a link to a device.
func (s *Store) read(name string) ([]byte, error) {
	file, err := openFile(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("it is no file"))
	}
	data, err := io.ReadAll(io.LimitReader(file, s.options.Bytes+1))
	if err == nil && int64(len(data)) > s.options.Bytes {
		return nil, errors.New("it is larger than the cache may be")
	}
	return data, err
}

// open checks an entry against its key.
func (s *Store) open(key string, data []byte) ([]byte, time.Time, error) {
	if len(data) < headBytes+macBytes || string(data[:len(magic)]) != magic {
		return nil, time.Time{}, errors.New("it is no entry of this version")
	}
	head, value, mac := data[:headBytes], data[headBytes:len(data)-macBytes], data[len(data)-macBytes:]
	if !hmac.Equal(mac, s.sum(s.bodies, key, string(head), string(value))) {
		return nil, time.Time{}, errors.New("it was not made with this key, or was changed")
	}
	at := time.Unix(0, int64(binary.BigEndian.Uint64(head[len(magic):])))
	if at.After(s.options.Clock().Add(maxAhead)) {
		return nil, time.Time{}, errors.New("it is of a time to come")
	}
	return value, at, nil
}

// Put writes an entry, whole or not at all. What cannot be written is counted
// and otherwise passed over: the store is no more than a shorter way. A value
// that would take more than a quarter of the folder is not kept.
func (s *Store) Put(key string, value []byte, at time.Time) {
	size := int64(headBytes + len(value) + macBytes)
	if size > s.options.Bytes/4 {
		return
	}
	head := binary.BigEndian.AppendUint64([]byte(magic), uint64(at.UnixNano()))
	data := append(append(head, value...), s.sum(s.bodies, key, string(head), string(value))...)
	if err := Replace(s.path(key), data); err != nil {
		s.failed(err)
		return
	}
	s.makeRoom(size)
}

// Drop forgets an entry.
func (s *Store) Drop(key string) {
	if err := os.Remove(s.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.failed(err)
	}
}

// Replace writes a file beside its place and renames it, so that a reader finds
// it whole or not at all. It is for its owner alone.
func Replace(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), temporary+"*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// failed counts a write that failed, and tells of the first.
func (s *Store) failed(err error) {
	s.mu.Lock()
	first := !s.told
	s.told = true
	s.stats.Failed++
	s.mu.Unlock()
	if first && s.options.Tell != nil {
		s.options.Tell(fmt.Errorf("writing the cache %s: %w; going on without it", s.options.Dir, err))
	}
}

func (s *Store) count(what func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what(&s.stats)
}

// Stats are the counts so far.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held < 0 {
		s.recount()
	}
	made := s.stats
	made.Bytes = max(s.held, 0)
	return made
}
