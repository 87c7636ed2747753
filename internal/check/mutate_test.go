package check_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// mutation is bytes that were changed, so that a case can be told, kept and made smaller.
type mutation struct {
	name    string
	patches []patch
	size    int // of the image afterwards
}

type patch struct {
	at int
	b  []byte
}

func (m mutation) String() string {
	var s []string
	for _, p := range m.patches {
		s = append(s, fmt.Sprintf("%d:%.40x(%d)", p.at, p.b, len(p.b)))
	}
	return fmt.Sprintf("%s size=%d %s", m.name, m.size, strings.Join(s, " "))
}

// apply gives the changed image.
func (m mutation) apply(image []byte) []byte {
	out := make([]byte, m.size)
	copy(out, image)
	for _, p := range m.patches {
		if p.at < len(out) {
			copy(out[p.at:], p.b)
		}
	}
	return out
}

// pageSizeOf reads the page size of a healthy image.
func pageSizeOf(image []byte) int {
	if n := int(binary.BigEndian.Uint16(image[16:])); n != 1 {
		return n
	}
	return 65536
}

// mutate damages an image in one to three ways.
func mutate(rng *rand.Rand, image []byte) mutation {
	m := mutation{size: len(image)}
	var names []string
	for range pick(rng, 1, 1, 1, 2, 3) {
		names = append(names, m.one(rng, image))
	}
	m.name = strings.Join(names, "+")
	return m
}

func (m *mutation) patch(at int, b ...byte) { m.patches = append(m.patches, patch{at, b}) }

// one adds one change and gives its name.
func (m *mutation) one(rng *rand.Rand, image []byte) string {
	size := pageSizeOf(image)
	pages := len(image) / size
	n := rng.IntN(pages)
	start := n * size
	head := start
	if n == 0 {
		head += 100
	}
	at := rng.IntN(len(image))
	u16 := func(i int) int { return int(binary.BigEndian.Uint16(image[i:])) }
	cells := min(u16(head+3), (size-12)/2)
	array := head + 8
	if image[head] == 2 || image[head] == 5 {
		array += 4
	}
	cell := func() int { // a random cell of the page, or anything if it is no b-tree page
		if cells == 0 {
			return start + rng.IntN(size-8)
		}
		return min(start+u16(array+2*rng.IntN(cells)), start+size-8)
	}
	switch rng.IntN(20) {
	case 0, 1:
		m.patch(at, image[at]^1<<rng.IntN(8))
		return "bit"
	case 2:
		m.patch(at, byte(rng.Uint32()))
		return "byte"
	case 3:
		m.patch(at, make([]byte, min(len(image)-at, 1+rng.IntN(size)))...)
		return "zeros"
	case 4:
		m.patch(start, make([]byte, size)...)
		return "zero-page"
	case 5:
		other := rng.IntN(pages) * size
		m.patch(start, image[other:other+size]...)
		if rng.IntN(2) == 0 {
			m.patch(other, image[start:start+size]...)
			return "swap-pages"
		}
		return "copy-page"
	case 6:
		at := 16 + rng.IntN(84)
		m.patch(at, pick(rng, image[at]^1<<rng.IntN(8), image[at]+1, image[at]-1, 0, byte(rng.Uint32())))
		return "header"
	case 7:
		at := head + rng.IntN(12)
		m.patch(at, pick(rng, image[at]^1<<rng.IntN(8), image[at]+1, image[at]-1, 0, byte(rng.Uint32())))
		return "page-header"
	case 8:
		if cells == 0 {
			return m.one(rng, image)
		}
		at := array + rng.IntN(2*cells)
		m.patch(at, pick(rng, image[at]^1<<rng.IntN(8), image[at]+1, image[at]-1, byte(rng.Uint32())))
		return "cell-pointer"
	case 9:
		if cells < 2 {
			return m.one(rng, image)
		}
		a, b := array+2*rng.IntN(cells), array+2*rng.IntN(cells)
		m.patch(a, image[b:b+2]...)
		if rng.IntN(3) > 0 {
			m.patch(b, image[a:a+2]...)
			return "swap-cells"
		}
		return "double-cell"
	case 10, 11, 12:
		at := min(cell()+rng.IntN(12), len(image)-1)
		m.patch(at, pick(rng, image[at]^1<<rng.IntN(8), image[at]+1, image[at]-1, 0, byte(rng.Uint32())))
		return "cell"
	case 13: // a page number somewhere
		at := pick(rng, start, start+4, start+8, head+8, cell(), cell()+rng.IntN(40))
		at = min(at, len(image)-4)
		b := binary.BigEndian.AppendUint32(nil, uint32(pick(rng, 0, 1, 2, pages, pages+1, 1+rng.IntN(pages))))
		m.patch(at, b...)
		return "number"
	case 14:
		m.size = pick(rng, len(image)-size, len(image)-1-rng.IntN(size), len(image)-size*rng.IntN(pages))
		m.size = max(m.size, 0)
		return "cut"
	case 15:
		m.size = len(image) + pick(rng, 1, size, 2*size)
		m.patch(len(image), slices.Repeat([]byte{byte(rng.Uint32())}, m.size-len(image))...)
		return "longer"
	case 16: // the text of the schema, or its root pages
		at := rng.IntN(size)
		m.patch(at, pick(rng, image[at]^1<<rng.IntN(8), image[at]+1, byte(' '+rng.IntN(95))))
		return "page-1"
	case 17: // freelist: another count, or a leaf
		b := binary.BigEndian.AppendUint32(nil, uint32(rng.IntN(pages+2)))
		m.patch(32+4*rng.IntN(2), b...)
		return "freelist"
	case 18: // an entry of a pointer map
		at := min(size+rng.IntN(5*pages), len(image)-1)
		m.patch(at, pick(rng, image[at]+1, 0, byte(rng.Uint32())))
		return "pointer-map"
	}
	n2 := 1 + rng.IntN(24)
	b := make([]byte, min(n2, len(image)-at))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	m.patch(at, b...)
	return "noise"
}

// smaller tries to keep less of a mutation while it is still wrong.
func smaller(m mutation, size int, wrong func(mutation) bool) mutation {
	if m.size != size {
		try := m
		if try.size = size; wrong(try) {
			m = try
		}
	}
	for i := 0; i < len(m.patches); {
		try := m
		if try.patches = slices.Delete(slices.Clone(m.patches), i, i+1); wrong(try) {
			m = try
			continue
		}
		i++
	}
	for i := range m.patches {
		for half := len(m.patches[i].b) / 2; half > 0; half /= 2 {
			for _, keep := range [][2]int{{0, half}, {half, len(m.patches[i].b)}} {
				p := m.patches[i]
				if keep[1] > len(p.b) || keep[0] >= keep[1] {
					continue
				}
				try := m
				try.patches = slices.Clone(m.patches)
				try.patches[i] = patch{p.at + keep[0], p.b[keep[0]:keep[1]]}
				if wrong(try) {
					m = try
					break
				}
			}
		}
	}
	return m
}
