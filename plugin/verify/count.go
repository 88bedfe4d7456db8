package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// unlisted is how many entries of an index beyond the limit of its images may
// be statements about them.
const unlisted = 200

// mentioned notes that a member is there and not null, without reading it.
type mentioned bool

// UnmarshalJSON implements json.Unmarshaler.
func (m *mentioned) UnmarshalJSON(data []byte) error {
	*m = mentioned(!bytes.Equal(data, []byte("null")))
	return nil
}

// entry is a member of a list that is counted and not read: as it has no size,
// neither has a list of them.
type entry struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*entry) UnmarshalJSON([]byte) error { return nil }

// members counts the members of a list. Of one that stands twice the longer
// counts, as both are read into memory.
type members int64

// UnmarshalJSON implements json.Unmarshaler. What is no list has no members; it
// is left to who reads it.
func (m *members) UnmarshalJSON(data []byte) error {
	var entries []entry
	_ = json.Unmarshal(data, &entries)
	*m = max(*m, members(len(entries)))
	return nil
}

// lists are the lists of a manifest or an index, under every spelling that
// encoding/json accepts.
type lists struct {
	Layers    members `json:"layers"`
	Manifests members `json:"manifests"`
}

// countLists counts before a document is read: four mebibytes of empty members
// become a hundred times that in memory. What is no document has no lists; it
// is left to who reads it.
func countLists(data []byte) lists {
	var counted lists
	_ = json.Unmarshal(data, &counted)
	return counted
}

// atMost refuses a list that has more members than that.
func (m members) atMost(most int64, what string) error {
	if int64(m) <= most {
		return nil
	}
	return fmt.Errorf("it lists more than %d %s", most, what)
}
