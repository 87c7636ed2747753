package salvage

import (
	"encoding/binary"

	"github.com/officer-doofy/officer/internal/page"
)

// flip is one bit of a page or frame that is wrong.
type flip struct {
	at  int // byte
	bit uint8
}

func (f flip) apply(b []byte) { b[f.at] ^= 1 << f.bit }

// mendFrame finds the one bit of a frame that makes its checksum right. The checksum is
// linear: what a change of one word does to it depends only on how many words follow, so
// that all bits are tried in one pass from the end.
func mendFrame(big bool, before, stands page.Sum, b []byte) (flip, bool) {
	got := sumOver(big, before, b)
	d1, d2 := stands.S1-got.S1, stands.S2-got.S2
	if d1 == 0 && d2 == 0 {
		return flip{}, false
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if big {
		order = binary.BigEndian
	}
	var found []flip
	// What 1 more in the first and in the second word of a pair adds to both sums.
	a1, a2, b1, b2 := uint32(1), uint32(1), uint32(0), uint32(1)
	try := func(at int, c1, c2 uint32) {
		word := order.Uint32(b[at:])
		for bit := range 32 {
			delta := uint32(1) << bit
			if word&delta != 0 {
				delta = -delta
			}
			if c1*delta == d1 && c2*delta == d2 {
				byteOf := bit / 8
				if big {
					byteOf = 3 - byteOf
				}
				found = append(found, flip{at + byteOf, uint8(bit % 8)})
			}
		}
	}
	step := func() {
		a1, a2 = a1+a2, a1+2*a2
		b1, b2 = b1+b2, b1+2*b2
	}
	for at := len(b) - 8; at >= page.FrameHeaderBytes; at -= 8 {
		try(at, a1, a2)
		try(at+4, b1, b2)
		step()
	}
	try(0, a1, a2)
	try(4, b1, b2)
	if len(found) != 1 {
		return flip{}, false
	}
	return found[0], true
}
