package preview

import (
	"slices"
	"sync"
)

// secrets are values of Secrets that applications render, by those that made
// these applications: no report shows them there either.
type secrets struct {
	mu sync.Mutex
	by map[string][]string
}

func (s *secrets) add(parents, values []string) {
	if len(values) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, parent := range parents {
		s.by[parent] = append(s.by[parent], values...)
	}
}

func (s *secrets) of(parent string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.by[parent])
}
