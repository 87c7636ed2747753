package bulk

import (
	"bytes"
	"encoding/binary"
	"io"
)

// source reads the items of a run.
type source struct {
	r    io.ReaderAt
	run  run
	buf  []byte
	at   int // of the item in buf
	size int // of the item, 0 = there is none
	item item
}

// next goes to the next item and tells whether there is one.
func (s *source) next() (bool, error) {
	s.at += s.size
	s.size = 0
	for {
		left := s.buf[s.at:]
		if len(left) >= itemHead {
			need := itemHead + int(binary.LittleEndian.Uint32(left)) + int(binary.LittleEndian.Uint32(left[4:]))
			if len(left) >= need {
				s.item, s.size = parseItem(left)
				return true, nil
			}
		}
		if s.run.from == s.run.to {
			if len(left) > 0 {
				return false, io.ErrUnexpectedEOF
			}
			return false, nil
		}
		if err := s.more(); err != nil {
			return false, err
		}
	}
}

// more reads on in the run. The buffer grows for an item that is larger.
func (s *source) more() error {
	kept := copy(s.buf, s.buf[s.at:])
	s.at = 0
	if cap(s.buf)-kept < runBytes/2 {
		s.buf = append(make([]byte, 0, 2*cap(s.buf)+runBytes), s.buf[:kept]...)
	}
	n := min(int64(cap(s.buf)-kept), s.run.to-s.run.from)
	s.buf = s.buf[:kept+int(n)]
	got, err := s.r.ReadAt(s.buf[kept:], s.run.from)
	if got == int(n) {
		err = nil
	} else if err == nil {
		err = io.ErrUnexpectedEOF
	}
	s.run.from += n
	return err
}

// merge gives the items of all runs in order.
func (s *Sorter) merge(runs []run, take func(item) error) error {
	var heap []*source
	for _, r := range runs {
		src := &source{r: s.spill.file, run: r}
		ok, err := src.next()
		if err != nil {
			return err
		}
		if ok {
			heap = append(heap, src)
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	for len(heap) > 0 {
		if err := take(heap[0].item); err != nil {
			return err
		}
		ok, err := heap[0].next()
		if err != nil {
			return err
		}
		if !ok {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		sink(heap, 0)
	}
	return nil
}

// sink puts the source at i where it belongs: the one with the least item is the first.
func sink(heap []*source, i int) {
	for {
		least := 2*i + 1
		if least >= len(heap) {
			return
		}
		if r := least + 1; r < len(heap) && bytes.Compare(heap[r].item.key, heap[least].item.key) < 0 {
			least = r
		}
		if bytes.Compare(heap[i].item.key, heap[least].item.key) <= 0 {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}
