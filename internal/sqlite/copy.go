package sqlite

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
)

const (
	// burstBytes is what is copied between two looks at the context and the pace.
	burstBytes = fsx.SealBytes
	// lockPageOff is where the page lies that holds no data, only locks
	// (https://sqlite.org/fileformat2.html#the_lock_byte_page).
	lockPageOff = 0x40000000
	opCopy      = "copy database"
)

// Copy writes one snapshot of the database into dst, an empty file that the caller has
// just created with O_EXCL beside the copy's final name. The copy is left in journal
// mode DELETE, fsynced and closed, with no journal beside it. On an error or with
// Skipped the file is the caller's to remove.
//
// In WAL mode readers never hold up the writer: what has to be known of the content is
// digested first and the pages are copied at the given pace, all in one read transaction. In rollback-journal mode a
// reader holds up every commit: pages are copied first, as fast as possible, then the
// lock is released, and the content is digested from the copy, once that is proved to be
// what was read.
//
// Pages are read past SQLite (Snapshot). Where that cannot be, its backup API copies.
func (c *Conn) Copy(ctx context.Context, dst string, opts CopyOptions) (CopyResult, error) {
	started := time.Now()
	result, err := c.copyPages(ctx, dst, opts)
	if fault.CodeOf(err) == fault.CannotJudge {
		result, err = c.copyBySQLite(ctx, dst, opts)
	}
	result.Duration = time.Since(started)
	if err != nil {
		return CopyResult{}, err
	}
	return result, nil
}

// copyBySQLite is Copy by the backup API (https://sqlite.org/backup.html).
func (c *Conn) copyBySQLite(ctx context.Context, dst string, opts CopyOptions) (result CopyResult, err error) {
	err = c.do(ctx, opCopy, func() error {
		if c.fenced {
			return fault.New(fault.Refused, opCopy, "the connection that holds the fence cannot be copied from")
		}
		// What lies in the cache may be healthier than what lies on the disk.
		if err := c.db.ReleaseMemory(); err != nil {
			return err
		}
		if err := c.startCopy(&result); err != nil {
			return err
		}
		job := &copyJob{c: c, dst: dst, opts: opts, result: &result}
		if result.Source.JournalMode == "wal" {
			return job.runWAL(ctx)
		}
		return job.runRollback(ctx)
	})
	return result, err
}

// startCopy notes the source before the snapshot is taken. Should the app commit in
// between, the copy holds more than Source says, and the next look finds a change
// where there is none; the other way round a change could be overlooked.
func (c *Conn) startCopy(result *CopyResult) error {
	return c.snapshot(func() error {
		facts, err := c.facts()
		result.Source = facts.Source
		if result.Source.JournalMode == "" {
			result.Source.JournalMode = facts.JournalMode
		}
		return err
	})
}

type copyJob struct {
	c      *Conn
	dst    string
	opts   CopyOptions
	result *CopyResult
}

func (j *copyJob) runWAL(ctx context.Context) error {
	err := j.c.snapshot(func() (err error) {
		if j.result.Content, err = j.c.content(); err != nil {
			return err
		}
		if j.unchanged() {
			return nil
		}
		return j.pages(ctx, j.opts.PaceBytesPerSecond)
	})
	if err != nil || j.result.Skipped {
		return err
	}
	return j.finish()
}

func (j *copyJob) unchanged() bool {
	want := j.opts.UnlessContent
	j.result.Skipped = want != nil && want.Equal(j.result.Content)
	return j.result.Skipped
}

func (j *copyJob) runRollback(ctx context.Context) error {
	seed := maphash.MakeSeed()
	var read uint64
	locked := time.Now()
	err := j.c.snapshot(func() error {
		if err := j.pages(ctx, 0); err != nil {
			return err
		}
		f, err := j.c.mainFile()
		if err != nil {
			return err
		}
		read, err = hashPages(ctx, f, seed, j.result.Pages, j.result.PageSize)
		return err
	})
	j.result.WorstWriterStall = time.Since(locked)
	if err != nil {
		return err
	}
	if err := j.finish(); err != nil {
		return err
	}
	return j.prove(ctx, seed, read)
}

// prove compares what was written with what was read, and digests the copy.
func (j *copyJob) prove(ctx context.Context, seed maphash.Seed, read uint64) error {
	copied, err := Open(ctx, j.dst, Options{VFS: j.c.opts.VFS, ReadOnly: true, Immutable: true, Space: j.c.opts.Space})
	if err != nil {
		return err
	}
	defer copied.Close()
	f, _, err := copied.MainFile()
	if err != nil {
		return err
	}
	written, err := hashPages(ctx, f, seed, j.result.Pages, j.result.PageSize)
	if err != nil {
		return err
	}
	if written != read {
		return fault.New(fault.Mismatch, opCopy, "the pages written are not the pages read")
	}
	if j.result.Content, err = copied.Content(ctx); err != nil {
		return err
	}
	if j.unchanged() {
		return emptyFile(j.dst, j.c.opts.VFS)
	}
	return nil
}

// pages runs the backup API (https://sqlite.org/backup.html) inside the snapshot of c,
// where foreign commits cannot restart it. The destination gets no journal: it is a new
// file that counts for nothing until it is finished.
func (j *copyJob) pages(ctx context.Context, pace int64) error {
	if err := mustBeEmpty(j.dst, j.c.opts.VFS); err != nil {
		return err
	}
	uri := fileURI(j.dst, append(vfsParam(j.c.opts.VFS), "mode", "rw",
		"_pragma", "journal_mode(off)", "_pragma", "synchronous(off)")...)
	b, err := j.c.db.BackupInit("main", uri)
	if err != nil {
		return err
	}
	defer b.Close()
	if _, err := b.Step(0); err != nil {
		return err
	}
	if j.result.PageSize, err = j.pageSize(); err != nil {
		return err
	}
	started := time.Now()
	burst := max(1, burstBytes/j.result.PageSize)
	for done := false; !done; {
		if done, err = b.Step(burst); err != nil {
			return err
		}
		total := int64(b.PageCount())
		copied := total - int64(b.Remaining())
		j.result.Pages = total
		if j.opts.Progress != nil {
			j.opts.Progress(copied, total)
		}
		var ahead time.Duration
		if pace > 0 && !done {
			due := time.Duration(float64(copied) * float64(j.result.PageSize) / float64(pace) * float64(time.Second))
			ahead = due - time.Since(started)
		}
		if err := wait(ctx, ahead); err != nil {
			return err
		}
	}
	return b.Close()
}

func (j *copyJob) pageSize() (int, error) {
	n, err := j.c.value(`PRAGMA main.page_size`)
	return int(n), err
}

// finish puts the copy into journal mode DELETE and makes it durable, through a
// descriptor of SQLite's, so that a simulated disk sees it. The two bytes are written
// directly: PRAGMA journal_mode=DELETE would make and remove a -wal and a -shm.
func (j *copyJob) finish() error {
	return bare(j.dst, j.c.opts.VFS, func(f vfs.File) (err error) {
		if j.result.SizeBytes, err = f.Size(); err != nil {
			return err
		}
		if j.result.SizeBytes > 0 {
			// File format write and read version: 1 is legacy, 2 is WAL
			// (https://sqlite.org/fileformat2.html#file_format_version_numbers).
			if _, err := f.WriteAt([]byte{1, 1}, 18); err != nil {
				return err
			}
		}
		return syncFile(f)
	})
}
