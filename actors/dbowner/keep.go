package dbowner

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/messages"
)

const (
	chunkBytes = 1 << 20
	// spareBytes stay free beside an undo copy, so that the restore that follows has
	// room for its journal's first pages and the log for its lines.
	spareBytes = 16 << 20
)

// part is one file of the database: its name beside the others, and how to read it as
// it is, without any lock.
type part struct {
	name      string
	sizeBytes int64
	reader    io.ReaderAt
	closer    io.Closer // nil for a descriptor that is SQLite's
}

// keepEvidence copies the files as they are, damaged or not.
func (t *task) keepEvidence(m *messages.KeepEvidence) (any, error) {
	if m.GetToDir() == "" {
		return nil, fault.New(fault.Invalid, t.op, "no folder to keep them in was given")
	}
	files, sizeBytes, err := t.keep(t.db, m.GetToDir())
	if err != nil {
		return nil, err
	}
	return &messages.EvidenceKept{Files: files, SizeBytes: sizeBytes}, nil
}

// keep copies database, -wal and -journal into dir, fsynced together with dir and its
// parent. Nothing that is there is replaced, and a failure removes what it wrote.
func (t *task) keep(db Database, dir string) (names []string, sizeBytes int64, err error) {
	t.led.descriptors.RLock()
	defer t.led.descriptors.RUnlock()
	parts, err := t.parts(db)
	defer func() {
		for _, p := range parts {
			if p.closer != nil {
				_ = p.closer.Close() // only read
			}
		}
		if err != nil {
			t.forget(dir, names)
			names = nil
		}
	}()
	if err != nil {
		return nil, 0, err
	}
	if err := t.cfg.Files.MkdirAll(dir); err != nil {
		return nil, 0, err
	}
	var totalBytes int64
	for _, p := range parts {
		totalBytes += p.sizeBytes
	}
	if err := t.room(dir, totalBytes); err != nil {
		return nil, 0, err
	}
	for _, p := range parts {
		made, err := t.keepPart(p, dir, sizeBytes, totalBytes)
		if made {
			names = append(names, p.name)
		}
		if err != nil {
			return names, 0, err
		}
		sizeBytes += p.sizeBytes
	}
	return names, sizeBytes, errors.Join(t.cfg.Files.SyncDir(dir), t.cfg.Files.SyncDir(filepath.Dir(dir)))
}

// room fails when the volume of dir cannot take so much (promise P5).
func (t *task) room(dir string, needBytes int64) error {
	space, err := t.cfg.Files.Space(dir)
	if err != nil {
		return err
	}
	if space.FreeBytes < needBytes+spareBytes {
		return fault.New(fault.Full, t.op, "the undo copy needs %d bytes and %d are free in %s", needBytes+spareBytes, space.FreeBytes, dir)
	}
	return nil
}

// parts opens what there is. The database, and the -wal where SQLite has it open, are
// read through SQLite's own descriptors; a journal that it does not hold through Files.
func (t *task) parts(db Database) ([]part, error) {
	base := filepath.Base(t.cfg.Path)
	main, sizeBytes, err := db.MainFile()
	if err != nil {
		return nil, err
	}
	parts := []part{{name: base, sizeBytes: sizeBytes, reader: main}}
	for _, suffix := range []string{"-wal", "-journal"} {
		if suffix == "-wal" && inWALMode(main) {
			if wal, sizeBytes, err := db.JournalFile(); err == nil {
				parts = append(parts, part{name: base + suffix, sizeBytes: sizeBytes, reader: wal})
				continue
			}
		}
		p, err := t.journal(base+suffix, t.cfg.Path+suffix)
		if err != nil {
			return parts, err
		}
		if p != nil {
			parts = append(parts, *p)
		}
	}
	return parts, nil
}

// journal opens a -wal or -journal that lies beside the database; nil when none does.
func (t *task) journal(name, path string) (*part, error) {
	info, err := t.cfg.Files.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Refused, t.op, "%s is not a regular file", path)
	}
	f, err := t.cfg.Files.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // its transaction ended just now
	}
	if err != nil {
		return nil, err
	}
	return &part{name: name, sizeBytes: info.Size(), reader: f, closer: f}, nil
}

func (t *task) keepPart(p part, dir string, doneBytes, totalBytes int64) (made bool, err error) {
	f, err := t.cfg.Files.Create(filepath.Join(dir, p.name))
	if err != nil {
		return false, err
	}
	err = pump(t.ctx, f, p, func(n int64) {
		t.tell("keep", doneBytes+n, totalBytes, "bytes")
	})
	if err == nil {
		err = f.Sync()
	}
	return true, errors.Join(err, f.Close())
}

// forget removes an unfinished or overtaken undo copy, so that it is never taken for
// a whole one.
func (t *task) forget(dir string, names []string) {
	for _, name := range names {
		_ = t.cfg.Files.Remove(filepath.Join(dir, name)) // what stays is in the way of the next try, which says so
	}
	_ = t.cfg.Files.SyncDir(dir)
}

// pump copies in bursts, so that a job can be stopped in between.
func pump(ctx context.Context, to io.Writer, p part, done func(bytes int64)) error {
	from := io.NewSectionReader(p.reader, 0, p.sizeBytes)
	buf := make([]byte, min(p.sizeBytes+1, chunkBytes)) // the byte more tells the end by the same read
	var sum int64
	for {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Interrupted, "copy a file", "stopped before the end", err)
		}
		n, err := io.ReadFull(from, buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
			sum += int64(n)
			done(sum)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fault.Wrap(fault.IO, "copy a file", "it cannot be read", err)
		}
	}
}
