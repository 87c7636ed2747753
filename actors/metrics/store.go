package metrics

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/history"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/rolling"
	"github.com/officer-doofy/officer/internal/tail"
)

// store is a file. The last write of an actor that ends may meet one in the
// background: they take turns, and older content never replaces newer.
type store struct {
	fs   fsx.FS
	dir  string
	path string

	mu     sync.Mutex
	number int64 // of the newest write asked for
	done   int64 // of the newest write done
}

// next numbers a write.
func (s *store) next() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	return s.number
}

func (s *store) write(number int64, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < s.done {
		return nil
	}
	if err := s.fs.MkdirAll(s.dir); err != nil {
		return err
	}
	if err := fsx.WriteAtomic(s.fs, s.path, data, 0o600); err != nil {
		return err
	}
	s.done = number
	_ = s.fs.Remove(s.tailPath()) // it is in the file; what stays belongs to no file, and is not read
	return nil
}

func (s *store) tailPath() string { return s.path + tailSuffix }

// add appends lines to the tail, whose length is at before that; at 0 it is begun. What
// else is there under its name goes: the file that it belonged to was replaced.
func (s *store) add(number int64, lines []byte, at int64) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < s.done {
		return nil
	}
	f, err := s.openTail(at)
	if err != nil {
		return err
	}
	if _, err = f.Write(lines); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && at == 0 {
		err = s.fs.SyncDir(s.dir)
	}
	if err == nil {
		s.done = number
	}
	return err
}

func (s *store) openTail(at int64) (fsx.File, error) {
	if at == 0 {
		if err := s.fs.Remove(s.tailPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return s.fs.Create(s.tailPath())
	}
	info, err := s.fs.Lstat(s.tailPath())
	if err == nil && (!info.Mode().IsRegular() || info.Size() != at) {
		err = fault.New(fault.Refused, "append metrics", "%s is not what was written to it", s.tailPath())
	}
	if err != nil {
		return nil, err
	}
	return s.fs.OpenFile(s.tailPath(), os.O_WRONLY|os.O_APPEND, 0)
}

// read gives what is in the file and its tail to parse; one that is not there has nothing. What
// cannot be read or parsed goes aside; the error says why. Without its tail, which may be of
// another file, a file is whole.
func (s *store) read(bytesMax int64, passive bool, parse func(data, tail []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := fsx.ReadLimited(s.fs, s.path, bytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		tail, _ := fsx.ReadLimited(s.fs, s.tailPath(), bytesMax)
		err = parse(data, tail)
	}
	if err != nil && !passive {
		err = errors.Join(err, s.fs.Rename(s.path, s.path+damagedTail))
	}
	return err
}

// record is one of the files, and how much of what came is in it and its tail.
type record struct {
	store   *store
	what    string                                 // in the log
	form    func(generation int64) ([]byte, error) // of all that is known
	changes int64                                  // so far
	written int64                                  // of them, stored
	failing bool                                   // the newest write did not succeed
	writing bool                                   // one is under way

	lines      []byte    // what changed since the newest write was asked for
	appendable bool      // these lines are all of it, and there is a whole file to go on from
	generation int64     // of the newest whole file
	wholeAt    time.Time // when it was made
	wholeBytes int
	tailBytes  int // that follow it
}

// stored is the tag of a write.
type stored struct {
	record  *record
	changes int64
}

// kept is what loading gives: what was stored, or something new, and why it is not the former.
type kept struct {
	book           *rolling.Book
	past           *history.History
	noBook, noPast error
}

func (m *metrics) loadAll(context.Context) (any, error) {
	k := kept{book: rolling.NewBook(m.cfg.Budgets), past: history.New()}
	k.noBook = m.durations.store.read(rolling.SizeBytesMax, m.cfg.Passive, func(data, tail []byte) error {
		book, err := rolling.Parse(data, m.cfg.Budgets)
		if err == nil {
			book.Continue(tail, m.cfg.Location)
			k.book = book
		}
		return err
	})
	k.noPast = m.plots.store.read(history.SizeBytesMax, m.cfg.Passive, func(data, tail []byte) error {
		past, err := history.Parse(data)
		if err == nil {
			past.Continue(tail)
			k.past = past
		}
		return err
	})
	return k, nil
}

// begin takes what was stored and does what waited for it.
func (m *metrics) begin(a *kit.Answer) {
	got, ok := a.Value.(kept)
	if !ok {
		got = kept{rolling.NewBook(m.cfg.Budgets), history.New(), a.Err, a.Err}
	}
	for r, why := range map[*record]error{m.durations: got.noBook, m.plots: got.noPast} {
		if why != nil {
			m.cfg.Log.Warn(r.what+" that was stored cannot be used; begun afresh",
				slog.String("file", r.store.path), slog.String("kept_as", filepath.Base(r.store.path)+damagedTail), slog.Any("error", why))
		}
	}
	m.book, m.past = got.book, got.past
	for _, do := range m.early {
		do()
	}
	m.early = nil
}

// changed notes a change of a file's content, with its line if that is all of it, and sets
// the one timer for storing it.
func (m *metrics) changed(ctx actor.Context, r *record, line []byte, whole bool) {
	r.changes++
	switch {
	case !whole || len(r.lines)+len(line) > tailBytesMax:
		r.appendable, r.lines = false, nil
	case r.appendable:
		r.lines = append(r.lines, line...)
	}
	m.writeSoon(ctx)
}

func (m *metrics) writeSoon(ctx actor.Context) {
	if m.timer || m.cfg.Passive || m.durations.changes == m.durations.written && m.plots.changes == m.plots.written {
		return
	}
	m.timer = true
	m.After(ctx, writeEvery, writeTime{})
}

// write stores what changed, beside the actor. A write that is under way ends first: what a
// tail has must follow what its file has.
func (m *metrics) write(ctx actor.Context) {
	for _, r := range []*record{m.durations, m.plots} {
		if r.writing {
			continue // its end asks for the next one
		}
		if do := m.toStore(r, false); do != nil {
			r.writing = true
			m.Go(ctx, stored{r, r.changes}, func(context.Context) (any, error) { return nil, do() })
		}
	}
}

// wrote hears that a write is over; what changed meanwhile is the next one's.
func (m *metrics) wrote(ctx actor.Context, tag stored, err error) {
	tag.record.writing = false
	if err == nil {
		tag.record.written = tag.changes
	}
	m.noteWrite(tag.record, err)
	m.writeSoon(ctx)
}

// save stores everything before the actor ends.
func (m *metrics) save() {
	for _, r := range []*record{m.durations, m.plots} {
		if do := m.toStore(r, true); do != nil {
			m.noteWrite(r, do())
		}
	}
}

// noteWrite logs the first of many failures: a full disk has a condition of its own. What
// a failure left of a tail is not gone on from.
func (m *metrics) noteWrite(r *record, err error) {
	if err != nil && !r.failing {
		m.cfg.Log.Warn(r.what+" could not be written; tried again every minute", slog.Any("error", err))
	}
	r.failing = err != nil
	r.appendable = r.appendable && err == nil
}

// toStore gives the write that is due, nil = none: of the lines that came, or of everything.
func (m *metrics) toStore(r *record, whole bool) func() error {
	// A life that has stored all begins no new file, and at its end the tail goes into one.
	if m.cfg.Passive || m.book == nil || r.changes == r.written && (!whole || r.tailBytes == 0) {
		return nil
	}
	now := m.now()
	if !whole && r.appendable && now.Sub(r.wholeAt) < wholeEvery && r.tailBytes+len(r.lines) <= max(tailBytesMax, r.wholeBytes) {
		return m.toAppend(r)
	}
	generation := max(now.UnixNano(), r.generation+1)
	data, err := r.form(generation)
	if err != nil {
		m.cfg.Log.Error(r.what+" cannot be put into a form", slog.Any("error", err))
		return nil
	}
	r.generation, r.wholeAt, r.wholeBytes, r.tailBytes, r.lines, r.appendable = generation, now, len(data), 0, nil, true
	number := r.store.next()
	return func() error { return r.store.write(number, data) }
}

func (m *metrics) toAppend(r *record) func() error {
	lines, at := r.lines, int64(r.tailBytes)
	if at == 0 {
		head, err := tail.Begin(r.generation)
		if err != nil {
			m.cfg.Log.Error(r.what+" cannot be put into a form", slog.Any("error", err))
			return nil
		}
		lines = append(head, lines...)
	}
	r.tailBytes += len(lines)
	r.lines = nil
	number := r.store.next()
	return func() error { return r.store.add(number, lines, at) }
}
