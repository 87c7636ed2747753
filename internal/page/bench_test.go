package page

import (
	"bytes"
	"testing"
)

// fullLeaf is a table leaf of 4096 bytes filled with rows of about 40 bytes.
func fullLeaf() []byte {
	b := make([]byte, 4096)
	b[0] = byte(TableLeaf)
	end, n := 4096, 0
	for ; end-42 > 8+2*(n+1); n++ {
		end -= 40
		put16(b, 8+2*n, end)
		copy(b[end:], []byte{38, byte(n) & 0x7f, 3, 4, 77})
	}
	put16(b, 3, n)
	put16(b, 5, end)
	return b
}

func BenchmarkNode(b *testing.B) {
	g, p, coverage := testGeometry(4096, 0, 9), fullLeaf(), new(Coverage)
	b.SetBytes(4096)
	b.ReportAllocs()
	var d Node
	for b.Loop() {
		if err := d.Parse(g, 5, p); err != nil {
			b.Fatal(err)
		}
		if err := d.Validate(coverage); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	p := append([]byte{9, 1, 2, 4, 0x81, 0x0d, 0, 9, 8}, make([]byte, 1+2+4+64)...)
	b.ReportAllocs()
	for b.Loop() {
		r, err := ParseRecord(p, len(p))
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWALFrame(b *testing.B) {
	log := walBytes(false, 1)
	h, err := ParseWALHeader(log)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(512)
	b.ReportAllocs()
	for b.Loop() {
		sum := h.Sum
		if _, err := h.ParseFrame(log[WALHeaderBytes:], &sum); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOverlayRead(b *testing.B) {
	log := walBytes(false, 4)
	w, err := ReadWAL(bytes.NewReader(log), int64(len(log)), 0)
	if err != nil {
		b.Fatal(err)
	}
	o, err := OpenOverlay(bytes.NewReader(append(headerBytes(), make([]byte, 1024)...)), 2048, w)
	if err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 512)
	b.ReportAllocs()
	for b.Loop() {
		if err := o.ReadPage(2, p); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParsers_allocateNothing(t *testing.T) {
	g, p, coverage, d := testGeometry(4096, 0, 9), fullLeaf(), new(Coverage), new(Node)
	record := []byte{3, 1, 1, 4, 5}
	for name, run := range map[string]func(){
		"node": func() { _, _ = d.Parse(g, 5, p), d.Validate(coverage) },
		"record": func() {
			r, _ := ParseRecord(record, len(record))
			_ = r.Validate()
		},
		"varint": func() { Varint(record) },
	} {
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: got %v allocations, want none", name, n)
		}
	}
}
