package simfs

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// inode is a file or a folder, whatever it is called.
type inode struct {
	id       uint64
	dir      bool
	modified time.Time

	// Of a file: what a reader sees, what the device holds, and what changed since the
	// last fsync. A slice may be shared with base or with a clone, unless it is owned.
	data    []byte
	owned   bool
	base    []byte
	pending []change
	strayed bool // a failed fsync forgot changes: an fsync does not make base equal data

	// Of a folder: its names, and those that are durable.
	names, kept map[string]*inode
}

// change is one write, or one truncation when bytes is nil.
type change struct {
	off   int64
	bytes []byte
}

func (n *inode) clone(copies map[*inode]*inode) *inode {
	if n == nil {
		return nil
	}
	if c := copies[n]; c != nil {
		return c
	}
	n.owned = false
	c := *n
	copies[n] = &c
	c.pending = slices.Clone(n.pending)
	c.names, c.kept = maps.Clone(n.names), maps.Clone(n.kept)
	for name, child := range c.names {
		c.names[name] = child.clone(copies)
	}
	for name, child := range c.kept {
		c.kept[name] = child.clone(copies)
	}
	return &c
}

// own makes data writable, with room for sizeBytes.
func (n *inode) own(sizeBytes int64) {
	if n.owned && int64(cap(n.data)) >= sizeBytes {
		return
	}
	data := make([]byte, len(n.data), max(sizeBytes+sizeBytes/4, int64(len(n.data))))
	copy(data, n.data)
	n.data, n.owned = data, true
}

func (n *inode) write(off int64, p []byte) {
	end := off + int64(len(p))
	n.own(max(end, int64(len(n.data))))
	n.data = overlay(n.data, off, p)
	n.pending = append(n.pending, change{off, bytes.Clone(p)})
	n.modified = time.Now()
}

func (n *inode) truncate(sizeBytes int64) {
	n.own(sizeBytes)
	n.data = resized(n.data, sizeBytes)
	n.pending = append(n.pending, change{sizeBytes, nil})
	n.modified = time.Now()
}

// sync makes the content durable.
func (n *inode) sync() {
	if n.dir || len(n.pending) == 0 {
		return
	}
	if n.strayed {
		n.base = applied(n.base, n.pending)
	} else {
		n.base, n.owned = n.data, false
	}
	n.pending = nil
}

// forget is an fsync that failed: the pages count as clean, so that no later fsync writes
// them, and a reader goes on seeing them (https://lwn.net/Articles/752063/).
func (n *inode) forget() {
	n.strayed = n.strayed || len(n.pending) > 0
	n.pending = nil
}

// overlay writes p at off into data, which it owns.
func overlay(data []byte, off int64, p []byte) []byte {
	if end := off + int64(len(p)); end > int64(len(data)) {
		data = resized(data, end)
	}
	copy(data[off:], p)
	return data
}

func resized(data []byte, sizeBytes int64) []byte {
	if sizeBytes <= int64(len(data)) {
		return data[:sizeBytes]
	}
	old := len(data)
	if sizeBytes > int64(cap(data)) {
		data = append(data, make([]byte, sizeBytes-int64(old))...)
	}
	data = data[:sizeBytes]
	clear(data[old:])
	return data
}

func applied(base []byte, changes []change) []byte {
	data := bytes.Clone(base)
	for _, c := range changes {
		if c.bytes == nil {
			data = resized(data, c.off)
		} else {
			data = overlay(data, c.off, c.bytes)
		}
	}
	return data
}

// sectorBytes is what a device writes whole or not at all.
const sectorBytes = 512

// How much of what was not synced a power cut leaves of a file.
const (
	keepNone = iota
	keepAll
	keepWrites  // some writes, whole
	keepSectors // some sectors of some writes
	keepPrefix  // the first writes, the last of them torn
	keepStyles
)

// lose is what a power cut leaves of a file: one seeded subset of its changes.
func (n *inode) lose(rng *rand.Rand, style int) {
	if len(n.pending) == 0 && !n.strayed {
		return
	}
	full := int64(len(n.data))
	data := bytes.Clone(n.base)
	stop := rng.IntN(len(n.pending) + 1)
	for i, c := range n.pending {
		whole := style == keepAll || style == keepPrefix && i < stop || style == keepWrites && rng.IntN(2) == 0
		switch {
		case c.bytes == nil && (whole || style == keepSectors && rng.IntN(2) == 0):
			data = resized(data, c.off)
		case c.bytes == nil:
		case whole:
			data = overlay(data, c.off, c.bytes)
		case style == keepSectors, style == keepPrefix && i == stop:
			data = tear(rng, data, c)
		}
	}
	// A file may have got its size and not its content; what stands there then is zeros
	// or, on some file systems, what lay on the device before.
	if style == keepSectors && int64(len(data)) < full && rng.IntN(3) == 0 {
		from := len(data)
		data = resized(data, full)
		if rng.IntN(2) == 0 {
			garbage(rng, data[from:])
		}
	}
	n.data, n.base, n.owned, n.pending, n.strayed = data, data, false, nil, false
}

// tear writes some sectors of a change.
func tear(rng *rand.Rand, data []byte, c change) []byte {
	for at := int64(0); at < int64(len(c.bytes)); {
		end := min((c.off+at)/sectorBytes*sectorBytes+sectorBytes-c.off, int64(len(c.bytes)))
		if rng.IntN(2) == 0 {
			data = overlay(data, c.off+at, c.bytes[at:end])
		}
		at = end
	}
	return data
}

func garbage(rng *rand.Rand, p []byte) {
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
}
