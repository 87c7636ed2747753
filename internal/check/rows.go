package check

import (
	"encoding/binary"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// looksNumeric tells whether SQLite would make a number of a text. In UTF-16 it looks at
// no text that holds more than ASCII.
func (w *worker) looksNumeric(b []byte) bool {
	if w.g.Encoding == page.UTF8 {
		return schema.LooksNumeric(b)
	}
	if len(b) < 2 {
		return false
	}
	hi, lo := 1, 0
	if w.g.Encoding == page.UTF16BE {
		hi, lo = 0, 1
	}
	w.text.a = w.text.a[:0]
	for ; len(b) >= 2; b = b[2:] {
		if b[hi] != 0 {
			return false
		}
		w.text.a = append(w.text.a, b[lo])
	}
	return schema.LooksNumeric(w.text.a)
}

// hashRow adds what a row should have in each index.
func (w *worker) hashRow(n uint32, rowid int64, f *fields, body []byte, l *long) {
	p := w.tree.plan
	for i, slot := range p.hashed {
		switch {
		case slot >= f.n:
			w.hashes[i] = p.missing[slot].hash
		case l == nil:
			w.hashes[i] = w.k.value(f.serial[slot], f.value(body, slot))
		default:
			w.hashes[i] = w.hashLong(f, slot, l)
		}
	}
	for i, entry := range p.indexes {
		h := hash{}
		for _, at := range entry {
			v := hash{uint64(rowid), w.k.whole}
			if at != entryRowid {
				v = w.hashes[at]
			}
			h = w.k.take(h, v.a, v.b)
		}
		w.tally.indexes[i].add(h)
		if w.trace != nil && w.trace.place == i {
			w.trace.row(h, rowid, n)
		}
	}
}

// longChunk is how much of a long value is read at once; a multiple of 16.
const longChunk = 64 << 10

// hashLong hashes a value of a record that is too long to be put together.
func (w *worker) hashLong(f *fields, i int, l *long) hash {
	serial, at, end := f.serial[i], f.at[i], f.at[i+1]
	if end-at <= longChunk {
		b := make([]byte, end-at)
		w.readLong(l, at, b)
		return w.k.value(serial, b)
	}
	h := hash{w.k.text, uint64(end - at)}
	if classOf(serial) == isBlob {
		h.a = w.k.blob
	}
	b := make([]byte, longChunk)
	for end-at > 16 {
		n := min(len(b), (end-at-1)/16*16)
		if !w.readLong(l, at, b[:n]) {
			return h
		}
		for q := b[:n]; len(q) > 0; q = q[16:] {
			h = w.k.take(h, binary.LittleEndian.Uint64(q), binary.LittleEndian.Uint64(q[8:]))
		}
		at += n
	}
	w.readLong(l, at, b[:end-at])
	return w.k.tail(h, b[:end-at])
}

// digestRow adds a row to the digest of its table.
func (w *worker) digestRow(rowid int64, f *fields, body []byte, l *long) {
	p := w.tree.plan
	h := NewRowDigest()
	for _, d := range p.digest {
		switch {
		case d.slot == digestRowid:
			h.Rowid(rowid)
		case d.slot == len(p.missing):
			h.Integer(rowid)
		case d.slot >= f.n:
			p.missing[d.slot].digest(&h, d.float)
		case l != nil:
			w.digestLong(&h, f, d, l)
		default:
			digestValue(&h, f.serial[d.slot], f.value(body, d.slot), d.float)
		}
	}
	hi, lo := h.Sum()
	w.tally.digest.add(hash{lo, hi})
}

func digestValue(h *RowDigest, serial uint64, b []byte, float bool) {
	switch classOf(serial) {
	case isNull:
		h.Null()
	case isText:
		h.Text(len(b))
		h.Bytes(b)
	case isBlob:
		h.Blob(len(b))
		h.Bytes(b)
	case isReal:
		if rank(serial, b) == rankNull {
			h.Null()
			return
		}
		h.Real(page.Float(b))
	case isInteger:
		if v := page.Int(serial, b); float {
			h.Real(float64(v))
		} else {
			h.Integer(v)
		}
	}
}

func (m *missingValue) digest(h *RowDigest, float bool) {
	switch {
	case m.class == isNull:
		h.Null()
	case m.class == isText:
		h.Text(len(m.text))
		h.Bytes(m.text)
	case m.class == isBlob:
		h.Blob(len(m.text))
		h.Bytes(m.text)
	case m.class == isReal:
		h.Real(m.value.Real)
	case float:
		h.Real(float64(m.value.Int))
	default:
		h.Integer(m.value.Int)
	}
}

// digestLong digests a value of a record that is too long to be put together.
func (w *worker) digestLong(h *RowDigest, f *fields, d digested, l *long) {
	serial, at, end := f.serial[d.slot], f.at[d.slot], f.at[d.slot+1]
	b := make([]byte, min(end-at, longChunk))
	if end-at <= longChunk {
		w.readLong(l, at, b)
		digestValue(h, serial, b, d.float)
		return
	}
	if classOf(serial) == isText {
		h.Text(end - at)
	} else {
		h.Blob(end - at)
	}
	for at < end && w.err == nil {
		b = b[:min(end-at, longChunk)]
		w.readLong(l, at, b)
		h.Bytes(b)
		at += len(b)
	}
}
