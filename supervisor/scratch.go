package supervisor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite"
)

// formatOffset is where the header says how the file is written and read: 1 = rollback
// journal, 2 = WAL (https://sqlite.org/fileformat2.html#file_format_version_numbers).
const formatOffset = 18

// Consolidate makes one plain file of a kept database and the -wal or -journal beside
// it: recovery.Scratch. SQLite itself brings in the log, on a working copy; pages that
// are damaged stay as they are.
func (e *engine) Consolidate(ctx context.Context, from, to string) (content manifest.Content, err error) {
	return e.consolidate(ctx, from, to, true)
}

// consolidate is Consolidate. With proven it is durable and its content digested; else it is only a beginning, and who
// makes something of it fsyncs that: the device writes 1 GB while that is being made.
func (e *engine) consolidate(ctx context.Context, from, to string, proven bool) (content manifest.Content, err error) {
	const op = "consolidate kept database"
	work := to + ".tmp"
	defer e.sweep(work)
	for _, suffix := range []string{"", "-wal", "-journal"} {
		err := fsx.CopyToWork(ctx, e.files, from+suffix, work+suffix)
		if err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return content, err
		}
	}
	if content, err = e.absorb(ctx, work, proven); err != nil {
		return content, err
	}
	if err := e.plain(work, proven); err != nil {
		return manifest.Content{}, err
	}
	if err := e.files.RenameNoReplace(work, to); err != nil {
		return manifest.Content{}, fsx.Wrap(op, err)
	}
	return content, fsx.Wrap(op, e.files.SyncDir(filepath.Dir(to)))
}

// absorb lets SQLite roll back a hot journal or move the WAL into the file, and reads
// what it then holds. A content that damage makes unreadable is empty, not an error.
func (e *engine) absorb(ctx context.Context, path string, digest bool) (manifest.Content, error) {
	c, err := sqlite.Open(ctx, path, sqlite.Options{VFS: e.vfs, BusyTimeout: busyTimeout, Space: e.space})
	if err != nil {
		return manifest.Content{}, err
	}
	defer c.Close()
	facts, err := c.Facts(ctx) // the first read brings a journal in
	if err != nil {
		return manifest.Content{}, err
	}
	if facts.PageCount == 0 {
		return e.firstPage(ctx, c, path)
	}
	logFrames, doneFrames, err := c.Checkpoint(ctx, sqlite.Truncate)
	if err != nil {
		return manifest.Content{}, err
	}
	if logFrames != doneFrames {
		return manifest.Content{}, fault.New(fault.IO, "consolidate kept database", "the log could not be moved into the file")
	}
	if !digest {
		return manifest.Content{}, c.Close()
	}
	content, err := c.Content(ctx)
	if fault.IsDamage(err) {
		return manifest.Content{}, c.Close()
	}
	return content, errors.Join(err, c.Close())
}

// firstPage gives a file without a byte, which is an empty database to SQLite, the one
// page that an empty database has when it is written: only such a file has a header to
// be put in place by.
func (e *engine) firstPage(ctx context.Context, c *sqlite.Conn, path string) (manifest.Content, error) {
	temp := path + pageSuffix
	f, err := e.files.Create(temp)
	if err != nil {
		return manifest.Content{}, err
	}
	if err := f.Close(); err != nil {
		return manifest.Content{}, err
	}
	r, err := c.Copy(ctx, temp, sqlite.CopyOptions{})
	if err := errors.Join(err, c.Close()); err != nil {
		return manifest.Content{}, err
	}
	return r.Content, e.files.Rename(temp, path)
}

// pageSuffix is the name of a first page in the making, beside its working copy.
const pageSuffix = "-page"

// plain marks a file whose WAL was absorbed as one in journal mode DELETE, and fsyncs one that is durable.
func (e *engine) plain(path string, durable bool) error {
	const op = "consolidate kept database"
	f, err := e.files.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fsx.Wrap(op, err)
	}
	defer f.Close()
	var version [2]byte
	if _, err := f.ReadAt(version[:], formatOffset); err != nil {
		return fsx.Wrap(op, err)
	}
	if version == [2]byte{2, 2} {
		if _, err := f.WriteAt([]byte{1, 1}, formatOffset); err != nil {
			return fsx.Wrap(op, err)
		}
	}
	if durable {
		err = f.Sync()
	}
	return fsx.Wrap(op, errors.Join(err, f.Close()))
}

// sweep removes what is left of a working copy.
func (e *engine) sweep(work string) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", pageSuffix} {
		_ = e.files.Remove(work + suffix)
	}
}
