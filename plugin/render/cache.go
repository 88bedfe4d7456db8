package render

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/assay-gitops/assay/plugin"
)

// factKind says what was asked about a path.
type factKind int

const (
	factAbsent factKind = iota // nothing is there
	factLink                   // a symlink; text is its target
	factFile                   // a regular file; text is its content's hash, empty when only its being there counted
	factFolder                 // a folder; text is the hash of its names, empty as for a file
)

// read is one fact about the tree that a rendering depends on.
type read struct {
	kind factKind
	text string
}

func fileRead(data []byte) read {
	return read{kind: factFile, text: hashOf(data)}
}

func dirRead(names []string) read {
	return read{kind: factFolder, text: hashOf([]byte(strings.Join(names, "/")))}
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// note keeps a fact; one with content is not replaced by one without.
func (t *tree) note(name string, fact read) {
	if known, has := t.reads[name]; has && known.kind == fact.kind && known.text != "" {
		return
	}
	t.reads[name] = fact
}

// holds reports whether a fact is still true of a tree.
func (t *tree) holds(name string, fact read) bool {
	now, known := t.now(name, fact.text != "")
	return known && now == fact
}

// now is what there is to say of a path; of a file or a folder with its content
// where that counts. It reports false for what cannot be looked at.
func (t *tree) now(name string, content bool) (read, bool) {
	info, err := t.lstat(name)
	switch {
	case err != nil:
		return read{kind: factAbsent}, errors.Is(err, fs.ErrNotExist)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := t.root.Readlink(name)
		return read{kind: factLink, text: target}, err == nil
	case info.Mode().IsRegular():
		if !content {
			return read{kind: factFile}, true
		}
		data, err := t.readResolved(name, plugin.Origin{File: name})
		return fileRead(data), err == nil
	case info.IsDir():
		if !content {
			return read{kind: factFolder}, true
		}
		names, err := t.list(name)
		return dirRead(names), err == nil
	}
	return read{}, false
}

// Cache keeps renderings in memory by every file and option that they read. It
// holds Secrets: it is never written anywhere. Renderings that call random
// functions are kept where KeepRandom says so. A nil Cache keeps nothing.
type Cache struct {
	// KeepRandom has a door judge again what it published, where rendering anew
	// would publish something else each time. It is set before the first use.
	KeepRandom bool
	// Packed keeps objects as compressed JSON, for a door that judges many
	// applications seldom: they take a tenth of the memory, and to read some tens
	// of them takes a millisecond. It is set before the first use.
	Packed bool

	mu      sync.Mutex
	limit   int64
	bytes   int64
	order   *list.List // of *kept, the most recent first
	byInput map[string][]*list.Element
	// hits and misses count lookups.
	hits, misses int64
}

// Stats counts the renderings that were found and those that were not.
func (c *Cache) Stats() (hits, misses int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.misses
}

// NewCache returns a cache of at most that many bytes.
func NewCache(bytes int64) *Cache {
	return &Cache{limit: bytes, order: list.New(), byInput: map[string][]*list.Element{}}
}

// inputKey is everything about a source but its files.
func inputKey(source plugin.Source) string {
	source.Root, source.Revision = nil, ""
	data, err := json.Marshal(struct {
		Path        string
		Application plugin.Application
		Parameters  plugin.Parameters
		Partition   string
	}{source.Path, source.Application, source.Parameters, source.Partition})
	if err != nil {
		return ""
	}
	return hashOf(data)
}

// lookup returns a copy of a rendering whose facts all hold for the tree.
func (c *Cache) lookup(source plugin.Source, limits plugin.Limits) (plugin.Rendering, bool) {
	if c == nil {
		return plugin.Rendering{}, false
	}
	c.mu.Lock()
	elements := c.byInput[inputKey(source)]
	candidates := make([]*kept, 0, len(elements))
	for _, element := range elements {
		entry, _ := element.Value.(*kept)
		candidates = append(candidates, entry)
	}
	c.mu.Unlock()
	for _, entry := range candidates {
		if facts(entry.reads).Hold(source, limits) {
			copied, err := entry.copy(limits)
			if err != nil { // it is rendered again
				break
			}
			c.touch(entry)
			return copied, true
		}
	}
	c.mu.Lock()
	c.misses++
	c.mu.Unlock()
	return plugin.Rendering{}, false
}

func (c *Cache) touch(entry *kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits++
	for _, element := range c.byInput[entry.input] {
		if element.Value == any(entry) {
			c.order.MoveToFront(element)
		}
	}
}

// keep stores a copy and drops the oldest renderings beyond the limit.
func (c *Cache) keep(source plugin.Source, rendering plugin.Rendering, reads map[string]read) {
	input := inputKey(source)
	if c == nil || input == "" {
		return
	}
	for _, finding := range rendering.Findings {
		if finding.Rule == ruleRandom && !c.KeepRandom {
			return
		}
	}
	entry, err := c.entry(rendering)
	if err != nil {
		return
	}
	entry.input, entry.reads = input, reads
	for _, text := range rendering.Hidden {
		entry.bytes += weight(text)
	}
	for name := range reads {
		entry.bytes += int64(len(name)) + 128
	}
	if entry.bytes > c.limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byInput[input] = append(c.byInput[input], c.order.PushFront(entry))
	c.bytes += entry.bytes
	for c.bytes > c.limit {
		c.dropOldest()
	}
}

func (c *Cache) dropOldest() {
	oldest := c.order.Back()
	entry, _ := c.order.Remove(oldest).(*kept)
	c.bytes -= entry.bytes
	elements := c.byInput[entry.input]
	for i, element := range elements {
		if element == oldest {
			elements = append(elements[:i:i], elements[i+1:]...)
			break
		}
	}
	if c.byInput[entry.input] = elements; len(elements) == 0 {
		delete(c.byInput, entry.input)
	}
}

func copyRendering(rendering plugin.Rendering) plugin.Rendering {
	out := plugin.Rendering{
		Objects:  make([]plugin.Object, len(rendering.Objects)),
		Findings: append([]plugin.Finding(nil), rendering.Findings...),
		Charts:   slices.Clone(rendering.Charts),
		Hidden:   slices.Clone(rendering.Hidden),
		Facts:    rendering.Facts,
	}
	for i, object := range rendering.Objects {
		out.Objects[i] = object.DeepCopy()
	}
	return out
}

// weight is about what a value takes in memory, in bytes: Go's maps have room
// for eight members from the beginning, and a string has a header of its own.
func weight(value any) int64 {
	const header, slots, slot = 48, 8, 34
	switch value := value.(type) {
	case string:
		return 16 + int64(len(value))
	case map[string]any:
		total := header + slot*max(slots, int64(len(value)))
		for key, item := range value {
			total += int64(len(key)) + weight(item)
		}
		return total
	case []any:
		total := header + 16*int64(len(value))
		for _, item := range value {
			total += weight(item)
		}
		return total
	}
	return 8
}

// MarshalJSON carries a fact from a worker to its parent.
func (r read) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[factKind]string{r.kind: r.text})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *read) UnmarshalJSON(data []byte) error {
	fact := map[factKind]string{}
	if err := json.Unmarshal(data, &fact); err != nil {
		return fmt.Errorf("reading a fact about the tree: %w", err)
	}
	for kind, text := range fact {
		*r = read{kind: kind, text: text}
	}
	return nil
}
