package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
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

// countMembers refuses a document in which a list of the top level has more
// than most members: four mebibytes of empty ones become a hundred times that
// when they are read into memory. What is no such document is left to who
// reads it.
func countMembers(data []byte, list string, most int64) error {
	if !hasMoreThan(data, list, most) {
		return nil
	}
	return fmt.Errorf("it lists more than %d %s", most, list)
}

func hasMoreThan(data []byte, list string, most int64) bool {
	decoder := json.NewDecoder(bytes.NewReader(data))
	var skipped json.RawMessage
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return false
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return false
		}
		if spelled, _ := name.(string); !strings.EqualFold(spelled, list) { // as encoding/json reads names
			if decoder.Decode(&skipped) != nil {
				return false
			}
			continue
		}
		if token, err := decoder.Token(); err != nil || token != json.Delim('[') {
			return false
		}
		for count := int64(1); decoder.More(); count++ {
			if count > most {
				return true
			}
			if decoder.Decode(&skipped) != nil {
				return false
			}
		}
		if _, err := decoder.Token(); err != nil {
			return false
		}
	}
	return false
}
