package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/officer-doofy/officer/internal/fault"
)

const opSame = "compare databases"

// SameAs tells whether every page of this database, as of one read transaction, is that of
// the plain database file at path, which nobody writes. What SQLite counts in the header
// (commits, schema changes, its own version) and the way the file is written are not
// compared, nor is the page that holds only locks. The error is fault.CannotJudge where the
// pages cannot be read past SQLite (Snapshot).
func (c *Conn) SameAs(ctx context.Context, path string) (same bool, err error) {
	err = onStored(path, c.opts.VFS, func(f stored) error {
		s, err := c.Snapshot(ctx)
		if err != nil {
			return err
		}
		same, err = equalPages(ctx, s, f)
		if ended := s.Close(); err == nil {
			err = ended
		}
		return err
	})
	return same && err == nil, (&Conn{path: path}).fail(opSame, err)
}

// stored is a file that SQLite opened and does not read.
type stored interface {
	io.ReaderAt
	Size() (int64, error)
}

func equalPages(ctx context.Context, s *Snapshot, f stored) (bool, error) {
	size, err := f.Size()
	if err != nil || size != s.SizeBytes() || size == 0 {
		return false, err
	}
	chunk := max(1, burstBytes/s.PageSize()) * s.PageSize()
	mine, others := make([]byte, chunk), make([]byte, chunk)
	reserved := 0
	for off := int64(0); off < size; off += int64(chunk) {
		if err := ctx.Err(); err != nil {
			return false, fault.Wrap(fault.Interrupted, opSame, "stopped before the end", err)
		}
		n := min(int64(chunk), size-off)
		a, b := mine[:n], others[:n]
		if got, err := s.ReadAt(a, off); got < len(a) {
			return false, fault.Wrap(fault.IO, opSame, "the snapshot could not be read to its end", err)
		}
		if got, err := f.ReadAt(b, off); got < len(b) {
			return false, fault.Wrap(fault.IO, opSame, "the file could not be read to its end", err)
		}
		if off == 0 {
			if a[20] != b[20] {
				return false, nil
			}
			reserved = int(a[20])
			maskCounted(a)
			maskCounted(b)
		}
		maskPages(a, off, s.PageSize(), reserved)
		maskPages(b, off, s.PageSize(), reserved)
		if !bytes.Equal(a, b) {
			return false, nil
		}
	}
	return true, nil
}

// hashStored gives the SHA-256 of a file that nobody writes.
func hashStored(ctx context.Context, f stored) (string, error) {
	size, err := f.Size()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, &stoppable{ctx, io.NewSectionReader(f, 0, size)}); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
