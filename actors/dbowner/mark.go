package dbowner

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
)

// headerBytes is the size of the database header
// (https://sqlite.org/fileformat2.html#the_database_header).
const headerBytes = 100

// mark is a state of the live file: two equal marks mean that nobody committed in
// between. It is taken without locks where it can be, because in rollback mode the
// restore keeps even readers out by the time it has to be compared.
//
// Every commit in rollback mode raises the change counter in the header
// (https://sqlite.org/fileformat2.html#file_change_counter). In WAL mode it is the data
// version that tells (https://sqlite.org/pragma.html#pragma_data_version), which a reader may
// ask beside a writer. Where the header is destroyed and neither works, it is the
// content of the -wal.
type mark struct {
	header    [headerBytes]byte
	sizeBytes int64
	version   int64
	wal       string // SHA-256 of the -wal, only without a readable header
}

// markOf takes a mark through a connection that does not restore.
func (t *task) markOf(ctx context.Context, db Database) (m mark, err error) {
	main, sizeBytes, err := db.MainFile()
	if err != nil {
		return m, err
	}
	m.sizeBytes = sizeBytes
	if _, err := main.ReadAt(m.header[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return m, err
	}
	switch {
	case inWALMode(main):
		m.version, err = db.DataVersion(ctx)
	case !hasMagic(m.header):
		m.wal, err = t.digestWAL(ctx)
	}
	return m, err
}

// digestWAL gives "" when there is no -wal.
func (t *task) digestWAL(ctx context.Context) (string, error) {
	t.led.descriptors.RLock()
	defer t.led.descriptors.RUnlock()
	p, err := t.journal("", t.cfg.Path+"-wal")
	if err != nil || p == nil {
		return "", err
	}
	defer p.closer.Close()
	h := sha256.New()
	if err := pump(ctx, h, *p, func(int64) {}); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func hasMagic(header [headerBytes]byte) bool {
	return string(header[:16]) == "SQLite format 3\x00"
}

// inWALMode looks at the file format versions in the header, 2 for WAL.
func inWALMode(main io.ReaderAt) bool {
	var header [headerBytes]byte
	n, _ := main.ReadAt(header[:], 0) // a short file has no header
	return n == headerBytes && hasMagic(header) && header[18] == 2 && header[19] == 2
}

// pageSizeOf reads the page size in bytes from a header, 0 when it has none.
func pageSizeOf(header [headerBytes]byte) int {
	if !hasMagic(header) {
		return 0
	}
	n := int(binary.BigEndian.Uint16(header[16:]))
	if n == 1 {
		return 65536
	}
	return n
}
