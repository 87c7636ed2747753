package salvage

import (
	"math"
	"math/bits"
	"slices"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// trial compares a table with one of its indexes: each row has one entry there, and each
// entry one row (https://sqlite.org/fileformat2.html#representation_of_sql_indices). The
// first pass over both keeps only sums, in buckets of neighbouring keys; a bucket that is
// not even holds a row or an entry that the other side does not know.
type trial struct {
	t       *table
	x       *index
	e       page.Encoding
	columns []int // for each part of an entry: the place in the record, slotRowid = the rowid
	key     []int // parts of an entry that make the key of a WITHOUT ROWID table
	width   uint  // a bucket holds 1<<width rowids
	sums    [buckets]uint32
	even    bool // all buckets are; known once both sides were read
	void    bool // it cannot be told what the entry of a row would be
	entries map[uint64][]*testimony
	crowded bool // not all entries of uneven buckets could be kept
	scratch []Value
}

const (
	slotRowid = -1
	ranged    = 1 << 14 // by ranges of rowids
	hashed    = 1 << 12 // by hash: primary keys, and rowids that are very large
	buckets   = ranged + hashed
	widthMax  = 40
)

// tryIndexes begins the trials of a table.
func (r *rescue) tryIndexes(t *table) {
	for _, x := range t.indexes {
		if x.def == nil || x.def.Opaque != "" || x.root == 0 || slices.Contains(r.opts.Distrust, x.name) {
			continue
		}
		if tr := newTrial(t, x, r.g.Encoding); tr != nil {
			t.trials = append(t.trials, tr)
			x.trial = tr
		}
	}
	t.covered = t.coverable()
}

func newTrial(t *table, x *index, e page.Encoding) *trial {
	tr := &trial{t: t, x: x, e: e}
	for _, part := range x.def.Entry {
		switch {
		case part.Column == schema.Rowid || part.Column >= 0 && part.Column == t.def.RowidColumn:
			tr.columns = append(tr.columns, slotRowid)
		case part.Column < 0 || t.def.Slot(part.Column) < 0:
			return nil
		default:
			tr.columns = append(tr.columns, t.def.Slot(part.Column))
		}
	}
	if !t.def.WithoutRowid {
		return tr
	}
	for _, part := range t.def.Primary().Parts {
		at := -1
		for i, entry := range x.def.Entry {
			if entry.Column == part.Column {
				at = i
			}
		}
		if at < 0 {
			return nil
		}
		tr.key = append(tr.key, at)
	}
	return tr
}

// entryOf gives the entry that a row should have. nil = that cannot be told.
func (tr *trial) entryOf(rowid int64, row []Value) []Value {
	entry := tr.scratch[:0]
	for _, slot := range tr.columns {
		switch {
		case slot == slotRowid:
			entry = append(entry, Value{Class: schema.ClassInteger, Int: rowid})
		case slot < len(row):
			entry = append(entry, row[slot])
		default:
			d := tr.t.def.Columns[tr.t.def.Stored[slot]].Default
			if d.Known == schema.DefaultUnknown {
				return nil
			}
			v := Value{Class: d.Class, Int: d.Int, Real: d.Real}
			if d.Class == schema.ClassText {
				v.Bytes = tr.e.AppendFrom(nil, d.Bytes)
			} else if d.Class == schema.ClassBlob {
				v.Bytes = []byte(d.Bytes)
			}
			entry = append(entry, v)
		}
	}
	tr.scratch = entry
	return entry
}

// keyIn gives the key that an entry leads to: a rowid, or a hash of a primary key.
func (tr *trial) keyIn(entry []Value) (key uint64, ok bool) {
	if len(entry) != len(tr.columns) {
		return 0, false
	}
	if tr.key == nil {
		last := entry[len(entry)-1]
		return uint64(last.Int), last.Class == schema.ClassInteger
	}
	h := mix(seedKey)
	for _, i := range tr.key {
		h.value(entry[i])
	}
	return uint64(h), true
}

// row and entry count a row of the table and an entry of the index.
func (tr *trial) row(rowid int64, row []Value) {
	if tr.void {
		return
	}
	entry := tr.entryOf(rowid, row)
	key, ok := tr.keyIn(entry)
	if tr.void = !ok; ok {
		tr.sums[tr.bucket(key)] += uint32(hashOf(entry))
	}
}

func (tr *trial) entry(entry []Value) {
	if key, ok := tr.keyIn(entry); ok && !tr.void {
		tr.sums[tr.bucket(key)] -= uint32(hashOf(entry))
	}
}

// bucket gives the bucket of a key, and makes buckets wider when rowids grow.
func (tr *trial) bucket(key uint64) int {
	if tr.key != nil || key>>(widthMax+bits.Len(ranged-1)) != 0 {
		h := mix(seedKey)
		h.word(key)
		return ranged + int(uint64(h)%hashed)
	}
	for key>>tr.width >= ranged {
		for i := range ranged / 2 {
			tr.sums[i] = tr.sums[2*i] + tr.sums[2*i+1]
		}
		clear(tr.sums[ranged/2 : ranged])
		tr.width++
	}
	return int(key >> tr.width)
}

// mix is a hash under way.
type mix uint64

const (
	seedKey   = 0x9e3779b97f4a7c15
	seedEntry = 0xd1b54a32d192ed03
)

func (h *mix) word(v uint64) {
	hi, lo := bits.Mul64(uint64(*h)^v, 0xa0761d6478bd642f)
	*h = mix(hi ^ lo ^ bits.RotateLeft64(v, 29))
}

// value takes a value. A number is the same whether it is stored as an integer or not:
// tables keep whole numbers of REAL columns as integers, indexes do not
// (https://sqlite.org/datatype3.html#storage_classes_and_datatypes).
func (h *mix) value(v Value) {
	switch v.Class {
	case schema.ClassNull:
		h.word(1)
	case schema.ClassInteger:
		h.word(2)
		h.word(math.Float64bits(float64(v.Int)))
		h.word(uint64(v.Int - int64(clampReal(float64(v.Int)))))
	case schema.ClassReal:
		h.word(2)
		h.word(math.Float64bits(v.Real + 0)) // -0 is 0
		h.word(0)
	default:
		h.word(3 + uint64(v.Class) + uint64(len(v.Bytes))<<8)
		b := v.Bytes
		for ; len(b) >= 8; b = b[8:] {
			h.word(uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
				uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56)
		}
		last := uint64(0)
		for i, c := range b {
			last |= uint64(c) << (8 * i)
		}
		h.word(last)
	}
}

// clampReal gives the whole number that an integer becomes as a float, in range.
func clampReal(v float64) int64 {
	if v >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(v)
}

func hashOf(entry []Value) uint64 {
	h := mix(seedEntry)
	for _, v := range entry {
		h.value(v)
	}
	return uint64(h)
}
