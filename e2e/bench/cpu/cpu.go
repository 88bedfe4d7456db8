// Package cpu tells what a benchmark costs in CPU: on a shared machine it says
// more than the time that passed.
package cpu

import (
	"syscall"
	"testing"
)

// Measure runs a benchmark's body, and reports its allocations and as cpu-ms/op
// the milliseconds of CPU that the process used for it, its garbage collection
// included.
func Measure(b *testing.B, body func()) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	before := used(b)
	for b.Loop() {
		body()
	}
	b.ReportMetric((used(b)-before)/float64(b.N), "cpu-ms/op")
}

// used is what this process has used, in milliseconds.
func used(b *testing.B) float64 {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}
