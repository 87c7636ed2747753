package page

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// only fails a fuzz run on an error that names no sentence.
func only(t *testing.T, err error) bool {
	t.Helper()
	var e *Error
	if err != nil && (!errors.As(err, &e) || e.Rule == "" || e.Error() == "") {
		t.Fatalf("got %v, want the sentence that is broken", err)
	}
	return err == nil
}

func FuzzHeader(f *testing.F) {
	f.Add(headerBytes(), int64(twoPages))
	f.Add(append([]byte(magic), make([]byte, 84)...), int64(1<<40))
	f.Fuzz(func(t *testing.T, b []byte, fileBytes int64) {
		h, err := ParseHeader(b)
		if !only(t, err) {
			return
		}
		only(t, h.Validate(max(fileBytes, 0)))
		count, err := h.Pages(max(fileBytes, 0))
		if !only(t, err) {
			return
		}
		g := NewGeometry(h, count)
		for _, n := range []uint32{0, 1, 2, 3, count, g.LockPage(), g.LockPage() + 1, 1<<32 - 1} {
			if m, at := g.MapFor(n); m != 0 && (m >= n || at < 0 || at+5 > g.Usable) {
				t.Fatalf("page %d: map %d at %d", n, m, at)
			}
		}
		file, err := OpenFile(bytes.NewReader(b), fileBytes)
		if only(t, err) {
			only(t, file.ReadPage(1, make([]byte, g.PageSize)))
		}
	})
}

// FuzzNode reads a b-tree page at every page size and looks at all that it points to.
func FuzzNode(f *testing.F) {
	f.Add(leafBytes(), byte(0), byte(0), true)
	f.Add(interiorBytes(), byte(0), byte(0), true)
	f.Add([]byte{10, 0, 0, 0, 0, 0, 0, 0}, byte(7), byte(255), false)
	f.Add([]byte{2, 0, 0, 0, 1, 0, 0, 0}, byte(3), byte(1), false)
	f.Fuzz(func(t *testing.T, b []byte, size, reserved byte, second bool) {
		pageSize := PageSizeMin << (size % 8)
		if pageSize == PageSizeMin {
			reserved %= 33
		}
		g := testGeometry(pageSize, int(reserved), 9)
		p := make([]byte, pageSize)
		copy(p, b)
		n := uint32(1)
		if second {
			n = 2
		}
		var d Node
		if !only(t, d.Parse(g, n, p)) {
			return
		}
		healthy := only(t, d.Validate(new(Coverage)))
		used := 0
		for i := range d.Cells {
			var c Cell
			if err := d.Cell(i, &c); !only(t, err) {
				if healthy {
					t.Fatalf("Validate passed cell %d: %v", i, err)
				}
				continue
			}
			if c.Offset+c.Size > g.Usable || c.Start < c.Offset || len(d.Payload(&c)) != c.Local || c.Local > c.Total {
				t.Fatalf("cell %d of %d usable bytes: %+v", i, g.Usable, c)
			}
			used += c.Size
			if r, err := ParseRecord(d.Payload(&c), c.Total); err == nil {
				only(t, r.Validate())
			}
			if !d.Kind.Leaf() && d.Child(i) != c.Left {
				t.Fatalf("cell %d: child %d, want %d", i, d.Child(i), c.Left)
			}
		}
		if healthy && used+d.Content+d.Fragments > g.Usable {
			t.Fatalf("Validate passed %d bytes of cells in %d", used, g.Usable-d.Content)
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte{5, 0, 1, 17, 14, 42, 'h', 'i', 0xee}, 9)
	f.Add([]byte{0x86, 0x80, 0x04, 0}, 1<<30)
	f.Fuzz(func(t *testing.T, b []byte, total int) {
		RecordHead(b)
		r, err := ParseRecord(b, max(total, 0))
		if !only(t, err) {
			return
		}
		end := 0
		for {
			serial, at, size, more, err := r.Next()
			only(t, err)
			if !more {
				break
			}
			if size != int(SerialSize(serial)) || at < end || at+size > total {
				t.Fatalf("serial type %d: %d bytes at %d of %d", serial, size, at, total)
			}
			if end = at + size; end <= len(b) && serial < SerialBlob {
				Int(serial, b[at:end])
			}
		}
	})
}

func FuzzVarint(f *testing.F) {
	f.Add([]byte{0x81, 0x80, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, n := Varint(b)
		if n > len(b) || n > VarintMax {
			t.Fatalf("got length %d of %d", n, len(b))
		}
		if n == 0 {
			return
		}
		short := AppendVarint(nil, v)
		if got, m := Varint(short); got != v || m != len(short) || m > n {
			t.Fatalf("%x: got %d back in %d bytes, want %d in at most %d", b[:n], got, m, v, n)
		}
	})
}

// FuzzChains reads a page as overflow page, trunk and pointer map.
func FuzzChains(f *testing.F) {
	f.Add([]byte{0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 5}, 0)
	f.Add([]byte{5, 0, 0, 0, 3}, 0)
	f.Fuzz(func(t *testing.T, b []byte, offset int) {
		g := testGeometry(512, 7, 9)
		p := make([]byte, 512)
		copy(p, b)
		if next, content, err := ParseOverflow(g, 2, p); only(t, err) && (next > g.Count || len(content) != g.Usable-4) {
			t.Fatalf("next %d, %d bytes", next, len(content))
		}
		if trunk, err := ParseTrunk(g, 2, p); only(t, err) {
			for i := range trunk.Leaves {
				trunk.Leaf(i)
			}
		}
		_, err := ParseBackLink(g, 2, p, offset)
		only(t, err)
	})
}

func FuzzWAL(f *testing.F) {
	for _, bigEndian := range []bool{false, true} {
		b := walBytes(bigEndian, 4)
		f.Add(b, int64(len(b)), uint32(0))
		f.Add(b[:len(b)-1], int64(len(b)), uint32(2))
	}
	f.Fuzz(func(t *testing.T, b []byte, size int64, frameMax uint32) {
		w, err := ReadWAL(bytes.NewReader(b), size, frameMax)
		if !only(t, err) || w.Pages == 0 {
			return
		}
		if int(w.Frames) > len(b)/FrameHeaderBytes {
			t.Fatalf("%d frames in %d bytes", w.Frames, len(b))
		}
		o, err := OpenOverlay(bytes.NewReader(nil), 0, w)
		if !only(t, err) {
			return
		}
		p := make([]byte, o.Geometry.PageSize)
		for n := uint32(0); n < 5; n++ {
			only(t, o.ReadPage(n, p))
		}
	})
}

func FuzzWALIndex(f *testing.F) {
	f.Add(walIndexBytes(binary.LittleEndian))
	f.Add(walIndexBytes(binary.BigEndian))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := ParseWALIndex(b)
		only(t, err)
	})
}

func FuzzJournal(f *testing.F) {
	f.Add(journalBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseJournalHeader(b)
		if !only(t, err) {
			return
		}
		_, content, err := h.ParseRecord(b)
		if only(t, err) && len(content) != h.PageSize {
			t.Fatalf("%d bytes of %d", len(content), h.PageSize)
		}
	})
}

func FuzzEncoding(f *testing.F) {
	f.Add([]byte{0x3d, 0xd8, 0x00, 0xde}, uint32(2))
	f.Fuzz(func(t *testing.T, b []byte, e uint32) {
		if got := Encoding(e).AppendUTF8(nil, b); len(got) > 2*len(b) {
			t.Fatalf("%d bytes became %d", len(b), len(got))
		}
	})
}
