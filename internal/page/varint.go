package page

// VarintMax is the longest varint in bytes.
const VarintMax = 9

// Varint reads a variable-length integer from the start of b and gives its length of 1
// to 9 bytes, or 0 if b ends before it does
// (https://sqlite.org/fileformat2.html#varint).
func Varint(b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return longVarint(b)
}

func longVarint(b []byte) (v uint64, n int) {
	if len(b) > 3 {
		switch {
		case b[1] < 0x80:
			return uint64(b[0]&0x7f)<<7 | uint64(b[1]), 2
		case b[2] < 0x80:
			return uint64(b[0]&0x7f)<<14 | uint64(b[1]&0x7f)<<7 | uint64(b[2]), 3
		case b[3] < 0x80:
			return uint64(b[0]&0x7f)<<21 | uint64(b[1]&0x7f)<<14 | uint64(b[2]&0x7f)<<7 | uint64(b[3]), 4
		}
	}
	for n < len(b) && n < VarintMax-1 {
		c := b[n]
		n++
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, n
		}
	}
	if n < VarintMax-1 || len(b) < VarintMax {
		return 0, 0
	}
	return v<<8 | uint64(b[n]), VarintMax
}

// AppendVarint appends the shortest varint of v.
func AppendVarint(b []byte, v uint64) []byte {
	if v > 1<<56-1 {
		for shift := 57; shift >= 8; shift -= 7 {
			b = append(b, byte(v>>shift)|0x80)
		}
		return append(b, byte(v))
	}
	shift := 0
	for v>>shift > 0x7f {
		shift += 7
	}
	for ; shift > 0; shift -= 7 {
		b = append(b, byte(v>>shift)|0x80)
	}
	return append(b, byte(v&0x7f))
}
