package policy

import (
	"sync/atomic"
	"testing"
)

func TestSideBySide_EachIndexOnce(t *testing.T) {
	var done [100]atomic.Int64
	sideBySide(len(done), func(i int) { done[i].Add(1) })
	for i := range done {
		if got := done[i].Load(); got != 1 {
			t.Errorf("index %d was worked %d times", i, got)
		}
	}
	sideBySide(0, func(int) { t.Error("there is nothing to work") })
}

func TestSideBySide_APanicComesOut(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the panic was lost, and with it the denial")
		}
	}()
	sideBySide(10, func(i int) {
		if i == 7 {
			panic("broken")
		}
	})
}
