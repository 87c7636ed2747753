package bulk

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// Spill is where a [Sorter] puts what has no room in memory. Sorters may share one; what
// they put there is of no use to anybody else.
type Spill struct {
	// Open makes the file, when it is wanted for the first time.
	Open func() (SpillFile, error)
	file SpillFile
	end  int64
}

// SpillFile is a file for a [Spill].
type SpillFile interface {
	io.ReaderAt
	io.WriterAt
}

// Reset lets the file be used from its beginning again, when no Sorter is.
func (s *Spill) Reset() { s.end = 0 }

func (s *Spill) write(b []byte) error {
	if s.file == nil {
		var err error
		if s.file, err = s.Open(); err != nil {
			return err
		}
	}
	n, err := s.file.WriteAt(b, s.end)
	s.end += int64(n)
	return err
}

const (
	itemHead = 12      // lengths of key and payload, and of what must be distinct
	runsMax  = 128     // that are merged at once
	runBytes = 1 << 15 // buffer of each
	refBytes = 16
)

// entryMax bounds key and payload of an entry together, in bytes: what is longer has no
// place in a Sorter of small memory.
const entryMax = 1 << 17

// ErrLong says that an entry is too long for a Sorter.
var ErrLong = errors.New("an index entry is too long to be sorted here")

// item is an entry under way.
type item struct {
	key, payload []byte
	distinct     int
}

// Sorter sorts entries by the bytes of their keys. It keeps about memoryBytes of them, and
// a buffer for each run that it merges.
type Sorter struct {
	memory int
	spill  *Spill
	arena  []byte
	refs   []ref
	runs   []run
	buffer []byte
}

// ref is an item in the arena. begin is the beginning of its key behind what all keys
// there have in common: most comparisons need not go beyond it.
type ref struct {
	begin uint64
	at    uint32
}

// run is a part of the spill file in which items are in order.
type run struct{ from, to int64 }

// NewSorter makes a Sorter that takes so much memory.
func NewSorter(memoryBytes int, spill *Spill) *Sorter {
	return &Sorter{memory: memoryBytes, spill: spill}
}

// Add adds an entry. No two entries may begin with the same distinct bytes of their keys
// if there are any; Each tells. The error is ErrLong, or that of the spill file.
func (s *Sorter) Add(key, payload []byte, distinct int) error {
	size := itemHead + len(key) + len(payload)
	if size > entryMax {
		return ErrLong
	}
	if len(s.arena) > 0 && len(s.arena)+size+refBytes*len(s.refs) > s.memory {
		if err := s.dump(); err != nil {
			return err
		}
	}
	if want := len(s.arena) + size; want > cap(s.arena) {
		s.arena = slices.Grow(s.arena, max(size, min(len(s.arena), s.memory-want)))
	}
	s.refs = append(s.refs, ref{at: uint32(len(s.arena))})
	s.arena = binary.LittleEndian.AppendUint32(s.arena, uint32(len(key)))
	s.arena = binary.LittleEndian.AppendUint32(s.arena, uint32(len(payload)))
	s.arena = binary.LittleEndian.AppendUint32(s.arena, uint32(distinct))
	s.arena = append(s.arena, key...)
	s.arena = append(s.arena, payload...)
	return nil
}

func parseItem(b []byte) (it item, size int) {
	key, payload := int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[4:]))
	it.distinct = int(binary.LittleEndian.Uint32(b[8:]))
	it.key = b[itemHead : itemHead+key]
	it.payload = b[itemHead+key : itemHead+key+payload]
	return it, itemHead + key + payload
}

func (s *Sorter) order() {
	s.begins()
	slices.SortFunc(s.refs, func(a, b ref) int {
		if a.begin != b.begin {
			return cmp.Compare(a.begin, b.begin)
		}
		x, _ := parseItem(s.arena[a.at:])
		y, _ := parseItem(s.arena[b.at:])
		return bytes.Compare(x.key, y.key)
	})
}

// begins fills in what the refs know of their keys.
func (s *Sorter) begins() {
	var common []byte
	for i := range s.refs {
		it, _ := parseItem(s.arena[s.refs[i].at:])
		if i == 0 {
			common = it.key
		}
		same := 0
		for same < min(len(common), len(it.key)) && common[same] == it.key[same] {
			same++
		}
		common = common[:same]
	}
	for i := range s.refs {
		it, _ := parseItem(s.arena[s.refs[i].at:])
		var head [8]byte
		copy(head[:], it.key[len(common):])
		s.refs[i].begin = binary.BigEndian.Uint64(head[:])
	}
}

// dump writes what is in memory as a run.
func (s *Sorter) dump() error {
	s.order()
	from := s.spill.end
	out := s.buffer[:0]
	for _, r := range s.refs {
		_, size := parseItem(s.arena[r.at:])
		if len(out)+size > runBytes && len(out) > 0 {
			if err := s.spill.write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		out = append(out, s.arena[r.at:int(r.at)+size]...)
	}
	err := s.spill.write(out)
	s.buffer = out
	s.runs = append(s.runs, run{from, s.spill.end})
	s.arena, s.refs = s.arena[:0], s.refs[:0]
	return err
}

// Each gives all entries in order. twice tells of an entry that begins with the distinct
// bytes of the one before it. The bytes hold until the next one. The Sorter is empty
// then.
func (s *Sorter) Each(take func(payload []byte, twice bool) error) error {
	p := pair{take: take}
	if len(s.runs) == 0 {
		s.order()
		for _, r := range s.refs {
			it, _ := parseItem(s.arena[r.at:])
			if err := p.next(it); err != nil {
				return err
			}
		}
		s.arena, s.refs = nil, nil
		return nil
	}
	if len(s.refs) > 0 {
		if err := s.dump(); err != nil {
			return err
		}
	}
	s.arena, s.refs = nil, nil // the merge takes as much
	for len(s.runs) > runsMax {
		if err := s.join(); err != nil {
			return err
		}
	}
	err := s.merge(s.runs, p.next)
	s.runs = nil
	return err
}

// pair compares each entry with the one before it.
type pair struct {
	take func(payload []byte, twice bool) error
	last []byte // the distinct bytes of the last key
}

func (p *pair) next(it item) error {
	twice := it.distinct > 0 && bytes.Equal(p.last, it.key[:it.distinct])
	if it.distinct > 0 {
		p.last = append(p.last[:0], it.key[:it.distinct]...)
	}
	return p.take(it.payload, twice)
}

// join makes one run of the first ones.
func (s *Sorter) join() error {
	from := s.spill.end
	out := s.buffer[:0]
	err := s.merge(s.runs[:runsMax], func(it item) error {
		if len(out) > runBytes {
			if err := s.spill.write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(len(it.key)))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(it.payload)))
		out = binary.LittleEndian.AppendUint32(out, uint32(it.distinct))
		out = append(append(out, it.key...), it.payload...)
		return nil
	})
	if err == nil {
		err = s.spill.write(out)
	}
	s.buffer = out
	s.runs = append(s.runs[runsMax:], run{from, s.spill.end})
	return err
}
