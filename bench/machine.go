package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
)

// tools are the peers' programs; "" = not there.
type tools struct{ sqlite3, cp, sync string }

func peers(sqlite3 string) tools {
	find := func(name string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			return ""
		}
		return path
	}
	t := tools{sqlite3: find(sqlite3), cp: find("cp"), sync: find("sync")}
	if t.sync == "" || runtime.GOOS != "linux" {
		t.cp = "" // elsewhere sync knows no files, and cp alone is no copy that is on the disk
	}
	return t
}

// machine says on what the figures were measured.
func machine(ctx context.Context, s settings) string {
	lines := []string{
		fmt.Sprintf("- %s, %s/%s, %d cores%s%s, load %s", time.Now().UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
			described("/proc/cpuinfo", "model name", ": "), described("/proc/meminfo", "MemTotal", ":"), load()),
		"- Officer: " + version(ctx, s.officer, "version"),
	}
	if space, err := fsx.OS().Space(s.dir); err == nil && space.FSType != "" {
		lines[0] += ", databases on " + space.FSType
	}
	if p := peers(s.sqlite3); p.sqlite3 != "" {
		lines = append(lines, "- C SQLite: "+version(ctx, p.sqlite3, "--version"))
	} else {
		lines = append(lines, "- C SQLite: no sqlite3 here, so nothing to compare with")
	}
	lines = append(lines, fmt.Sprintf("- at most %d rounds, every side once a round in alternating order; median (least–most)", s.rounds))
	return strings.Join(lines, "\n")
}

func version(ctx context.Context, program, flag string) string {
	out, err := exec.CommandContext(ctx, program, flag).Output()
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(out))
}

// described gives what a table of the kernel says of a key, "" elsewhere.
func described(file, key, separator string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for text := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(text, separator); ok && strings.TrimSpace(name) == key {
			return ", " + strings.Join(strings.Fields(value), " ")
		}
	}
	return ""
}

// load is the average of the last minute and the five before: others work here too.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	fields := strings.Fields(string(data))
	return strings.Join(fields[:min(2, len(fields))], " and ")
}

// atRest watches a process that has nothing to do, after as long a rest.
func atRest(ctx context.Context, pid int, watched time.Duration) (sample, error) {
	if runtime.GOOS != "linux" {
		return sample{}, errors.New("measured on Linux only")
	}
	if err := pass(ctx, watched); err != nil {
		return sample{}, err
	}
	before, err := cpu(pid)
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	if err := pass(ctx, watched); err != nil {
		return sample{}, err
	}
	after, err := cpu(pid)
	if err != nil {
		return sample{}, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return sample{}, err
	}
	s := sample{took: time.Since(began)}
	s.cpuShare = (after - before).Seconds() / s.took.Seconds()
	s.rssBytes = kilobytes(string(status), "VmRSS") * 1024
	return s, nil
}

func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const tick = 10 * time.Millisecond // of proc_pid_stat(5): USER_HZ is 100 on every Linux that Go knows

// cpu is user and system time of a process (proc_pid_stat(5), fields 14 and 15).
func cpu(pid int) (sum time.Duration, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}
