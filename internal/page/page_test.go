package page

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"testing"
)

func unquote(t *testing.T, s string) string {
	t.Helper()
	u, err := strconv.Unquote(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// openFile opens a healthy header with so many bytes of the second page behind it.
func openFile(t *testing.T, more []byte) *File {
	t.Helper()
	b := append(append(headerBytes(), make([]byte, 412)...), more...)
	f, err := OpenFile(bytes.NewReader(b), twoPages)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func readFrom(t *testing.T, n uint32, size int) error {
	return openFile(t, make([]byte, 512)).ReadPage(n, make([]byte, size))
}

func TestVarint_readsWhatAppendVarintWrites(t *testing.T) {
	values := []uint64{0, 1, 127, 128, 16383, 16384, 1<<56 - 1, 1 << 56, math.MaxInt64, math.MaxUint64}
	for shift := range 64 {
		values = append(values, 1<<shift, 1<<shift-1)
	}
	for _, v := range values {
		b := AppendVarint(nil, v)
		for short := range len(b) {
			if _, n := Varint(b[:short]); n != 0 {
				t.Errorf("%d cut to %d of %d bytes: got length %d, want 0", v, short, len(b), n)
			}
		}
		if got, n := Varint(append(b, 0xff)); got != v || n != len(b) {
			t.Errorf("%x: got %d in %d bytes, want %d in %d", b, got, n, v, len(b))
		}
		if len(b) > VarintMax {
			t.Errorf("%d: %d bytes", v, len(b))
		}
	}
}

func TestVarint_eachSentence(t *testing.T) {
	for _, c := range []struct {
		sentence string
		b        []byte
		want     int64
		length   int
	}{
		{"a varint is at least 1 byte in length", []byte{5}, 5, 1},
		{"zero or more bytes with the high-order bit set followed by one with it clear", []byte{0x81, 0x80, 0x01}, 1<<14 + 1, 3},
		{"or nine bytes, whichever is shorter", bytes.Repeat([]byte{0xff}, 10), -1, 9},
		{"the lower seven bits of each of the first eight bytes and all 8 bits of the ninth", append(bytes.Repeat([]byte{0x80}, 8), 0x81), 0x81, 9},
		{"varints are big-endian", []byte{0x82, 0x01}, 257, 2},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			if v, n := Varint(c.b); int64(v) != c.want || n != c.length {
				t.Errorf("got %d in %d bytes, want %d in %d", int64(v), n, c.want, c.length)
			}
		})
	}
}

func TestHeader_eachField(t *testing.T) {
	b := headerBytes()
	for at, v := range map[int]int{24: 11, 28: 2, 32: 2, 36: 1, 40: 12, 48: -2000, 52: 2, 60: 13, 64: 1, 68: 14, 92: 11, 96: 3054001} {
		put32(b, at, v)
	}
	b[18], b[19], b[20] = 2, 2, 8
	h, err := ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	want := Header{PageSize: 512, Reserved: 8, WriteVersion: 2, ReadVersion: 2, ChangeCounter: 11, PageCount: 2, FreelistFirst: 2, FreelistPages: 1,
		SchemaCookie: 12, SchemaFormat: 4, CacheSize: -2000, LargestRoot: 2, Encoding: UTF8, UserVersion: 13, Incremental: 1, ApplicationID: 14,
		ValidFor: 11, Library: 3054001}
	if h != want {
		t.Errorf("got %+v, want %+v", h, want)
	}
	if err := h.Validate(twoPages); err != nil {
		t.Error(err)
	}
	if !h.WAL() {
		t.Error("read version 2: got no WAL")
	}
}

func TestHeader_pageSizes(t *testing.T) {
	for _, c := range []struct{ field, size int }{{512, 512}, {1024, 1024}, {2048, 2048}, {4096, 4096}, {8192, 8192}, {16384, 16384}, {32768, 32768}, {1, 65536}} {
		b := headerBytes()
		put16(b, 16, c.field)
		h, err := ParseHeader(b)
		if err != nil || h.PageSize != c.size {
			t.Errorf("%d: got %d, %v, want %d", c.field, h.PageSize, err, c.size)
		}
	}
}

func TestHeader_pages(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(b []byte)
		fileBytes int64
		want      uint32
	}{
		{"the in-header size stands", func([]byte) {}, 4 * 512, 2},
		{"it is only valid if it is not zero", set(31, 0), 4 * 512, 4},
		{"it is only valid if the change counter matches the version-valid-for number", set(95, 8), 4 * 512, 4},
		{"a page that is cut short counts", set(31, 0), 4*512 + 1, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := headerBytes()
			c.change(b)
			h, err := ParseHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := h.Pages(c.fileBytes); got != c.want || err != nil {
				t.Errorf("got %d, %v, want %d", got, err, c.want)
			}
		})
	}
}

func TestGeometry_payloadOnPage(t *testing.T) {
	g := testGeometry(4096, 0, 9)
	for _, c := range []struct {
		kind       Kind
		total, get int
	}{
		{TableLeaf, 4061, 4061}, // X = U-35
		{TableLeaf, 4062, 489},  // M = ((U-12)*32/255)-23, K > X
		{TableLeaf, 489 + 4092 + 3000, 489 + 3000},
		{IndexLeaf, 1002, 1002}, // X = ((U-12)*64/255)-23
		{IndexLeaf, 1003, 489},  // K would be 1003
		{IndexLeaf, 489 + 4092 + 500, 989},
		{IndexInterior, 489 + 4092, 489},
	} {
		if got := g.Local(c.kind, c.total); got != c.get {
			t.Errorf("kind %d, payload %d: got %d bytes on the page, want %d", c.kind, c.total, got, c.get)
		}
	}
	for _, size := range []int{512, 1024, 65536} {
		g := testGeometry(size, 32, 9)
		for total := range 3 * size {
			local := g.Local(IndexLeaf, total)
			if rest := total - local; rest > 0 && (local < g.least || local > g.indexMax) {
				t.Fatalf("page size %d, payload %d: %d bytes on the page", size, total, local)
			}
		}
	}
}

func TestGeometry_pointerMaps(t *testing.T) {
	g := testGeometry(1024, 0, 1<<21)
	each := uint32(1024/5) + 1 // a map and what it maps
	if m, at := g.MapFor(3); m != 2 || at != 0 {
		t.Errorf("page 3: got map %d at %d, want the first entry of page 2", m, at)
	}
	if m, at := g.MapFor(2 + each - 1); m != 2 || at != 5*203 {
		t.Errorf("last page of the first map: got map %d at %d", m, at)
	}
	if m, _ := g.MapFor(2 + each); m != 0 || !g.IsMap(2+each) {
		t.Errorf("page %d: got map %d, want a map itself", 2+each, m)
	}
	if g.IsMap(1) || !g.IsMap(2) || g.IsMap(3) {
		t.Error("want page 2 and neither 1 nor 3 to be a map")
	}
	g.Maps = false
	if g.IsMap(2) {
		t.Error("without a largest root page there are no pointer maps")
	}
}

func TestGeometry_mapOnTheLockByte(t *testing.T) {
	for size := PageSizeMin; size <= PageSizeMax; size *= 2 {
		for reserved := range 33 {
			g := testGeometry(size, reserved, 1<<32-2)
			lock := g.LockPage()
			if want := uint32(1<<30/size) + 1; lock != want {
				t.Fatalf("page size %d: got lock-byte page %d, want %d", size, lock, want)
			}
			if g.IsMap(lock) {
				t.Fatalf("page size %d, %d reserved: the lock-byte page is a pointer map", size, reserved)
			}
			for n := lock - 3; n < lock+3; n++ {
				if m, at := g.MapFor(n); m != 0 && (!g.IsMap(m) || at < 0 || at+5 > g.Usable) {
					t.Fatalf("page size %d, %d reserved, page %d: got map %d at %d", size, reserved, n, m, at)
				}
			}
		}
	}
}

func TestNode_readsItsCells(t *testing.T) {
	g := testGeometry(512, 0, 9)
	var d Node
	if err := d.Parse(g, 5, leafBytes()); err != nil {
		t.Fatal(err)
	}
	if err := d.Validate(new(Coverage)); err != nil {
		t.Fatal(err)
	}
	var c Cell
	if err := d.Cell(0, &c); err != nil {
		t.Fatal(err)
	}
	if want := (Cell{Offset: 500, Size: 10, Rowid: 1, Total: 8, Start: 502, Local: 8}); c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
	if got := d.Payload(&c); !bytes.Equal(got, []byte{3, 1, 1, 42, 0, 0, 0, 0}) {
		t.Errorf("got payload %x", got)
	}
	if err := d.Parse(g, 5, interiorBytes()); err != nil {
		t.Fatal(err)
	}
	if err := d.Cell(0, &c); err != nil || c.Left != 2 || c.Rowid != 9 || d.Child(0) != 2 || d.Child(1) != 3 {
		t.Errorf("got %+v, %v, children %d and %d, want key 9 between 2 and 3", c, err, d.Child(0), d.Child(1))
	}
}

func TestNode_onPageOneStandsBehindTheHeader(t *testing.T) {
	b := make([]byte, 512)
	copy(b, headerBytes())
	b[100] = byte(TableInterior) // the one interior page that may have no key at all
	put16(b, 105, 512)
	put32(b, 108, 2)
	var d Node
	if err := d.Parse(testGeometry(512, 0, 9), 1, b); err != nil {
		t.Fatal(err)
	}
	if err := d.Validate(new(Coverage)); err != nil {
		t.Error(err)
	}
	if d.Child(0) != 2 {
		t.Errorf("got right-most child %d, want 2", d.Child(0))
	}
}

func TestNode_contentOffsetZeroIs65536(t *testing.T) {
	b := make([]byte, 65536)
	b[0] = byte(IndexLeaf)
	var d Node
	if err := d.Parse(testGeometry(65536, 0, 9), 2, b); err != nil || d.Content != 65536 {
		t.Errorf("got %d, %v, want 65536", d.Content, err)
	}
}

func TestCoverage_takesEveryByteOnce(t *testing.T) {
	g := testGeometry(1024, 0, 1)
	var c Coverage
	for _, s := range []struct {
		at, size int
		free     bool
	}{{100, 1, true}, {100, 1, false}, {101, 62, true}, {163, 200, true}, {90, 10, true}, {90, 200, false}, {363, 661, true}, {1023, 1, false}, {0, 90, true}, {64, 64, false}} {
		if got := c.Take(s.at, s.size); got != s.free {
			t.Errorf("%d bytes at %d: got free %v, want %v", s.size, s.at, got, s.free)
		}
	}
	c.Reset(g)
	if !c.Take(0, 1024) {
		t.Error("after Reset: got taken bytes, want none")
	}
}

func TestRecord_eachSerialType(t *testing.T) {
	for _, c := range []struct {
		serial uint64
		b      []byte
		want   int64
	}{
		{1, []byte{0xff}, -1},
		{2, []byte{0x80, 0}, -32768},
		{3, []byte{0xff, 0xff, 0xfe}, -2},
		{3, []byte{0x7f, 0xff, 0xff}, 1<<23 - 1},
		{4, []byte{0x80, 0, 0, 0}, -1 << 31},
		{5, []byte{0x80, 0, 0, 0, 0, 1}, -1<<47 + 1},
		{6, []byte{0x80, 0, 0, 0, 0, 0, 0, 0}, math.MinInt64},
		{8, nil, 0},
		{9, nil, 1},
	} {
		if got := Int(c.serial, c.b); got != c.want {
			t.Errorf("serial type %d, %x: got %d, want %d", c.serial, c.b, got, c.want)
		}
		if SerialSize(c.serial) != uint64(len(c.b)) {
			t.Errorf("serial type %d: got %d bytes, want %d", c.serial, SerialSize(c.serial), len(c.b))
		}
	}
	if got := Float([]byte{0x3f, 0xf8, 0, 0, 0, 0, 0, 0}); got != 1.5 {
		t.Errorf("got %v, want 1.5", got)
	}
	for serial, size := range map[uint64]uint64{0: 0, 7: 8, 12: 0, 13: 0, 14: 1, 15: 1, 16: 2, math.MaxUint64: 1<<63 - 7} {
		if got := SerialSize(serial); got != size {
			t.Errorf("serial type %d: got %d bytes, want %d", serial, got, size)
		}
	}
}

func TestRecord_givesItsValues(t *testing.T) {
	b := []byte{5, 0, 1, 17, 14, 42, 'h', 'i', 0xee}
	r, err := ParseRecord(b, len(b))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		serial, at, size, more, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		got = append(got, strconv.FormatUint(serial, 10)+":"+string(b[at:at+size]))
	}
	if want := "0: 1:* 17:hi 14:\xee"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if RecordHead(b) != 5 || RecordHead(nil) != 0 {
		t.Errorf("got header of %d bytes, want 5", RecordHead(b))
	}
}

func TestEncoding_convertsLikeSQLite(t *testing.T) {
	for _, c := range []struct {
		name string
		e    Encoding
		b    []byte
		want string
	}{
		{"UTF-8 is taken as it is", UTF8, []byte("a\xff"), "a\xff"},
		{"le", UTF16LE, []byte{'a', 0, 0xac, 0x20}, "a€"},
		{"be", UTF16BE, []byte{0, 'a', 0x20, 0xac}, "a€"},
		{"pair", UTF16LE, []byte{0x3d, 0xd8, 0x00, 0xde}, "😀"},
		{"odd byte is dropped", UTF16LE, []byte{'a', 0, 'b'}, "a"},
		{"half a pair at the end", UTF16BE, []byte{0xd8, 0x3d}, "\xed\xa0\xbd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.e.AppendUTF8(nil, c.b)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	for _, e := range []Encoding{UTF8, UTF16LE, UTF16BE} {
		if got := string(e.AppendUTF8(nil, e.AppendFrom(nil, "größe 😀€"))); got != "größe 😀€" {
			t.Errorf("%v there and back: got %q", e, got)
		}
	}
}

// walBytes is a log over pages of 512 bytes: page 2, page 3 with a commit, page 2 again
// with a commit, page 1 without one.
func walBytes(bigEndian bool, frames int) []byte {
	b := append([]byte(nil), make([]byte, WALHeaderBytes)...)
	put32(b, 0, walMagic)
	if bigEndian {
		b[3] |= 1
	}
	put32(b, 4, walVersion)
	put32(b, 8, 512)
	put32(b, 12, 3)
	copy(b[16:], "saltSALT")
	sum := sumHeader(b)
	pages, commits := []int{2, 3, 2, 1}, []int{0, 3, 4, 0}
	for i := range max(frames, 1) {
		f := make([]byte, FrameHeaderBytes+512)
		put32(f, 0, pages[i])
		put32(f, 4, commits[i])
		copy(f[8:], "saltSALT")
		for j := range 512 {
			f[FrameHeaderBytes+j] = byte(i + j)
		}
		sum.Add(bigEndian, f[:8])
		sum.Add(bigEndian, f[FrameHeaderBytes:])
		put32(f, 16, int(sum.S1))
		put32(f, 20, int(sum.S2))
		b = append(b, f...)
	}
	return b
}

func sumHeader(b []byte) (sum Sum) {
	sum.Add(b[3]&1 != 0, b[:24])
	put32(b, 24, int(sum.S1))
	put32(b, 28, int(sum.S2))
	return sum
}

func TestReadWAL_holdsTheLastCommit(t *testing.T) {
	for _, c := range []struct {
		name      string
		bigEndian bool
		frameMax  uint32
		change    func(b []byte)
		frames    uint32
		pages     uint32
		two       uint32
	}{
		{"little-endian", false, 0, func([]byte) {}, 3, 4, 3},
		{"big-endian", true, 0, func([]byte) {}, 3, 4, 3},
		{"frames without a commit do not count", false, 0, func(b []byte) { b[WALHeaderBytes+2*536+24]++ }, 2, 3, 1},
		{"up to a frame", false, 2, func([]byte) {}, 2, 3, 1},
		{"a frame of another generation ends it", false, 0, func(b []byte) { b[WALHeaderBytes+536+8]++ }, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := walBytes(c.bigEndian, 4)
			c.change(b)
			w, err := ReadWAL(bytes.NewReader(b), int64(len(b)), c.frameMax)
			if err != nil {
				t.Fatal(err)
			}
			if w.Frames != c.frames || w.Pages != c.pages || w.Frame(2) != c.two || w.Frame(1) != 0 || w.Frame(9) != 0 {
				t.Errorf("got %d frames, %d pages, page 2 in %d, page 1 in %d; want %d, %d, %d, 0",
					w.Frames, w.Pages, w.Frame(2), w.Frame(1), c.frames, c.pages, c.two)
			}
		})
	}
}

func TestReadWAL_whenItIsCutShort(t *testing.T) {
	b := walBytes(false, 4)
	for n := range len(b) {
		w, err := ReadWAL(bytes.NewReader(b[:n]), int64(len(b)), 0) // the size is from before the cut
		switch {
		case n < WALHeaderBytes:
			if err == nil {
				t.Errorf("%d bytes: got no error", n)
			}
		case err != nil:
			t.Errorf("%d bytes: %v", n, err)
		case n < WALHeaderBytes+2*536 && w.Pages != 0:
			t.Errorf("%d bytes: got a commit", n)
		}
	}
}

func TestOverlay_readsLogOverFile(t *testing.T) {
	file := append(append(headerBytes(), make([]byte, 412)...), bytes.Repeat([]byte{0xaa}, 512)...)
	clear(file[28:32]) // the size in the header is that of the writer of page 1
	log := walBytes(false, 4)
	w, err := ReadWAL(bytes.NewReader(log), int64(len(log)), 0)
	if err != nil {
		t.Fatal(err)
	}
	o, err := OpenOverlay(bytes.NewReader(file), int64(len(file)), w)
	if err != nil {
		t.Fatal(err)
	}
	if o.Geometry.Count != 4 {
		t.Errorf("got %d pages, want 4", o.Geometry.Count)
	}
	p := make([]byte, 512)
	if err := o.ReadPage(2, p); err != nil || p[0] != 2 || p[1] != 3 {
		t.Errorf("page 2: got %x, %v, want frame 3", p[:2], err)
	}
	if err := o.ReadPage(1, p); err != nil || !bytes.Equal(p, file[:512]) {
		t.Errorf("page 1: got %x, %v, want that of the file", p[:2], err)
	}
	if err := o.ReadPage(4, p); err == nil {
		t.Error("page 4 is in neither: got no error")
	}
	run := make([]byte, 3*512)
	if err := o.ReadRun(1, run); err != nil || !bytes.Equal(run[:512], file[:512]) || run[512] != 2 || run[1024] != 1 {
		t.Errorf("pages 1 to 3: got %x %x %x, %v, want file, frame 3, frame 2", run[0], run[512], run[1024], err)
	}
	if err := o.ReadRun(3, run); err == nil {
		t.Error("pages 3 to 5 of 4: got no error")
	}
}

func TestFile_readsRuns(t *testing.T) {
	f := openFile(t, bytes.Repeat([]byte{7}, 512))
	run := make([]byte, 1024)
	if err := f.ReadRun(1, run); err != nil || run[0] != 'S' || run[512] != 7 {
		t.Errorf("got %x %x, %v", run[0], run[512], err)
	}
	for _, size := range []int{0, 511, 513} {
		if err := f.ReadRun(1, run[:size]); err == nil {
			t.Errorf("into %d bytes: got no error", size)
		}
	}
}

func walIndexBytes(order binary.ByteOrder) []byte {
	b := make([]byte, WALIndexBytes)
	order.PutUint32(b, walVersion)
	order.PutUint32(b[8:], 5)
	b[12] = 1
	order.PutUint16(b[14:], 4096)
	order.PutUint32(b[16:], 9)
	order.PutUint32(b[20:], 77)
	copy(b[32:], "saltSALT")
	copyIndex(b, order)
	order.PutUint32(b[96:], 8)
	order.PutUint32(b[128:], 9)
	for i := range 5 {
		order.PutUint32(b[100+4*i:], ReadMarkUnused)
	}
	return b
}

func copyIndex(b []byte, order binary.ByteOrder) {
	var sum Sum
	sum.Add(order == binary.ByteOrder(binary.BigEndian), b[:40])
	order.PutUint32(b[40:], sum.S1)
	order.PutUint32(b[44:], sum.S2)
	copy(b[48:96], b)
}

func TestWALIndex_ofEitherMachine(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		w, err := ParseWALIndex(walIndexBytes(order))
		if err != nil {
			t.Fatalf("%v: %v", order, err)
		}
		if w.Frames != 9 || w.Backfilled != 8 || w.BackfillAttempted != 9 || w.Pages != 77 || w.PageSize != 4096 || w.ReadMarks[4] != ReadMarkUnused || w.Change != 5 {
			t.Errorf("%v: got %+v", order, w)
		}
	}
}

func journalBytes() []byte {
	b := make([]byte, 512+520)
	copy(b, journalMagic)
	put32(b, 8, 1)
	put32(b, 12, 1000)
	put32(b, 16, 2)
	put32(b, 20, 512)
	put32(b, 24, 512)
	put32(b, 512, 2)
	b[516+112], b[516+312] = 3, 4
	put32(b, 512+516, 1007)
	return b
}

func TestJournal_readsHeaderAndRecord(t *testing.T) {
	b := journalBytes()
	h, err := ParseJournalHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := (JournalHeader{Records: 1, Nonce: 1000, Pages: 2, SectorSize: 512, PageSize: 512}); h != want {
		t.Errorf("got %+v, want %+v", h, want)
	}
	n, content, err := h.ParseRecord(b[h.SectorSize:])
	if err != nil || n != 2 || len(content) != 512 || content[112] != 3 {
		t.Errorf("got page %d, %d bytes, %v", n, len(content), err)
	}
	put32(b, 8, -1)
	if h, err := ParseJournalHeader(b); err != nil || h.Records != JournalAll {
		t.Errorf("count -1: got %d, %v, want all there is room for", h.Records, err)
	}
}

func TestError_saysPlaceAndSentence(t *testing.T) {
	err := broken(NodeKind, 5, 0, 7)
	want := "page 5: byte 0 holds 7, but: a b-tree page is of type 2, 5, 10 or 13; any other value is an error"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
