package setup

import (
	"cmp"
	"slices"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/facts"
)

// Config is what everything is judged by; nobody changes it.
func (s *Setup) Config() *gate.Config { return s.options.Config }

// RegistryStats counts the requests of all clients, sorted by host and status.
func (s *Setup) RegistryStats() []registry.Stat {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[registry.Stat]int64{}
	for _, client := range s.clients {
		for _, stat := range client.Stats() {
			counts[registry.Stat{Host: stat.Host, Status: stat.Status}] += stat.Count
		}
	}
	list := make([]registry.Stat, 0, len(counts))
	for key, count := range counts {
		list = append(list, registry.Stat{Host: key.Host, Status: key.Status, Count: count})
	}
	slices.SortFunc(list, func(a, b registry.Stat) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Status, b.Status))
	})
	return list
}

// RenderStats counts the renderings that were in memory and those that were
// not.
func (s *Setup) RenderStats() (hits, misses int64) { return s.cache.Stats() }

// DiskStats counts what was found on disk of what registries said; there is
// none where nothing is kept on disk.
func (s *Setup) DiskStats() (stats facts.Stats, kept bool) {
	if s.options.Facts == nil {
		return facts.Stats{}, false
	}
	return s.options.Facts.Stats(), true
}
