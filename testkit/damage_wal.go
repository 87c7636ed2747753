package testkit

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
)

// Layout of a -wal file (https://sqlite.org/fileformat2.html#walformat).
const (
	walHeaderBytes   = 32
	frameHeaderBytes = 24
)

// wal reads the -wal beside a database and gives its size of page and count of frames.
func wal(t testing.TB, path string) (data []byte, pageSize, frames int) {
	t.Helper()
	data, err := fsx.ReadLimited(disk(), path+"-wal", fileMaxBytes)
	if err != nil {
		t.Fatalf("testkit: read the WAL of %s: %v", path, err)
	}
	if len(data) < walHeaderBytes+frameHeaderBytes {
		t.Fatalf("testkit: the WAL of %s holds no frame (%d bytes)", path, len(data))
	}
	pageSize = int(binary.BigEndian.Uint32(data[8:]))
	return data, pageSize, (len(data) - walHeaderBytes) / (frameHeaderBytes + pageSize)
}

// FlipFrame changes one byte of one frame's page in the -wal of the database at path:
// its checksum fails, and SQLite ignores this frame and all after it.
func FlipFrame(t testing.TB, path string, seed uint64) string {
	t.Helper()
	data, pageSize, frames := wal(t, path)
	rng := seeded(seed)
	frame := rng.IntN(frames)
	at := walHeaderBytes + frame*(frameHeaderBytes+pageSize) + frameHeaderBytes + rng.IntN(pageSize)
	overwrite(t, path+"-wal", int64(at), []byte{data[at] ^ 0x10})
	return fmt.Sprintf("flipped a bit in frame %d of %d of the WAL", frame+1, frames)
}

// CutWAL cuts the -wal of the database at path inside one of its frames.
func CutWAL(t testing.TB, path string, seed uint64) string {
	t.Helper()
	_, pageSize, frames := wal(t, path)
	rng := seeded(seed)
	frame := rng.IntN(frames)
	size := walHeaderBytes + frame*(frameHeaderBytes+pageSize) + 1 + rng.IntN(frameHeaderBytes+pageSize-1)
	return fmt.Sprintf("WAL, inside frame %d of %d: ", frame+1, frames) + TruncateAt(t, path+"-wal", int64(size))
}

// WrongSalt changes salt-1 in one frame's header of the -wal of the database at path,
// as if the frame were left over from before a reset.
func WrongSalt(t testing.TB, path string, seed uint64) string {
	t.Helper()
	data, pageSize, frames := wal(t, path)
	frame := seeded(seed).IntN(frames)
	at := walHeaderBytes + frame*(frameHeaderBytes+pageSize) + 8
	salt := binary.BigEndian.Uint32(data[at:])
	overwrite(t, path+"-wal", int64(at), binary.BigEndian.AppendUint32(nil, salt+1))
	return fmt.Sprintf("gave frame %d of %d of the WAL a wrong salt", frame+1, frames)
}

// RandomFrame overwrites the page of one frame in the -wal of the database at path with
// noise.
func RandomFrame(t testing.TB, path string, seed uint64) string {
	t.Helper()
	_, pageSize, frames := wal(t, path)
	rng := seeded(seed)
	frame := rng.IntN(frames)
	b := make([]byte, pageSize)
	fillBytes(rng, b)
	overwrite(t, path+"-wal", int64(walHeaderBytes+frame*(frameHeaderBytes+pageSize)+frameHeaderBytes), b)
	return fmt.Sprintf("overwrote the page of frame %d of %d of the WAL with noise", frame+1, frames)
}

// DestroyWALHeader overwrites the header of the -wal of the database at path with noise.
func DestroyWALHeader(t testing.TB, path string, seed uint64) string {
	t.Helper()
	b := make([]byte, walHeaderBytes)
	fillBytes(seeded(seed), b)
	overwrite(t, path+"-wal", 0, b)
	return "overwrote the header of the WAL with noise"
}
