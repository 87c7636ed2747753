package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/officer-doofy/officer/internal/sqlite"
)

const (
	commitsPerSec  = 200
	writerWarmup   = commitsPerSec // commits before it counts as at work
	writerBusyWait = 30 * time.Second
)

// commit is one of the writer's: when it began and when it was through.
type commit struct{ began, ended time.Time }

// write commits one row commitsPerSec times a second until stdin is closed, then tells
// when each commit began and how long it took. It runs in a process of its own: a stall
// of the locks between processes is what is measured.
func write(path string, stdin io.Reader, stdout io.Writer) (err error) {
	db, err := sqlite.OpenDB(path, sqlite.Options{BusyTimeout: writerBusyWait})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	// What most apps with a WAL run: commits are not fsynced, checkpoints are.
	for _, q := range []string{"pragma synchronous=normal", "create table if not exists bench_writes(id integer primary key, at integer, text text)"} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, stdin)
	}()
	beat := time.NewTicker(time.Second / commitsPerSec)
	defer beat.Stop()
	var all []commit
	for open := true; open; {
		select {
		case <-closed:
			open = false
		case <-beat.C:
			began := time.Now()
			if _, err := db.ExecContext(ctx, "insert into bench_writes(at, text) values(?, 'one row, as an app writes it')", began.UnixNano()); err != nil {
				return err
			}
			all = append(all, commit{began, time.Now()})
			if len(all) == writerWarmup {
				fmt.Fprintln(stdout, "writing")
			}
		}
	}
	w := bufio.NewWriter(stdout)
	for _, c := range all {
		fmt.Fprintln(w, c.began.UnixNano(), c.ended.UnixNano())
	}
	return w.Flush()
}

// underLoad runs do while the writer writes, and gives the slowest commit that was on
// its way during it.
func underLoad(ctx context.Context, path string, do func() (sample, error)) (s sample, err error) {
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	cmd := exec.CommandContext(ctx, self, writerVerb, path)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return s, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	if err := cmd.Start(); err != nil {
		return s, err
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		return s, errors.Join(errors.New("the writer did not begin"), lines.Err(), cmd.Wait())
	}
	began := time.Now()
	s, err = do()
	ended := time.Now()
	err = errors.Join(err, stdin.Close())
	during := 0
	for lines.Scan() {
		var from, to int64
		if _, err := fmt.Sscan(lines.Text(), &from, &to); err != nil {
			return s, err
		}
		if to >= began.UnixNano() && from <= ended.UnixNano() {
			during++
			s.stall = max(s.stall, time.Duration(to-from))
		}
	}
	s.commits = float64(during) / ended.Sub(began).Seconds()
	return s, errors.Join(err, lines.Err(), cmd.Wait())
}
