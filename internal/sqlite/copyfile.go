package sqlite

import (
	"context"
	"hash/maphash"
	"io"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/fault"
)

func vfsParam(name string) []string {
	if name == "" {
		return nil
	}
	return []string{"vfs", name}
}

// onStored runs f on a stored file that nobody writes, opened by SQLite but not read by it.
func onStored(path, vfsName string, f func(file stored) error) error {
	return unread(fileURI(path, append(vfsParam(vfsName), "mode", "ro", "immutable", "1")...), sqlite3.OPEN_READONLY,
		func(file vfs.File) error { return f(file) })
}

// bare runs f on the file at path, opened by SQLite but not read by it.
func bare(path, vfsName string, f func(file vfs.File) error) error {
	return unread(fileURI(path, append(vfsParam(vfsName), "mode", "rw")...), sqlite3.OPEN_READWRITE, f)
}

// unread runs f on a file that SQLite opens and does not read.
func unread(uri string, how sqlite3.OpenFlag, f func(file vfs.File) error) error {
	db, err := sqlite3.OpenFlags(uri, how|sqlite3.OPEN_URI)
	if err != nil {
		return err
	}
	defer db.Close()
	file, err := (&Conn{db: db}).mainFile()
	if err != nil {
		return err
	}
	return f(file)
}

// mustBeEmpty keeps a copy from being written over anything.
func mustBeEmpty(path, vfsName string) error {
	return bare(path, vfsName, func(file vfs.File) error {
		size, err := file.Size()
		if err == nil && size != 0 {
			return fault.New(fault.Refused, opCopy, "the destination holds %d bytes already", size)
		}
		return err
	})
}

func emptyFile(path, vfsName string) error {
	return bare(path, vfsName, func(file vfs.File) error { return file.Truncate(0) })
}

// hashPages hashes the pages of a database file but for what the backup API rightly
// changes: version bytes, counters, size and library version in the header. The lock
// page holds no data, and reserved bytes belong to no page of ours.
func hashPages(ctx context.Context, r io.ReaderAt, seed maphash.Seed, pages int64, pageSize int) (uint64, error) {
	var h maphash.Hash
	h.SetSeed(seed)
	chunk := max(1, burstBytes/pageSize) * pageSize
	buf := make([]byte, chunk)
	sizeBytes := pages * int64(pageSize)
	reserved := 0
	for off := int64(0); off < sizeBytes; off += int64(chunk) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		p := buf[:min(int64(chunk), sizeBytes-off)]
		if n, err := r.ReadAt(p, off); n < len(p) {
			if err = ignoreEOF(err); err != nil {
				return 0, err
			}
			clear(p[n:]) // SQLite reads what is beyond the end as zeros
		}
		if off == 0 && len(p) >= headerBytes {
			reserved = int(p[20])
			maskCounted(p)
		}
		maskPages(p, off, pageSize, reserved)
		h.Write(p)
	}
	return h.Sum64(), nil
}

// maskCounted clears what the backup API rightly changes in the header.
func maskCounted(firstPage []byte) {
	for _, field := range [][2]int{{18, 20}, {24, 32}, {40, 44}, {92, 100}} {
		clear(firstPage[field[0]:field[1]])
	}
}

// maskPages clears the lock page and the reserved bytes of each page.
func maskPages(p []byte, off int64, pageSize, reserved int) {
	if lock := int64(lockPageOff) - off; lock >= 0 && lock < int64(len(p)) {
		lock -= lock % int64(pageSize)
		clear(p[lock : lock+int64(pageSize)])
	}
	if reserved == 0 {
		return
	}
	for at := 0; at+pageSize <= len(p); at += pageSize {
		clear(p[at+pageSize-reserved : at+pageSize])
	}
}

func syncFile(f vfs.File) error { return f.Sync(vfs.SYNC_FULL) }
