package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
)

const (
	// hashAhead and writeAhead are how many bursts may wait to be hashed and to be written:
	// what comes before goes on meanwhile.
	hashAhead, writeAhead = 2, 1
	// pushBytes is how much is written before the system is asked to begin with it: the fsync
	// at the end then finds little left to do.
	pushBytes = 8 << 20
	// logGrowthMax is how much the log may grow beside a paced copy. Its snapshot keeps the
	// log from being reset, so from then on the copy hurries.
	logGrowthMax = 16 << 20
)

// copyPages is Copy by pages of a Snapshot, in one pass: read, write, hash. Before
// anything is written it may give fault.CannotJudge: then the backup API is to be asked.
func (c *Conn) copyPages(ctx context.Context, dst string, opts CopyOptions) (result CopyResult, err error) {
	began := time.Now()
	s, err := c.Snapshot(ctx)
	if err != nil {
		return result, err
	}
	defer s.Close()
	if s.PageCount() == 0 {
		return result, fault.New(fault.CannotJudge, opCopy, "an empty file has no page to copy")
	}
	j := &pageJob{c: c, s: s, dst: dst, opts: opts, pace: opts.PaceBytesPerSecond, result: &result}
	result.Source, result.PageSize, result.Pages, result.SizeBytes = s.Source(), s.PageSize(), int64(s.PageCount()), s.SizeBytes()
	if result.Source.JournalMode == "wal" {
		if err = j.first(ctx); err != nil || result.Skipped {
			return result, err
		}
	} else {
		j.pace = 0 // a reader holds up the writer
	}
	err = c.onFile(dst, func(f vfs.File) error {
		push := startPush(f)
		defer push.stop()
		if err := j.write(ctx, f, push); err != nil {
			return err
		}
		// What was read counts once this has no error; and whatever takes longer is done without it.
		if err := s.Close(); err != nil {
			return err
		}
		if result.Source.JournalMode != "wal" {
			result.WorstWriterStall = time.Since(began)
		}
		if opts.ByHash && c.opts.Sealer != nil {
			return nil // who reads it back by its seal has it written first
		}
		return syncFile(f)
	})
	if err == nil && result.Source.JournalMode != "wal" {
		err = j.afterwards(ctx)
	}
	return result, err
}

// onFile runs f on a file that SQLite opens and does not read.
func (c *Conn) onFile(path string, f func(vfs.File) error) error {
	err := bare(path, c.opts.VFS, f)
	if got := c.fail(opCopy, err); fault.CodeOf(got) != fault.Internal {
		return got
	}
	if c.volumeFull() {
		return fault.Wrap(fault.Full, opCopy, "no space left on the volume", err)
	}
	return fsx.Wrap(opCopy, err) // the operating system's, without a code of SQLite's
}

// pageJob is one copy by pages.
type pageJob struct {
	c      *Conn
	s      *Snapshot
	dst    string
	opts   CopyOptions
	pace   int64    // bytes a second; 0 = as fast as possible
	log    vfs.File // beside a paced copy in WAL mode
	result *CopyResult
}

// first digests the content while writers go on, if it has to be known.
func (j *pageJob) first(ctx context.Context) (err error) {
	if j.opts.UnlessContent == nil && j.opts.ByHash {
		return nil
	}
	// What lies in SQLite's cache may be healthier than what lies on the disk.
	if err := j.c.do(ctx, opCopy, func() error { return j.c.db.ReleaseMemory() }); err != nil {
		return err
	}
	if j.result.Content, err = j.c.contentOf(ctx, j.s); err != nil {
		return err
	}
	j.skip()
	return nil
}

func (j *pageJob) skip() bool {
	want := j.opts.UnlessContent
	j.result.Skipped = want != nil && want.Equal(j.result.Content)
	return j.result.Skipped
}

// afterwards digests the copy, if the content has to be known: here the snapshot held up
// writers and is over. That the copy is what was read its hash has to tell first.
func (j *pageJob) afterwards(ctx context.Context) error {
	if j.opts.UnlessContent == nil && j.opts.ByHash {
		return nil
	}
	copied, err := Open(ctx, j.dst, Options{VFS: j.c.opts.VFS, ReadOnly: true, Immutable: true, Space: j.c.opts.Space})
	if err != nil {
		return err
	}
	defer copied.Close()
	f, _, err := copied.MainFile()
	if err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(h, &stoppable{ctx, io.NewSectionReader(f, 0, j.result.SizeBytes)}); err != nil {
		return j.c.fail(opCopy, err)
	}
	if hex.EncodeToString(h.Sum(nil)) != j.result.SHA256 {
		return fault.New(fault.Mismatch, opCopy, "the pages written are not the pages read")
	}
	if j.result.Content, err = copied.Content(ctx); err != nil {
		return err
	}
	if j.skip() {
		return emptyFile(j.dst, j.c.opts.VFS)
	}
	return nil
}

// stoppable is a reader that ends with its context.
type stoppable struct {
	ctx context.Context //nolint:containedctx // of one io.Copy, which takes none
	r   io.Reader
}

// Read reads on until the context is over.
func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// write copies the pages into an empty file, in bursts.
func (j *pageJob) write(ctx context.Context, f vfs.File, push *push) (err error) {
	switch size, err := f.Size(); {
	case err != nil:
		return err
	case size != 0:
		return fault.New(fault.Refused, opCopy, "the destination holds %d bytes already", size)
	}
	out := startOutflow(func(p []byte, off int64) error {
		if _, err := f.WriteAt(p, off); err != nil {
			return err
		}
		push.written(off + int64(len(p)))
		return nil
	}, j.result.SizeBytes >= besideMin, j.hashed())
	defer func() { _, _ = out.end() }() // after an error, which counts
	if err := j.watchLog(ctx); err != nil {
		return err
	}
	if err := j.read(ctx, out); err != nil {
		return err
	}
	j.result.SHA256, err = out.end()
	return err
}

// hashed tells whether the SHA-256 of what is written is needed. Who reads it back by its seal
// makes one of what was given back.
func (j *pageJob) hashed() bool {
	return j.c.opts.Sealer == nil || !j.opts.ByHash || j.opts.UnlessContent != nil
}

// read reads all pages and has them written.
func (j *pageJob) read(ctx context.Context, out *outflow) error {
	started, limit := time.Now(), j.logBytes()+logGrowthMax
	chunk := int64(max(1, burstBytes/j.result.PageSize) * j.result.PageSize)
	for off := int64(0); off < j.result.SizeBytes; {
		p := out.buffer(min(chunk, j.result.SizeBytes-off))
		if n, err := j.s.ReadAt(p, off); n < len(p) {
			return fault.Wrap(fault.IO, opCopy, "the snapshot could not be read to its end", err)
		}
		asStored(p, off, j.result.PageSize)
		if sealer := j.c.opts.Sealer; sealer != nil {
			j.result.Seal += sealer.Burst(off, p)
		}
		bytes := int64(len(p))
		if err := out.feed(p, off); err != nil {
			return err
		}
		off += bytes
		if j.opts.Progress != nil {
			j.opts.Progress(off/int64(j.result.PageSize), j.result.Pages)
		}
		if j.pace > 0 && j.logBytes() > limit {
			j.pace = 0
		}
		var ahead time.Duration
		if j.pace > 0 && off < j.result.SizeBytes {
			ahead = time.Duration(float64(off)/float64(j.pace)*float64(time.Second)) - time.Since(started)
		}
		if err := wait(ctx, ahead); err != nil {
			return err
		}
	}
	return nil
}

// asStored makes pages those of a backup: in journal mode DELETE, that is with file
// format version 1 (https://sqlite.org/fileformat2.html#file_format_version_numbers), and with
// nothing in the page that holds only locks (https://sqlite.org/fileformat2.html#the_lock_byte_page).
func asStored(p []byte, off int64, pageSize int) {
	if off == 0 {
		p[18], p[19] = 1, 1
	}
	maskPages(p, off, pageSize, 0)
}

// watchLog finds the log that grows beside a paced copy.
func (j *pageJob) watchLog(ctx context.Context) error {
	if j.pace == 0 {
		return nil
	}
	return j.c.do(ctx, opCopy, func() (err error) {
		j.log, _, err = j.c.file(sqlite3.FCNTL_JOURNAL_POINTER)
		return err
	})
}

// logBytes is the size of the log, 0 when none is watched.
func (j *pageJob) logBytes() int64 {
	if j.log == nil {
		return 0
	}
	size, err := j.log.Size()
	if err != nil {
		return 0
	}
	return size
}
