package sqlite

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func TestWALIndex_tellsWhatAReaderPins(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the wal-index cannot be looked at on this system")
	}
	path := filepath.Join(t.TempDir(), "a.db")
	db, reader := app(t, path), app(t, path)
	run(t, db, `PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0;`+plain)
	run(t, reader, `BEGIN; SELECT * FROM a`)
	c := open(t, path, Options{})
	before, err := c.WALIndex(t.Context())
	if err != nil || !before.Known || before.JournalMode != "wal" || before.Frames == 0 || before.Litestream {
		t.Fatalf("got %+v, %v", before, err)
	}
	run(t, db, `UPDATE a SET v=0; UPDATE a SET v=1`)
	if _, _, err := c.Checkpoint(t.Context(), Passive); err != nil {
		t.Fatal(err)
	}
	after, err := c.WALIndex(t.Context())
	if err != nil || after.Frames <= before.Frames || after.Backfilled != before.Frames {
		t.Errorf("got %+v, %v; want all up to the reader's %d frames moved and more in the WAL", after, err, before.Frames)
	}
	if !slices.Contains(after.ReadMarks[1:], before.Frames) {
		t.Errorf("got marks %v, want one at %d", after.ReadMarks, before.Frames)
	}
	info, err := os.Stat(path + "-shm")
	if err != nil {
		t.Fatal(err)
	}
	if device, inode, ok := fileNumbers(info); ok && (device != after.Device || inode != after.Inode) {
		t.Errorf("got file %d/%d, want %d/%d", after.Device, after.Inode, device, inode)
	}
}

func TestWALIndex_elsewhere(t *testing.T) {
	rollback := open(t, makeDB(t, filepath.Join(t.TempDir(), "b.db"), plain), Options{})
	got, err := rollback.WALIndex(t.Context())
	if err != nil || got.Known || got.JournalMode != "delete" {
		t.Errorf("rollback mode: got %+v, %v", got, err)
	}
	path := makeDB(t, filepath.Join(t.TempDir(), "l.db"), `PRAGMA journal_mode=wal; CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq INTEGER)`)
	if got, err = open(t, path, Options{}).WALIndex(t.Context()); err != nil || !got.Litestream {
		t.Errorf("beside Litestream: got %+v, %v", got, err)
	}
}

func TestWALIndex_readsBothByteOrdersAndRefusesATornHeader(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		page := make([]byte, shmBytes)
		for _, at := range []int{0, shmCopyBytes} {
			order.PutUint32(page[at:], shmVersion)
			order.PutUint32(page[at+shmFrames:], 70)
		}
		order.PutUint32(page[shmBackfilled:], 7)
		order.PutUint32(page[shmReadMarks+4:], 50)
		order.PutUint32(page[shmReadMarks+8:], shmMarkUnused)
		var w WALIndex
		if !w.fill(page) || w.Frames != 70 || w.Backfilled != 7 || !slices.Equal(w.ReadMarks, []int64{0, 50, -1, 0, 0}) {
			t.Errorf("%v: got %+v", order, w)
		}
		page[shmFrames]++
		if w.fill(page) {
			t.Errorf("%v: a header whose copies differ was believed", order)
		}
	}
}

func FuzzWALIndex(f *testing.F) {
	f.Add(make([]byte, shmBytes))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, page []byte) {
		var w WALIndex
		if w.fill(page) && (len(w.ReadMarks) != shmReaders || w.Frames < 0) {
			t.Errorf("got %+v", w)
		}
	})
}
