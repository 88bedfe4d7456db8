package policy

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// sideBySide does independent work for each index on all processors. A panic
// of one comes out here, as it would of a loop: the pipeline turns it into a
// denial, which it could not do in another goroutine.
func sideBySide(count int, work func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	var broken sync.Once
	var cause any
	for range min(runtime.GOMAXPROCS(0), count) {
		group.Go(func() {
			defer func() {
				if panicked := recover(); panicked != nil {
					broken.Do(func() { cause = panicked })
				}
			}()
			for i := next.Add(1) - 1; i < int64(count); i = next.Add(1) - 1 {
				work(int(i))
			}
		})
	}
	group.Wait()
	if cause != nil {
		panic(cause)
	}
}
