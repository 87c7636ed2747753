package page

import "encoding/binary"

// Encoding is how text is stored (https://sqlite.org/fileformat2.html#text_encoding).
type Encoding uint32

// The encodings.
const (
	UTF8 Encoding = iota + 1
	UTF16LE
	UTF16BE
)

// String gives the name that PRAGMA encoding has for it.
func (e Encoding) String() string {
	switch e {
	case UTF16LE:
		return "UTF-16le"
	case UTF16BE:
		return "UTF-16be"
	}
	return "UTF-8"
}

// AppendUTF8 appends text as SQLite converts it, which decides how NOCASE and RTRIM
// order what is not valid UTF-16: a surrogate takes whatever follows for its other half,
// an odd last byte is dropped.
func (e Encoding) AppendUTF8(to, text []byte) []byte {
	if e != UTF16LE && e != UTF16BE {
		return append(to, text...)
	}
	for len(text) >= 2 {
		c := e.unit(text)
		text = text[2:]
		if c >= 0xd800 && c < 0xe000 && len(text) >= 2 {
			low := e.unit(text)
			text = text[2:]
			c = low&0x3ff + c&0x3f<<10 + (c&0x3c0+0x40)<<10
		}
		to = appendRune(to, c)
	}
	return to
}

func (e Encoding) unit(b []byte) uint32 {
	if e == UTF16BE {
		return uint32(binary.BigEndian.Uint16(b))
	}
	return uint32(binary.LittleEndian.Uint16(b))
}

// appendRune writes what utf8.AppendRune replaces, too.
func appendRune(to []byte, c uint32) []byte {
	tail := func(shift int) byte { return 0x80 | byte(c>>shift)&0x3f }
	switch {
	case c < 0x80:
		return append(to, byte(c))
	case c < 0x800:
		return append(to, 0xc0|byte(c>>6)&0x1f, tail(0))
	case c < 0x10000:
		return append(to, 0xe0|byte(c>>12)&0x0f, tail(6), tail(0))
	}
	return append(to, 0xf0|byte(c>>18)&0x07, tail(12), tail(6), tail(0))
}

// AppendFrom appends UTF-8 text in this encoding, as SQLite stores a default value.
func (e Encoding) AppendFrom(to []byte, text string) []byte {
	if e != UTF16LE && e != UTF16BE {
		return append(to, text...)
	}
	put := func(u uint32) {
		if e == UTF16BE {
			to = append(to, byte(u>>8), byte(u))
		} else {
			to = append(to, byte(u), byte(u>>8))
		}
	}
	for _, r := range text {
		if r < 0x10000 {
			put(uint32(r))
			continue
		}
		put(0xd800 + uint32(r-0x10000)>>10)
		put(0xdc00 + uint32(r-0x10000)&0x3ff)
	}
	return to
}
