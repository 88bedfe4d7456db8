package argocd

import (
	"sync"
	"time"
)

// mostPaper is how many bytes of reports one project writes into the log in a
// minute: a log is kept up to a size, and an application that is refreshed
// without end must not push the others' reports out of it.
const mostPaper = 2 << 20

// paper counts what projects write into the log, by the minute.
type paper struct {
	mu     sync.Mutex
	minute time.Time
	used   map[string]int
}

// left reports whether a project may write another report.
func (p *paper) left(project string, now time.Time) bool {
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(p.minute) {
		p.minute, p.used = minute, map[string]int{}
	}
	return p.used[project] < mostPaper
}

func (p *paper) use(project string, bytes int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[project] += bytes
}
