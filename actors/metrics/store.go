package metrics

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/history"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/rolling"
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
	return nil
}

// read gives what is in the file to parse; one that is not there has nothing. What cannot
// be read or parsed goes aside; the error says why.
func (s *store) read(bytesMax int64, passive bool, parse func([]byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := fsx.ReadLimited(s.fs, s.path, bytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = parse(data)
	}
	if err != nil && !passive {
		err = errors.Join(err, s.fs.Rename(s.path, s.path+damagedTail))
	}
	return err
}

// record is one of the files, and how much of what came is in it.
type record struct {
	store   *store
	what    string                 // in the log
	form    func() ([]byte, error) // of what is to be written
	changes int64                  // so far
	written int64                  // of them, in the file
	failing bool                   // the newest write did not succeed
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
	k.noBook = m.durations.store.read(rolling.SizeBytesMax, m.cfg.Passive, func(data []byte) error {
		book, err := rolling.Parse(data, m.cfg.Budgets)
		if err == nil {
			k.book = book
		}
		return err
	})
	k.noPast = m.plots.store.read(history.SizeBytesMax, m.cfg.Passive, func(data []byte) error {
		past, err := history.Parse(data)
		if err == nil {
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

// changed notes a change of a file's content and sets the one timer for writing it.
func (m *metrics) changed(ctx actor.Context, r *record) {
	r.changes++
	m.writeSoon(ctx)
}

func (m *metrics) writeSoon(ctx actor.Context) {
	if m.timer || m.cfg.Passive || m.durations.changes == m.durations.written && m.plots.changes == m.plots.written {
		return
	}
	m.timer = true
	m.After(ctx, writeEvery, writeTime{})
}

// write stores what changed, beside the actor.
func (m *metrics) write(ctx actor.Context) {
	for _, r := range []*record{m.durations, m.plots} {
		if data, ok := m.content(r); ok {
			number := r.store.next()
			m.Go(ctx, stored{r, r.changes}, func(context.Context) (any, error) { return nil, r.store.write(number, data) })
		}
	}
}

// wrote hears that a write is over; what changed meanwhile is the next one's.
func (m *metrics) wrote(ctx actor.Context, tag stored, err error) {
	if err == nil {
		tag.record.written = tag.changes
	}
	m.noteWrite(tag.record, err)
	m.writeSoon(ctx)
}

// save stores what changed before the actor ends.
func (m *metrics) save() {
	for _, r := range []*record{m.durations, m.plots} {
		if data, ok := m.content(r); ok {
			m.noteWrite(r, r.store.write(r.store.next(), data))
		}
	}
}

// noteWrite logs the first of many failures: a full disk has a condition of its own.
func (m *metrics) noteWrite(r *record, err error) {
	if err != nil && !r.failing {
		m.cfg.Log.Warn(r.what+" could not be written; tried again every minute", slog.Any("error", err))
	}
	r.failing = err != nil
}

// content gives what is to be written, if anything.
func (m *metrics) content(r *record) (data []byte, ok bool) {
	if m.cfg.Passive || m.book == nil || r.changes == r.written {
		return nil, false
	}
	data, err := r.form()
	if err != nil {
		m.cfg.Log.Error(r.what+" cannot be put into a form", slog.Any("error", err))
		return nil, false
	}
	return data, true
}
