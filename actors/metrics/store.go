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
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/rolling"
)

// store is the file. The last write of an actor that ends may meet one in the
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

// read gives the book in the file, a new one when there is none. What cannot be read or
// is no book goes aside; why says so.
func (s *store) read(budgets []rolling.Budget, passive bool) (book *rolling.Book, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := fsx.ReadLimited(s.fs, s.path, rolling.SizeBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return rolling.NewBook(budgets), nil
	}
	if err == nil {
		if book, err = rolling.Parse(data, budgets); err == nil {
			return book, nil
		}
	}
	if !passive {
		err = errors.Join(err, s.fs.Rename(s.path, filepath.Join(s.dir, damagedName)))
	}
	return rolling.NewBook(budgets), err
}

// loadedBook is what loading gives.
type loadedBook struct {
	book *rolling.Book
	why  error // nothing is wrong with the book, but there was a file
}

func (m *metrics) loadBook(context.Context) (any, error) {
	book, why := m.store.read(m.cfg.Budgets, m.cfg.Passive)
	return loadedBook{book, why}, nil
}

// begin takes the book and does what waited for it.
func (m *metrics) begin(a *kit.Answer) {
	got, ok := a.Value.(loadedBook)
	if !ok {
		got = loadedBook{rolling.NewBook(m.cfg.Budgets), a.Err}
	}
	if got.why != nil {
		m.cfg.Log.Warn("the stored metrics cannot be used; begun afresh",
			slog.String("file", m.store.path), slog.String("kept_as", damagedName), slog.Any("error", got.why))
	}
	m.book = got.book
	for _, do := range m.early {
		do()
	}
	m.early = nil
}

// writeSoon sets the one timer when something is not in the file yet.
func (m *metrics) writeSoon(ctx actor.Context) {
	if m.timer || m.cfg.Passive || m.changes == m.written {
		return
	}
	m.timer = true
	m.After(ctx, writeEvery, writeTime{})
}

// write stores the book beside the actor.
func (m *metrics) write(ctx actor.Context) {
	data, ok := m.content()
	if !ok {
		return
	}
	store, number := m.store, m.store.next()
	m.Go(ctx, stored{m.changes}, func(context.Context) (any, error) { return nil, store.write(number, data) })
}

// save stores the book before the actor ends.
func (m *metrics) save() {
	data, ok := m.content()
	if !ok {
		return
	}
	m.noteWrite(m.store.write(m.store.next(), data))
}

// noteWrite logs the first of many failures: a full disk has a condition of its own.
func (m *metrics) noteWrite(err error) {
	if err != nil && !m.failing {
		m.cfg.Log.Warn("the metrics could not be written; tried again every minute", slog.Any("error", err))
	}
	m.failing = err != nil
}

// content gives what is to be written, if anything.
func (m *metrics) content() (data []byte, ok bool) {
	if m.cfg.Passive || m.book == nil || m.changes == m.written {
		return nil, false
	}
	m.book.Expire(m.now())
	data, err := m.book.Marshal()
	if err != nil {
		m.cfg.Log.Error("the metrics have no form", slog.Any("error", err))
		return nil, false
	}
	return data, true
}
