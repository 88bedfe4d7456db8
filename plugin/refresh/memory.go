package refresh

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// memory is what is known from earlier rounds: the last records of each source,
// one a revision, which a repo-server that starts anew may have lost, and who was
// asked when.
type memory struct {
	records map[string]Record
	asked   map[string]asked
	changed bool
}

// asked says when somebody was asked, and why.
type asked struct {
	At     time.Time `json:"at"`
	Reason Reason    `json:"reason"`
	// Tries counts how often since the last new record.
	Tries int `json:"tries"`
}

func newMemory() *memory { return &memory{records: map[string]Record{}, asked: map[string]asked{}} }

// keyOf tells the sources of applications apart, and their revisions.
func keyOf(record Record) string { return sourceOf(record) + "\x00" + record.Revision }

func sourceOf(record Record) string {
	return strings.Join([]string{record.Application.Name, record.Application.Repository, record.RepositoryPath, record.Path}, "\x00")
}

// mostRevisions is of how many revisions of one source the records are kept: the
// newest ones, and the one that Argo CD compares with the cluster.
const mostRevisions = 3

// learn takes records; of each source the newest counts.
func (m *memory) learn(records []Record) {
	for _, record := range records {
		key := keyOf(record)
		if known, has := m.records[key]; has && !record.At.After(known.At) {
			continue
		}
		m.records[key] = record
		m.changed = true
	}
}

// forget drops what is not about the Applications that there are.
func (m *memory) forget(there []Application) {
	instances, names := map[string]bool{}, map[string]bool{}
	for _, app := range there {
		instances[app.Instance], names[app.key()] = true, true
	}
	compared := map[string]bool{}
	for _, app := range there {
		for _, source := range app.Sources {
			compared[app.Instance+"\x00"+source.Revision] = true
		}
	}
	revisions := map[string]int{}
	keys := slices.SortedFunc(maps.Keys(m.records), func(a, b string) int {
		return cmp.Or(m.records[b].At.Compare(m.records[a].At), cmp.Compare(a, b))
	})
	for _, key := range keys {
		record := m.records[key]
		revisions[sourceOf(record)]++
		old := revisions[sourceOf(record)] > mostRevisions && !compared[record.Application.Name+"\x00"+record.Revision]
		if old || !instances[record.Application.Name] {
			delete(m.records, key)
			m.changed = true
		}
	}
	for key := range m.asked {
		if !names[key] {
			delete(m.asked, key)
			m.changed = true
		}
	}
}

// key tells Applications apart, also one that was made anew under the same name.
func (a Application) key() string { return a.Namespace + "/" + a.Name + "/" + a.UID }

// byInstance are the records by the application's name.
func (m *memory) byInstance() map[string][]Record {
	found := map[string][]Record{}
	for _, record := range m.records {
		found[record.Application.Name] = append(found[record.Application.Name], record)
	}
	return found
}

// all are the records, in the same order each time.
func (m *memory) all() []Record {
	all := make([]Record, 0, len(m.records))
	for _, key := range sortedKeys(m.records) {
		all = append(all, m.records[key])
	}
	return all
}

// stateFile is the memory's file in its folder.
const stateFile = "refresh.jsonl"

// stateSchema is the version of the file; another one is not read.
const stateSchema = "assay.dev/refresh/v1"

// line is one line of the file: the schema in the first, then one of the others.
type line struct {
	Schema string  `json:"schema,omitempty"`
	Record *Record `json:"record,omitempty"`
	Key    string  `json:"key,omitempty"`
	Asked  *asked  `json:"asked,omitempty"`
}

// load reads the file of a folder. One that is not there is an empty memory; one
// that cannot be read is told, and is an empty memory as well.
func (m *memory) load(folder string) error {
	file, err := os.Open(filepath.Join(folder, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what was known: %w", err)
	}
	defer file.Close()
	read := newMemory()
	lines := bufio.NewReader(io.LimitReader(file, plugin.DefaultLimits().TreeBytes))
	for number := 1; ; number++ {
		text, err := lines.ReadBytes('\n')
		if len(text) == 0 && errors.Is(err, io.EOF) && number > 1 {
			break
		}
		if problem := read.take(text, number); problem != nil {
			return fmt.Errorf("reading what was known: %s line %d: %w; it is written anew", stateFile, number, problem)
		}
	}
	*m = *read
	return nil
}

func (m *memory) take(text []byte, number int) error {
	var one line
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	switch {
	case number == 1 && one.Schema != stateSchema:
		return fmt.Errorf("it has the schema %q, not %s", one.Schema, stateSchema)
	case one.Record != nil:
		m.records[keyOf(*one.Record)] = *one.Record
	case one.Asked != nil:
		m.asked[one.Key] = *one.Asked
	}
	return nil
}

// save writes the file, whole or not at all.
func (m *memory) save(folder string) (err error) {
	if folder == "" || !m.changed {
		return nil
	}
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	problems := []error{out.Encode(line{Schema: stateSchema})}
	for _, key := range sortedKeys(m.records) {
		record := m.records[key]
		problems = append(problems, out.Encode(line{Record: &record}))
	}
	for _, key := range sortedKeys(m.asked) {
		one := m.asked[key]
		problems = append(problems, out.Encode(line{Key: key, Asked: &one}))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("keeping what is known: %w", err)
	}
	file, err := os.CreateTemp(folder, stateFile+".*")
	if err != nil {
		var of *fs.PathError
		if errors.As(err, &of) {
			err = of.Err // the name of the file is made anew each time
		}
		return fmt.Errorf("keeping what is known in %s: %w; name a folder that can be written by --state-dir", folder, err)
	}
	_, err = file.Write(text.Bytes())
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(folder, stateFile))
	}
	if err != nil {
		return fmt.Errorf("keeping what is known: %w", errors.Join(err, os.Remove(file.Name())))
	}
	m.changed = false
	return nil
}

func sortedKeys[T any](all map[string]T) []string {
	keys := make([]string, 0, len(all))
	for key := range all {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
