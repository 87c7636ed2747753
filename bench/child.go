package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// sample is what one run of one side came to.
type sample struct {
	took     time.Duration
	rssBytes int64         // the most that one of its processes held
	stall    time.Duration // the slowest commit of a writer beside it
	commits  float64       // of that writer, a second
	rows     int64         // what it brought back
	cpuShare float64       // of one core
	endless  bool          // it was stopped when its time was over
}

// add joins what ran one after the other.
func (s *sample) add(next sample) {
	s.took += next.took
	s.rssBytes = max(s.rssBytes, next.rssBytes)
	s.endless = s.endless || next.endless
}

// warnings is the exit code of Officer's that means: done, but read what it says.
const warnings = 3

const endingBytes = 300

// child runs one program to its end. What it says on stdout must contain want.
func child(ctx context.Context, limit time.Duration, want, name string, args ...string) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	s, err := timed(ctx, func() error { return nil }, cmd)
	if s.endless {
		return s, nil
	}
	if err != nil && cmd.ProcessState.ExitCode() != warnings {
		return s, fmt.Errorf("%w: %s", err, ending(stderr.String()+stdout.String()))
	}
	if !bytes.Contains(stdout.Bytes(), []byte(want)) {
		return s, fmt.Errorf("got %q, want %q in it", ending(stdout.String()), want)
	}
	return s, nil
}

// timed starts programs, the last of which ends last, and waits for them.
// started is called when they run: ends of a pipe are theirs from then on.
func timed(ctx context.Context, started func() error, programs ...*exec.Cmd) (s sample, err error) {
	began := time.Now()
	var peaks []*peak
	for _, cmd := range programs {
		if err = cmd.Start(); err != nil {
			break
		}
		peaks = append(peaks, watch(cmd.Process.Pid))
	}
	err = errors.Join(err, started())
	for i, p := range peaks {
		err = errors.Join(err, programs[i].Wait())
		s.rssBytes = max(s.rssBytes, p.ended(programs[i].ProcessState))
	}
	s.took = time.Since(began)
	s.endless = errors.Is(ctx.Err(), context.DeadlineExceeded)
	return s, err
}

// piped runs one program into another, as a shell would: what the first could not do shows
// in what the second made of the rest.
func piped(ctx context.Context, limit time.Duration, from, to []string) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	source, sink := exec.CommandContext(ctx, from[0], from[1:]...), exec.CommandContext(ctx, to[0], to[1:]...)
	var said bytes.Buffer
	sink.Stderr = &said
	r, w, err := os.Pipe()
	if err != nil {
		return sample{}, err
	}
	source.Stdout, sink.Stdin = w, r
	s, err := timed(ctx, func() error { return errors.Join(r.Close(), w.Close()) }, source, sink)
	if err != nil && !s.endless && !(sink.ProcessState != nil && sink.ProcessState.Success()) {
		return s, fmt.Errorf("%w: %s", err, ending(said.String()))
	}
	return s, nil
}

// ending is the last that a program said: there it says what went wrong.
func ending(text string) string {
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-endingBytes):]
}
