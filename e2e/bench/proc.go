package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// childrenOf are the processes that a process has started and that run.
func childrenOf(pid int) ([]int, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil, err
	}
	var found []int
	for _, thread := range threads {
		children, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(children)) {
			if pid, err := strconv.Atoi(field); err == nil {
				found = append(found, pid)
			}
		}
	}
	return found, nil
}

// readMemory reads a line of a file of /proc, in bytes.
func readMemory(pid int, file, line string) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, err
	}
	for text := range strings.Lines(string(data)) {
		if fields := strings.Fields(text); len(fields) >= 2 && fields[0] == line {
			kibibytes, err := strconv.ParseInt(fields[1], 10, 64)
			return kibibytes << 10, err
		}
	}
	return 0, fmt.Errorf("reading /proc/%d/%s: there is no %s", pid, file, line)
}

// usage is what a process and its children take.
type usage struct {
	// cpu is in seconds, of children that ended as well.
	cpu float64
	// pss and rss are in bytes; shared pages count once in the first.
	pss, rss int64
	children int
}

// usageOf adds up a process and its children.
func usageOf(pid int) (usage, error) {
	children, err := childrenOf(pid)
	if err != nil {
		return usage{}, err
	}
	total := usage{children: len(children)}
	for _, each := range append(children, pid) {
		seconds, err := cpuSeconds(each)
		if err != nil {
			return usage{}, err
		}
		pss, err := readMemory(each, "smaps_rollup", "Pss:")
		if err != nil {
			return usage{}, err
		}
		rss, err := readMemory(each, "status", "VmRSS:")
		if err != nil {
			return usage{}, err
		}
		total.cpu, total.pss, total.rss = total.cpu+seconds, total.pss+pss, total.rss+rss
	}
	return total, nil
}

// ticks are a second of /proc/PID/stat: the kernel tells everybody hundredths.
const ticks = 100

// cpuSeconds is the CPU of a process and of its children that ended (proc(5),
// fields 14 to 17 of stat).
func cpuSeconds(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is a name in brackets, which may hold blanks.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	const first, last = 11, 15
	if len(fields) < last {
		return 0, fmt.Errorf("reading /proc/%d/stat: it has %d fields", pid, len(fields))
	}
	var sum int64
	for _, field := range fields[first:last] {
		value, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading /proc/%d/stat: %w", pid, err)
		}
		sum += value
	}
	return float64(sum) / ticks, nil
}
