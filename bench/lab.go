package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// side is one way to do a work. prepare is not measured.
type side struct {
	name    string
	prepare func(context.Context) error
	run     func(context.Context) (sample, error)
}

// work is one thing that several programs do; the first side is Officer's.
type work struct {
	name   string
	begin  func(context.Context) error
	end    func() error
	sides  []side
	rows   []row
	rounds int // 0 = as asked for
}

// outcome is what the rounds of one side came to.
type outcome struct {
	samples []sample
	err     error // of the first run that failed; it ran no more
}

// lab measures all works over one database.
type lab struct {
	settings
	sizeBytes int64
	peers     tools
	progress  io.Writer
	db        string // the database; who changes it works on a copy
}

// path names a file of the lab's.
func (l *lab) path(name string) string { return filepath.Join(filepath.Dir(l.db), name) }

func (l *lab) measure(ctx context.Context, peak *worst) (string, error) {
	dir := filepath.Join(l.dir, sizeText(l.sizeBytes))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	l.db = filepath.Join(dir, "app.db")
	fmt.Fprintf(l.progress, "building %s of data\n", sizeText(l.sizeBytes))
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if _, err := child(ctx, time.Hour, "", self, builderVerb, l.db, fmt.Sprint(l.sizeBytes)); err != nil {
		return "", err
	}
	var table strings.Builder
	table.WriteString(tableHead)
	for _, w := range l.works() {
		if !l.only.MatchString(w.name) {
			continue
		}
		outcomes, err := l.compare(ctx, w)
		if err != nil {
			return "", err
		}
		peak.note(w, outcomes)
		for _, r := range w.rows {
			table.WriteString(r.markdown(w, outcomes))
		}
	}
	return table.String(), os.RemoveAll(dir)
}

// compare runs every side once a round, in turn forwards and backwards.
func (l *lab) compare(ctx context.Context, w work) (outcomes map[string]*outcome, err error) {
	outcomes = map[string]*outcome{}
	if w.begin != nil {
		if err := w.begin(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
	}
	if w.end != nil {
		defer func() { err = errors.Join(err, w.end()) }()
	}
	rounds := l.rounds
	if w.rounds > 0 {
		rounds = min(rounds, w.rounds)
	}
	for round := range rounds {
		for i := range w.sides {
			if round%2 == 1 {
				i = len(w.sides) - 1 - i
			}
			s := w.sides[i]
			o := outcomes[s.name]
			if o == nil {
				o = &outcome{}
				outcomes[s.name] = o
			}
			if o.err != nil {
				continue
			}
			got, err := once(ctx, s)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				o.err = err
				fmt.Fprintf(l.progress, "%s, %s: %v\n", w.name, s.name, err)
				continue
			}
			fmt.Fprintf(l.progress, "%s, %s, round %d: %v\n", w.name, s.name, round+1, got.took)
			o.samples = append(o.samples, got)
		}
	}
	return outcomes, nil
}

func once(ctx context.Context, s side) (sample, error) {
	if s.prepare != nil {
		if err := s.prepare(ctx); err != nil {
			return sample{}, fmt.Errorf("before it: %w", err)
		}
	}
	return s.run(ctx)
}

// all does one thing after the other.
func all(steps ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, step := range steps {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// warm reads files, so that the system holds them, as far as it can.
func warm(paths ...string) func(context.Context) error {
	return func(context.Context) error {
		for _, path := range paths {
			f, err := os.Open(filepath.Clean(path))
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, f)
			if err = errors.Join(err, f.Close()); err != nil {
				return err
			}
		}
		return nil
	}
}

// gone takes databases and folders away.
func gone(paths ...string) func(context.Context) error {
	return func(context.Context) (err error) {
		for _, path := range paths {
			err = errors.Join(err, remove(path))
		}
		return err
	}
}
