package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// An answer of a few mebibytes can hold a million members, and each takes many
// times its text once it is a Go value. So lists are counted while they are
// read, and given up at the limit.

// maxMembers bounds lists that have no limit of their own: annotations of one
// descriptor, ports, volumes and arguments of one image config. Real ones have
// a few dozen.
const maxMembers = 1000

var errTooManyMembers = fmt.Errorf("there are more than %d members in one list", maxMembers)

// bound is the largest count, and the error above it.
type bound struct {
	count int64
	over  error
}

// eachMember reads the members of a JSON object or array one by one. More of
// them than most are the error over. Null has none.
func eachMember(data []byte, open json.Delim, most bound, read func(*json.Decoder) error) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	first, err := decoder.Token()
	switch {
	case err != nil:
		return fmt.Errorf("reading a list: %w", err)
	case first == nil:
		return nil
	case first != open:
		return fmt.Errorf("reading a list: it begins with %.40v, not with %v", first, open)
	}
	for count := int64(1); decoder.More(); count++ {
		if count > most.count {
			return most.over
		}
		if err := read(decoder); err != nil {
			return err
		}
	}
	return nil
}

// present reads nothing: it notes that a member is there and not null.
type present bool

func (p *present) UnmarshalJSON(data []byte) error {
	*p = present(!bytes.Equal(data, []byte("null")))
	return nil
}

// manifestList is the list of an index, of at most limit entries.
type manifestList struct {
	limit   int64
	entries []descriptorDocument
	read    bool
}

func (l *manifestList) UnmarshalJSON(data []byte) error {
	if l.read {
		return errors.New("the list of manifests is there twice")
	}
	l.read = true
	return eachMember(data, '[', bound{l.limit, errTooMany}, func(decoder *json.Decoder) error {
		var entry descriptorDocument
		if err := decoder.Decode(&entry); err != nil {
			return fmt.Errorf("entry %d: %w", len(l.entries), err)
		}
		l.entries = append(l.entries, entry)
		return nil
	})
}

// texts is a list of at most maxMembers strings.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	*t = nil
	return eachMember(data, '[', bound{maxMembers, errTooManyMembers}, func(decoder *json.Decoder) error {
		var text string
		if err := decoder.Decode(&text); err != nil {
			return fmt.Errorf("reading a text: %w", err)
		}
		*t = append(*t, text)
		return nil
	})
}

// textMap is an object of at most maxMembers strings.
type textMap map[string]string

func (m *textMap) UnmarshalJSON(data []byte) error {
	*m = nil
	return eachMember(data, '{', bound{maxMembers, errTooManyMembers}, func(decoder *json.Decoder) error {
		name, err := memberName(decoder)
		if err != nil {
			return err
		}
		var text string
		if err := decoder.Decode(&text); err != nil {
			return fmt.Errorf("reading %.80q: %w", name, err)
		}
		if *m == nil {
			*m = textMap{}
		}
		(*m)[name] = text
		return nil
	})
}

// nameSet is an object of at most maxMembers members, whose names count.
type nameSet map[string]struct{}

func (s *nameSet) UnmarshalJSON(data []byte) error {
	*s = nil
	return eachMember(data, '{', bound{maxMembers, errTooManyMembers}, func(decoder *json.Decoder) error {
		name, err := memberName(decoder)
		if err != nil {
			return err
		}
		var ignored present
		if err := decoder.Decode(&ignored); err != nil {
			return fmt.Errorf("reading %.80q: %w", name, err)
		}
		if *s == nil {
			*s = nameSet{}
		}
		(*s)[name] = struct{}{}
		return nil
	})
}

func memberName(decoder *json.Decoder) (string, error) {
	token, err := decoder.Token()
	name, isText := token.(string)
	if err != nil || !isText {
		return "", fmt.Errorf("reading a member's name: %w", err)
	}
	return name, nil
}
