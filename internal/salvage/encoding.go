package salvage

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// ballots counts texts by the encoding that they are in for certain.
type ballots struct{ utf8, le, be int }

// electEncoding finds the encoding that the texts of the file are in. What the header
// says stands unless most of them say otherwise.
func electEncoding(src *Source, g *page.Geometry, said page.Encoding) page.Encoding {
	var votes ballots
	var values []Value
	sample(src, g.PageSize, func(n uint32, b []byte) {
		var d page.Node
		if d.Parse(g, n, b) != nil || !d.Kind.Leaf() {
			return
		}
		for i := range min(d.Cells, 32) {
			var c page.Cell
			if d.Cell(i, &c) != nil || c.Local < c.Total {
				continue
			}
			var err error
			if values, err = decode(d.Payload(&c), values); err == nil {
				votes.take(values)
			}
		}
	})
	most, n := votes.winner()
	known := said >= page.UTF8 && said <= page.UTF16BE
	if known && (n < 4 || votes.of(said)*4 >= n) {
		return said
	}
	return most
}

func (v *ballots) take(values []Value) {
	for _, x := range values {
		if x.Class != schema.ClassText || len(x.Bytes) < 4 {
			continue
		}
		even, odd := zeros(x.Bytes)
		switch half := len(x.Bytes) / 2; {
		case even == 0 && odd == 0 && utf8.Valid(x.Bytes):
			v.utf8++
		case len(x.Bytes)%2 != 0:
		case odd*2 > half && even*4 < half:
			v.le++
		case even*2 > half && odd*4 < half:
			v.be++
		case even == 0 && odd == 0: // no Latin letter in it
			if wellFormed16(x.Bytes, page.UTF16LE) && !wellFormed16(x.Bytes, page.UTF16BE) {
				v.le++
			} else if wellFormed16(x.Bytes, page.UTF16BE) && !wellFormed16(x.Bytes, page.UTF16LE) {
				v.be++
			}
		}
	}
}

func (v *ballots) of(e page.Encoding) int {
	return [...]int{0, v.utf8, v.le, v.be}[e]
}

func (v *ballots) winner() (page.Encoding, int) {
	switch {
	case v.utf8 >= v.le && v.utf8 >= v.be:
		return page.UTF8, v.utf8
	case v.le >= v.be:
		return page.UTF16LE, v.le
	}
	return page.UTF16BE, v.be
}

// zeros counts zero bytes at even and odd places.
func zeros(b []byte) (even, odd int) {
	for i, c := range b {
		if c == 0 && i%2 == 0 {
			even++
		} else if c == 0 {
			odd++
		}
	}
	return even, odd
}

// wellFormed tells whether text is valid in its encoding.
func wellFormed(text []byte, e page.Encoding) bool {
	if e == page.UTF8 {
		return utf8.Valid(text)
	}
	return wellFormed16(text, e)
}

// wellFormed16 tells whether every surrogate has its other half.
func wellFormed16(text []byte, e page.Encoding) bool {
	if len(text)%2 != 0 {
		return false
	}
	high := false
	for i := 0; i < len(text); i += 2 {
		lo, hi := text[i], text[i+1]
		if e == page.UTF16BE {
			lo, hi = hi, lo
		}
		switch r := rune(hi)<<8 | rune(lo); {
		case !utf16.IsSurrogate(r):
			if high {
				return false
			}
		case (r < 0xdc00) == high: // a first half follows a first one, or a second none
			return false
		default:
			high = r < 0xdc00
		}
	}
	return !high
}
