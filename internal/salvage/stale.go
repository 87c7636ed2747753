package salvage

import (
	"bytes"
	"hash/fnv"

	"github.com/officer-doofy/officer/internal/page"
)

// votersMax bounds how many pages are asked whether a log is stale.
const votersMax = 256

// stale tells whether a log was left behind by an older state of the file. Nothing in
// its header says so; the pages do. Under a log that belongs to it, a page of the file
// is one of the images in the log, or came before the first of them and is more like the
// first than like the last. Under one that was checkpointed long ago and left, a page
// that changed since is more like the last.
func (l *log) stale(src *Source, g *page.Geometry) bool {
	size := g.PageSize
	inFile, first, last := make([]byte, size), make([]byte, size), make([]byte, size)
	forOld, forNew := 0, 0
	for from := 0; from < len(l.frames) && forOld+forNew < votersMax; {
		frames := l.of(l.frames[from].page)
		from += len(frames)
		n := frames[0].page
		if len(frames) < 2 || !l.readFrame(frames[0].number, last) || !l.readFrame(frames[len(frames)-1].number, first) {
			continue
		}
		if got, _ := src.File.ReadAt(inFile, int64(n-1)*int64(size)); got < size || l.holdsImage(frames, inFile) {
			continue
		}
		had := cellSet(g, n, inFile)
		switch a, b := shared(had, cellSet(g, n, first)), shared(had, cellSet(g, n, last)); {
		case a > b:
			forNew++
		case b > a:
			forOld++
		}
	}
	l.ahead = l.ahead || forNew > 0 && forOld == 0
	return forOld > 2*forNew && forOld > 0
}

// holdsImage tells whether one of the frames is the page as it stands in the file.
func (l *log) holdsImage(frames []frame, inFile []byte) bool {
	b := make([]byte, len(inFile))
	for _, f := range frames {
		if l.readFrame(f.number, b) && bytes.Equal(b, inFile) {
			return true
		}
	}
	return false
}

// cellSet gives the cells of a b-tree page by their hashes.
func cellSet(g *page.Geometry, n uint32, b []byte) map[uint64]bool {
	var d page.Node
	if d.Parse(g, n, b) != nil {
		return nil
	}
	set := make(map[uint64]bool, d.Cells)
	for i := range d.Cells {
		var c page.Cell
		if d.Cell(i, &c) != nil {
			continue
		}
		h := fnv.New64a()
		_, _ = h.Write(b[c.Offset : c.Offset+c.Size]) // a hash never fails
		set[h.Sum64()] = true
	}
	return set
}

func shared(a, b map[uint64]bool) (n int) {
	for k := range a {
		if b[k] {
			n++
		}
	}
	return n
}
