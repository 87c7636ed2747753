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
// is no file of ours goes aside; the error says why. One that a device did not give stays as it is
// (fsx.Unread). Without its tail, which may be of another file, a file is whole.
func (s *store) read(bytesMax int64, passive bool, parse func(data, tail []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := fsx.ReadLimited(s.fs, s.path, bytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		var tail []byte
		if tail, err = fsx.ReadLimited(s.fs, s.tailPath(), bytesMax); !fsx.Unread(err) {
			err = parse(data, tail)
		}
	}
	if err != nil && !passive && !fsx.Unread(err) {
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

	// While unread is set nothing is stored, so that what could not be read is not replaced; after
	// the first failed read this begins in memory, and what came meanwhile is added once it is read.
	unread    bool
	tries     int      // that failed
	meanwhile []func() // records it again

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
	book           *rolling.Book    // nil = it was not to be read
	past           *history.History // the same
	noBook, noPast error
}

// load reads beside the actor what was not read yet: a slow disk must not keep the start waiting.
func (m *metrics) load(ctx actor.Context) {
	book, past := m.durations.unread, m.plots.unread
	m.Go(ctx, loaded{}, func(context.Context) (any, error) {
		var k kept
		if book {
			m.loadBook(&k)
		}
		if past {
			m.loadPast(&k)
		}
		return k, nil
	})
}

func (m *metrics) loadBook(k *kept) {
	k.book = rolling.NewBook(m.cfg.Budgets)
	k.noBook = m.durations.store.read(rolling.SizeBytesMax, m.cfg.Passive, func(data, tail []byte) error {
		book, err := rolling.Parse(data, m.cfg.Budgets)
		if err == nil {
			book.Continue(tail, m.cfg.Location)
			k.book = book
		}
		return err
	})
}

func (m *metrics) loadPast(k *kept) {
	k.past = history.New()
	k.noPast = m.plots.store.read(history.SizeBytesMax, m.cfg.Passive, func(data, tail []byte) error {
		past, err := history.Parse(data)
		if err == nil {
			past.Continue(tail)
			k.past = past
		}
		return err
	})
}

// begin takes what was stored and does what waited for it.
func (m *metrics) begin(ctx actor.Context, a *kit.Answer) {
	got, ok := a.Value.(kept)
	if !ok {
		got = kept{rolling.NewBook(m.cfg.Budgets), history.New(), a.Err, a.Err}
	}
	if m.durations.unread && m.settle(m.durations, got.noBook) || m.book == nil {
		m.book = got.book
	}
	if m.plots.unread && m.settle(m.plots, got.noPast) || m.past == nil {
		m.past = got.past
	}
	for _, r := range []*record{m.durations, m.plots} {
		if r.unread {
			m.loadSoon(ctx, r.tries)
			continue
		}
		for _, again := range r.meanwhile {
			again()
		}
		r.meanwhile = nil
	}
	for _, do := range m.early {
		do()
	}
	m.early = nil
	m.writeSoon(ctx)
}

// settle takes note of whether a file was read, be it that nothing in it can be used.
func (m *metrics) settle(r *record, why error) bool {
	file := slog.String("file", r.store.path)
	switch {
	case fsx.Unread(why):
		if r.tries++; r.tries == 1 {
			m.cfg.Log.Warn(r.what+" that was stored could not be read; it is read again, and nothing is stored before", file, slog.Any("error", why))
		}
		return false
	case why != nil:
		m.cfg.Log.Warn(r.what+" that was stored cannot be used; begun afresh",
			file, slog.String("kept_as", filepath.Base(r.store.path)+damagedTail), slog.Any("error", why))
	case r.tries > 0:
		m.cfg.Log.Info(r.what+" that was stored was read after all", file)
	}
	r.unread = false
	return true
}

// loadSoon reads again what could not be read. One timer is enough for both files.
func (m *metrics) loadSoon(ctx actor.Context, tries int) {
	if !m.loading {
		m.loading = true
		m.After(ctx, kit.ReadAgain(tries), loadTime{})
	}
}

// changed notes a change of a file's content, with its line if that is all of it, and sets
// the one timer for storing it; again makes the change once more.
func (m *metrics) changed(ctx actor.Context, r *record, line []byte, whole bool, again func()) {
	r.changes++
	switch {
	case r.unread:
		if len(r.meanwhile) < earlyMax {
			r.meanwhile = append(r.meanwhile, again)
		}
	case !whole || len(r.lines)+len(line) > tailBytesMax:
		r.appendable, r.lines = false, nil
	case r.appendable:
		r.lines = append(r.lines, line...)
	}
	m.writeSoon(ctx)
}

// due tells whether there is something to store.
func (r *record) due() bool { return !r.unread && r.changes != r.written }

func (m *metrics) writeSoon(ctx actor.Context) {
	if m.timer || m.cfg.Passive || !m.durations.due() && !m.plots.due() {
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
	if m.cfg.Passive || r.unread || r.changes == r.written && (!whole || r.tailBytes == 0) {
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
