package page

import (
	"encoding/binary"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
)

// breach breaks one sentence and gives what the parser says about it.
type breach struct {
	rule Rule
	make func(t *testing.T) error
}

func put16(b []byte, at, v int) { binary.BigEndian.PutUint16(b[at:], uint16(v)) }
func put32(b []byte, at, v int) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }

// headerBytes is a healthy header of a file of two pages of 512 bytes.
func headerBytes() []byte {
	b := make([]byte, HeaderBytes)
	copy(b, magic)
	put16(b, 16, 512)
	b[18], b[19], b[21], b[22], b[23] = 1, 1, 64, 32, 32
	put32(b, 24, 7)
	put32(b, 28, 2)
	put32(b, 44, 4)
	put32(b, 56, 1)
	put32(b, 92, 7)
	return b
}

const twoPages = 2 * 512

// header applies a change to a healthy header and reads it.
func header(change func(b []byte)) func(*testing.T) error {
	return func(*testing.T) error {
		b := headerBytes()
		change(b)
		h, err := ParseHeader(b)
		if err != nil {
			return err
		}
		return h.Validate(twoPages)
	}
}

func set(at int, v ...byte) func([]byte) { return func(b []byte) { copy(b[at:], v) } }

func testGeometry(pageSize, reserved int, count uint32) *Geometry {
	g := NewGeometry(Header{PageSize: pageSize, Reserved: reserved, Encoding: UTF8, LargestRoot: 1}, count)
	return &g
}

// leafBytes is a healthy table leaf of 512 bytes with two rows, a freeblock between
// them and two fragment bytes after the last.
func leafBytes() []byte {
	b := make([]byte, 512)
	b[0], b[7] = byte(TableLeaf), 2
	put16(b, 1, 484)
	put16(b, 3, 2)
	put16(b, 5, 470)
	put16(b, 8, 500) // rowid 1
	put16(b, 10, 470)
	copy(b[500:], []byte{8, 1, 3, 1, 1, 42, 0, 0, 0, 0}) // 10 bytes, two more are fragments
	put16(b, 484, 0)
	put16(b, 486, 16)
	copy(b[470:], []byte{12, 2, 2, 0x23}) // 14 bytes
	return b
}

// interiorBytes is a healthy interior table page with one key.
func interiorBytes() []byte {
	b := make([]byte, 512)
	b[0] = byte(TableInterior)
	put16(b, 3, 1)
	put16(b, 5, 507)
	put32(b, 8, 3)
	put16(b, 12, 507)
	copy(b[507:], []byte{0, 0, 0, 2, 9})
	return b
}

func node(base func() []byte, change func(b []byte)) func(*testing.T) error {
	return func(*testing.T) error {
		b := base()
		change(b)
		var d Node
		if err := d.Parse(testGeometry(512, 0, 9), 5, b); err != nil {
			return err
		}
		return d.Validate(new(Coverage))
	}
}

func record(b ...byte) func(*testing.T) error {
	return func(*testing.T) error {
		r, err := ParseRecord(b, len(b))
		if err != nil {
			return err
		}
		return r.Validate()
	}
}

func breaches() []breach {
	return append(append(headerBreaches(), pageBreaches()...), logBreaches()...)
}

func headerBreaches() []breach {
	return []breach{
		{HeaderSize, func(*testing.T) error { _, err := ParseHeader(headerBytes()[:99]); return err }},
		{HeaderMagic, header(set(15, 1))},
		{HeaderPageSize, header(set(16, 0x10, 1))},
		{HeaderPageSize, header(set(16, 1, 0))},
		{HeaderPageSize, header(set(16, 0, 0))},
		{HeaderWrite, header(set(18, 0))},
		{HeaderWrite, header(set(18, 3))},
		{HeaderRead, header(set(19, 3))},
		{HeaderUsable, header(set(20, 33))},
		{HeaderMaxFraction, header(set(21, 63))},
		{HeaderMinFraction, header(set(22, 31))},
		{HeaderLeafPart, header(set(23, 33))},
		{HeaderCount, header(set(31, 3))},
		{HeaderFreelist, header(set(39, 1))},
		{HeaderFreelist, header(set(35, 2))},
		{HeaderFreelist, header(func(b []byte) { put32(b, 32, 3); put32(b, 36, 1) })},
		{HeaderFormat, header(set(47, 5))},
		{HeaderRoot, header(set(55, 3))},
		{HeaderIncremental, header(set(67, 1))},
		{HeaderEncoding, header(set(59, 4))},
		{HeaderExpansion, header(set(72, 1))},
		{HeaderExpansion, header(set(91, 1))},
	}
}

func pageBreaches() []breach {
	g := testGeometry(512, 0, 9)
	overflowing := func(b []byte) { // a payload of 600 bytes, 92 of them on the page, none of which are there
		copy(b[500:], []byte{0x84, 0x58, 1})
	}
	return []breach{
		{PageRange, func(t *testing.T) error { return readFrom(t, 3, 512) }},
		{PageRange, func(t *testing.T) error { return readFrom(t, 0, 512) }},
		{PageBuffer, func(t *testing.T) error { return readFrom(t, 1, 511) }},
		{PageBuffer, func(*testing.T) error { var d Node; return d.Parse(g, 2, make([]byte, 511)) }},
		{PageBuffer, func(*testing.T) error { _, err := ParseTrunk(g, 2, make([]byte, 511)); return err }},
		{PageBuffer, func(*testing.T) error { _, _, err := ParseOverflow(g, 2, make([]byte, 511)); return err }},
		{PageBuffer, func(*testing.T) error { _, err := ParseBackLink(g, 2, make([]byte, 512), 508); return err }},
		{PageMissing, func(t *testing.T) error {
			f := openFile(t, make([]byte, 100))
			return f.ReadPage(2, make([]byte, 512))
		}},
		{NodeKind, node(leafBytes, set(0, 0))},
		{NodeKind, node(leafBytes, set(0, 3))},
		{NodeCells, node(leafBytes, set(3, 0, 85))},
		{NodeNoCells, node(interiorBytes, func(b []byte) { put16(b, 3, 0); put16(b, 5, 512) })},
		{NodeContent, node(leafBytes, set(5, 2, 1))},
		{NodeContent, node(leafBytes, set(5, 0, 11))},
		{NodeContent, node(leafBytes, set(5, 0, 0))},
		{NodeEmpty, node(leafBytes, set(3, 0, 0))},
		{NodeFirstFree, node(leafBytes, set(1, 0, 100))},
		{NodeFreeOrder, node(leafBytes, func(b []byte) { put16(b, 484, 485) })},
		{NodeFreeOrder, node(leafBytes, func(b []byte) { put16(b, 484, 503) })},
		{NodeFreeSize, node(leafBytes, func(b []byte) { put16(b, 486, 3) })},
		{NodeFreeEnd, node(leafBytes, func(b []byte) { put16(b, 486, 29) })},
		{NodeFreeEnd, node(leafBytes, func(b []byte) { put16(b, 1, 509) })},
		{NodeFragments, node(leafBytes, set(7, 1))},
		{NodeFragments, node(leafBytes, set(7, 3))},
		{NodeOverlap, node(leafBytes, func(b []byte) { put16(b, 10, 499); b[499] = 2 })},
		{NodeOverlap, node(leafBytes, func(b []byte) { put16(b, 484, 0); put16(b, 486, 17) })},
		{CellOffset, node(leafBytes, set(8, 1, 0))},
		{CellOffset, node(leafBytes, set(8, 1, 253))},
		{CellEnd, node(leafBytes, set(500, 11))},
		{CellEnd, node(leafBytes, overflowing)},
		{CellEnd, node(leafBytes, func(b []byte) { put16(b, 8, 508); copy(b[508:], []byte{0x81, 0x80, 0x80, 0x80}) })},
		{CellEnd, node(leafBytes, func(b []byte) { put16(b, 8, 508); copy(b[508:], []byte{1, 0x80, 0x80, 0x80}) })},
		{CellEnd, node(interiorBytes, func(b []byte) { b[511] = 0x80 })},
		{CellEnd, node(interiorBytes, func(b []byte) { b[0] = byte(IndexInterior); put16(b, 5, 508); put16(b, 12, 508) })},
		{CellPayload, node(leafBytes, set(500, 0x88, 0x80, 0x80, 0x80, 0))},
		{ChildNumber, node(interiorBytes, set(510, 10))},
		{ChildNumber, node(interiorBytes, set(510, 0))},
		{ChildNumber, node(interiorBytes, set(11, 10))},
		{OverflowNumber, node(leafBytes, func(b []byte) {
			clear(b[8:])
			put16(b, 1, 0)
			put16(b, 3, 1)
			put16(b, 5, 400)
			put16(b, 8, 400)
			b[7] = 13
			copy(b[400:], []byte{0x84, 0x58, 1}) // 600 bytes, 92 of them here, then page 0
		})},
		{OverflowNumber, func(*testing.T) error {
			_, _, err := ParseOverflow(g, 2, append([]byte{0, 0, 0, 10}, make([]byte, 508)...))
			return err
		}},
		{TrunkLeaves, func(*testing.T) error {
			_, err := ParseTrunk(g, 2, append([]byte{0, 0, 0, 0, 0, 0, 0, 127}, make([]byte, 504)...))
			return err
		}},
		{TrunkNumber, func(*testing.T) error {
			_, err := ParseTrunk(g, 2, append([]byte{0, 0, 0, 10}, make([]byte, 508)...))
			return err
		}},
		{MapType, func(*testing.T) error { _, err := ParseBackLink(g, 2, make([]byte, 512), 0); return err }},
		{MapType, func(*testing.T) error {
			_, err := ParseBackLink(g, 2, append([]byte{6}, make([]byte, 511)...), 0)
			return err
		}},
		{MapParent, func(*testing.T) error {
			_, err := ParseBackLink(g, 2, append([]byte{1, 0, 0, 0, 1}, make([]byte, 511)...), 0)
			return err
		}},
		{RecordHeader, record()},
		{RecordHeader, record(0)},
		{RecordHeader, record(1)},
		{RecordHeader, record(3, 0)},
		{RecordHeader, func(*testing.T) error { // 98308 columns of NULL
			b := make([]byte, 98308)
			copy(b, []byte{0x86, 0x80, 0x04})
			_, err := ParseRecord(b, len(b))
			return err
		}},
		{RecordHeader, func(*testing.T) error { _, err := ParseRecord([]byte{3, 0}, 3); return err }},
		{RecordTypes, record(3, 0, 0x80)},
		{RecordReserved, record(2, 10)},
		{RecordReserved, record(2, 11)},
		{RecordBody, record(2, 1)},
		{RecordBody, record(2, 0, 9)},
		{RecordBody, record(2, 14)},
	}
}

func logBreaches() []breach {
	frame := func(change func(b []byte)) func(*testing.T) error {
		return func(*testing.T) error {
			b := walBytes(false, 0)
			change(b)
			h, err := ParseWALHeader(b)
			if err != nil {
				return err
			}
			sum := h.Sum
			_, err = h.ParseFrame(b[WALHeaderBytes:], &sum)
			return err
		}
	}
	resummed := func(at int, v byte) func(*testing.T) error {
		return frame(func(b []byte) { b[at] = v; sumHeader(b) })
	}
	index := func(change func(b []byte)) func(*testing.T) error {
		return func(*testing.T) error {
			b := walIndexBytes(binary.LittleEndian)
			change(b)
			_, err := ParseWALIndex(b)
			return err
		}
	}
	journal := func(at int, v byte) func(*testing.T) error {
		return func(*testing.T) error {
			b := journalBytes()
			b[at] = v
			h, err := ParseJournalHeader(b)
			if err != nil {
				return err
			}
			_, _, err = h.ParseRecord(b[512:])
			return err
		}
	}
	both := func(at int, v byte) func([]byte) {
		return func(b []byte) { b[at] = v; copyIndex(b, binary.LittleEndian) }
	}
	return []breach{
		{WALSize, func(*testing.T) error { _, err := ParseWALHeader(walBytes(false, 0)[:31]); return err }},
		{WALMagic, resummed(3, 0x80)},
		{WALVersion, resummed(7, 1)},
		{WALPageSize, resummed(10, 3)},
		{WALChecksum, frame(set(12, 9))},
		{FrameSize, func(*testing.T) error {
			b := walBytes(false, 1)
			h, _ := ParseWALHeader(b)
			sum := h.Sum
			_, err := h.ParseFrame(b[WALHeaderBytes:len(b)-1], &sum)
			return err
		}},
		{FrameSize, func(*testing.T) error { _, err := OpenOverlay(nil, 0, new(WAL)); return err }},
		{FrameSalt, frame(func(b []byte) { b[WALHeaderBytes+15]++ })},
		{FrameSum, frame(func(b []byte) { b[WALHeaderBytes+24]++ })},
		{FrameSum, frame(func(b []byte) { b[WALHeaderBytes+7]++ })},
		{FrameNumber, frame(func(b []byte) { b[WALHeaderBytes+3] = 0 })},
		{IndexSize, func(*testing.T) error {
			_, err := ParseWALIndex(walIndexBytes(binary.LittleEndian)[:135])
			return err
		}},
		{IndexCopies, index(func(b []byte) { b[8]++ })},
		{IndexVersion, index(both(0, 9))},
		{IndexInit, index(both(12, 0))},
		{IndexSum, index(func(b []byte) { b[40]++; copy(b[48:96], b) })},
		{IndexPage, index(both(15, 3))},
		{IndexFilled, index(func(b []byte) { b[96] = 10 })},
		{JournalSize, func(*testing.T) error { _, err := ParseJournalHeader(journalBytes()[:27]); return err }},
		{JournalMagic, journal(0, 0)},
		{JournalSector, journal(23, 1)},
		{JournalSector, journal(22, 0)},
		{JournalPageSize, journal(26, 1)},
		{JournalNumber, journal(515, 0)},
		{JournalChecksum, journal(512+4+312, 77)},
		{JournalRecord, func(*testing.T) error {
			h, _ := ParseJournalHeader(journalBytes())
			_, _, err := h.ParseRecord(make([]byte, 519))
			return err
		}},
	}
}

func TestRule_isNamedWhenItIsBroken(t *testing.T) {
	for _, b := range breaches() {
		t.Run(string(b.rule), func(t *testing.T) {
			err := b.make(t)
			if !errors.Is(err, &Error{Rule: b.rule}) {
				t.Errorf("got %v, want the sentence: %s", err, b.rule)
			}
		})
	}
}

// acrossPages are the rules in the last block of rules.go; the tests of internal/check
// break those.
func TestRule_hasATest(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "rules.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	tried := map[Rule]bool{}
	for _, b := range breaches() {
		tried[b.rule] = true
	}
	var blocks []*ast.GenDecl
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
			blocks = append(blocks, g)
		}
	}
	for _, g := range blocks[:len(blocks)-1] {
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			if text := v.Values[0].(*ast.BasicLit).Value; !tried[Rule(unquote(t, text))] {
				t.Errorf("%s: no case breaks it", v.Names[0].Name)
			}
		}
	}
}
