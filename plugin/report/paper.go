package report

import (
	"sync"
	"time"
)

// mostPaper is how many bytes of reports one owner writes into the log in a
// minute: a log is kept up to a size, and an application that is judged
// without end must not push the others' reports out of it.
const mostPaper = 2 << 20

// Paper counts what owners write into a log, by the minute. The zero value is
// ready.
type Paper struct {
	mu     sync.Mutex
	minute time.Time
	used   map[string]int
}

// left reports whether a owner may write another report.
func (p *Paper) left(owner string, now time.Time) bool {
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(p.minute) {
		p.minute, p.used = minute, map[string]int{}
	}
	return p.used[owner] < mostPaper
}

func (p *Paper) use(owner string, bytes int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[owner] += bytes
}
