package bulk_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/officer-doofy/officer/internal/bulk"
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// Whatever the sizes of rows and pages, what is written passes the full check: order,
// coverage, chains, and that the index holds what the table does.
func FuzzTree(f *testing.F) {
	images := map[shape][]byte{}
	for _, size := range []int{512, 1024, 4096, 65536} {
		for _, desc := range []bool{false, true} {
			s := shape{size, page.UTF8, schema.NoCase, desc}
			images[s] = database(f, s.sql())
		}
	}
	for i := range byte(8) {
		f.Add(i, uint16(i)*300, uint16(1)<<(2*i), uint64(i))
	}
	f.Fuzz(func(t *testing.T, which byte, count, longest uint16, seed uint64) {
		s := shape{[]int{512, 1024, 4096, 65536}[which%4], page.UTF8, schema.NoCase, which&4 != 0}
		rng := rand.New(rand.NewPCG(seed, 5))
		rows := make([][2]value, count%3000)
		for i := range rows {
			rows[i] = [2]value{randomValue(rng, 1+int(longest)%9000), randomValue(rng, 1+int(longest)%9000)}
		}
		for _, c := range verified(t, s.fill(t, images[s], rows, 1<<15)) {
			if c.Rows != int64(len(rows)) {
				t.Fatalf("got %d rows, want %d", c.Rows, len(rows))
			}
		}
	})
}

// sparse is a file of which only what was written last is kept.
type sparse struct {
	head  [page.HeaderBytes]byte
	wrote map[uint32]bool
	size  int64
}

func (s *sparse) ReadAt(p []byte, _ int64) (int, error) { return copy(p, s.head[:]), nil }

func (s *sparse) WriteAt(p []byte, off int64) (int, error) {
	if off == 0 {
		return copy(s.head[:], p), nil
	}
	for at := 0; at < len(p); at += page.PageSizeMax {
		s.wrote[uint32((off+int64(at))/page.PageSizeMax)+1] = true
	}
	s.size = max(s.size, off+int64(len(p)))
	return len(p), nil
}

func (s *sparse) Truncate(size int64) error {
	s.size = size
	return nil
}

var _ io.ReaderAt = (*sparse)(nil)

// The page at 1 GiB belongs to SQLite's locks: neither trees nor chains take it.
func TestFile_leavesTheLockPageOut(t *testing.T) {
	const lock = 1<<30/page.PageSizeMax + 1
	for before := range uint32(6) {
		s := &sparse{wrote: map[uint32]bool{}}
		copy(s.head[:], database(t, fmt.Sprintf(`PRAGMA page_size=%d; CREATE TABLE t(a)`, page.PageSizeMax)))
		binary.BigEndian.PutUint32(s.head[28:], lock-1-before)
		f, err := bulk.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		tree := bulk.NewTable(f, 2)
		var r bulk.Record
		for i := range int64(3) {
			r.Reset()
			r.Blob(make([]byte, 100_000))
			if err := tree.Row(i, r.Bytes()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := tree.Finish(); err != nil {
			t.Fatal(err)
		}
		if err := f.Publish(); err != nil {
			t.Fatal(err)
		}
		count := binary.BigEndian.Uint32(s.head[28:])
		for n := lock - before; n <= count; n++ {
			if s.wrote[n] != (n != lock) {
				t.Errorf("%d pages before it: page %d written: %v", before, n, s.wrote[n])
			}
		}
		if s.size != int64(count)*page.PageSizeMax || count == lock {
			t.Errorf("%d pages before it: the header counts %d pages, the file has %d bytes", before, count, s.size)
		}
	}
}
