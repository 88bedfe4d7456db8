package verify

import (
	"encoding/json"
	"errors"
	"fmt"
)

// fewKeys is how many keys of an object are compared one by one.
const fewKeys = 8

// checkKeys refuses a JSON document that is none, and one in which an object has
// a key twice: readers differ in which of the two counts. It costs one pass over
// the bytes.
func checkKeys(data []byte) error {
	if !json.Valid(data) {
		return errors.New("it is not JSON")
	}
	scanner := keyScanner{data: data}
	return scanner.scan()
}

// keyScanner walks over valid JSON.
type keyScanner struct {
	data []byte
	at   int
	open []keySet
}

// keySet are the keys of one open object; a list has none.
type keySet struct {
	object bool
	// expectKey is set where the next text is a key.
	expectKey bool
	few       []string
	many      map[string]bool
}

func (k *keySet) add(key string) error {
	if k.many != nil {
		if k.many[key] {
			return fmt.Errorf("the key %q is there twice", key)
		}
		k.many[key] = true
		return nil
	}
	for _, known := range k.few {
		if known == key {
			return fmt.Errorf("the key %q is there twice", key)
		}
	}
	k.few = append(k.few, key)
	if len(k.few) > fewKeys {
		k.many = map[string]bool{}
		for _, known := range k.few {
			k.many[known] = true
		}
	}
	return nil
}

func (s *keyScanner) scan() error {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case '{':
			s.open = append(s.open, keySet{object: true, expectKey: true})
		case '[':
			s.open = append(s.open, keySet{})
		case '}', ']':
			s.open = s.open[:len(s.open)-1]
		case ',':
			if top := &s.open[len(s.open)-1]; top.object {
				top.expectKey = true
			}
		case '"':
			if err := s.text(); err != nil {
				return err
			}
			continue
		}
		s.at++
	}
	return nil
}

// text steps over a text; a key is noted.
func (s *keyScanner) text() error {
	from, escaped := s.at, false
	for s.at++; s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			escaped = true
			s.at++
		}
	}
	s.at++
	if len(s.open) == 0 {
		return nil
	}
	top := &s.open[len(s.open)-1]
	if !top.expectKey {
		return nil
	}
	top.expectKey = false
	key := string(s.data[from+1 : s.at-1])
	if escaped {
		if err := json.Unmarshal(s.data[from:s.at], &key); err != nil {
			return fmt.Errorf("a key cannot be read: %w", err)
		}
	}
	return top.add(key)
}
