package rebuild

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/sqlite"
)

// ErrSpoiled says that the plain copy was changed and is no use any more: with another copy all has to be
// written anew (ReindexOrder.Anew).
var ErrSpoiled = errors.New("the damaged indexes cannot be made anew where they are")

// suspicion is what a check of a plain copy says of it.
type suspicion struct {
	names  []string        // of the damaged indexes
	roots  []uint32        // of these
	unused []uint32        // pages that nothing leads to
	tables []check.Content // what they hold
}

// inPlace makes the damaged indexes anew in the plain copy itself: their pages go to the freelist, but for the
// roots, which become those of empty trees, and SQLite fills them. All other pages stay as they are, which the full
// check and the digests of the tables have to prove: a pointer of a damaged page may lead
// anywhere. docs/decisions/0045-a-damaged-index-is-made-anew-in-a-copy.md
func (o ReindexOrder) inPlace(ctx context.Context, s *suspicion) (*Result, error) {
	f, err := o.FS.OpenFile(o.File, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	freed, err := freeTrees(f, s)
	if err == nil {
		err = o.fill(ctx, s.names)
	}
	if err == nil {
		err = f.Sync()
	}
	_ = o.FS.DropCache(f) // so that what is checked is what the device has; advice
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, interrupted(ctx, err)
	}
	made := &Result{Patched: freed}
	if made.Verdict, made.Content, err = sqlite.VerifyCopy(ctx, o.File, o.VFS, manifest.Content{}); err != nil {
		return nil, err
	}
	if made.holds(s.tables) != nil {
		return nil, ErrSpoiled
	}
	if err := o.FS.RenameNoReplace(o.File, o.To); err != nil {
		return nil, err
	}
	return made, o.FS.SyncDir(filepath.Dir(o.To))
}

// fill has SQLite make the indexes of their tables.
func (o ReindexOrder) fill(ctx context.Context, names []string) error {
	db, err := openPlain(ctx, o)
	if err != nil {
		return err
	}
	sql := `PRAGMA journal_mode=MEMORY; BEGIN`
	for _, name := range names {
		sql += `; REINDEX main.` + quote(name)
	}
	err = db.Exec(sql + `; COMMIT`)
	if againstPages(err) {
		err = ErrSpoiled
	}
	return failed(errors.Join(err, db.Close()))
}

// freeTrees empties the trees under the roots and puts their pages and those that nothing uses on the freelist.
func freeTrees(f fsx.File, s *suspicion) (freed int, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	file, err := page.OpenFile(f, info.Size())
	if err != nil {
		return 0, ErrSpoiled
	}
	if file.Geometry.Maps {
		return 0, ErrSpoiled // each page has its entry in a pointer map
	}
	w := &felling{file: file, b: make([]byte, file.Geometry.PageSize), taken: make([]bool, uint64(file.Geometry.Count)+1)}
	for _, root := range s.roots {
		if !w.file.Geometry.Holds(root) || w.taken[root] || root == 1 {
			return 0, ErrSpoiled
		}
		w.taken[root] = true
	}
	for _, root := range s.roots {
		if err := w.under(root); err != nil {
			return 0, err
		}
	}
	for _, n := range s.unused {
		w.take(n)
	}
	w.freed = w.count
	return int(w.freed) + len(s.roots), w.write(f, s.roots)
}

// felling collects the pages of damaged trees.
type felling struct {
	file  *page.File
	b     []byte // a page
	taken []bool // by page
	count uint32 // of them that are still to be freed
	freed uint32 // all of these
}

func (w *felling) take(n uint32) bool {
	if !w.file.Geometry.Holds(n) || w.taken[n] || n == 1 || n == w.file.Geometry.LockPage() {
		return false
	}
	w.taken[n] = true
	w.count++
	return true
}

// under takes all pages that a root leads to.
func (w *felling) under(root uint32) error {
	g := &w.file.Geometry
	for open := []uint32{root}; len(open) > 0; {
		n := open[len(open)-1]
		open = open[:len(open)-1]
		if err := w.file.ReadPage(n, w.b); err != nil {
			return err
		}
		var d page.Node
		broken := d.Parse(g, n, w.b)
		if d.Kind.Table() {
			return ErrSpoiled // the pointer to it is what is wrong
		}
		if broken != nil {
			continue
		}
		var chains []uint32
		var lengths []int
		for i := range d.Cells + 1 {
			if child := d.Child(i); !d.Kind.Leaf() && w.take(child) {
				open = append(open, child)
			}
			var c page.Cell
			if i < d.Cells && d.Cell(i, &c) == nil && c.Overflow != 0 {
				chains, lengths = append(chains, c.Overflow), append(lengths, g.ChainPages(c.Total-c.Local))
			}
		}
		for i, first := range chains {
			if err := w.chain(first, lengths[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// chain takes overflow pages (https://sqlite.org/fileformat2.html#cell_payload_overflow_pages).
func (w *felling) chain(n uint32, length int) error {
	for ; length > 0 && w.take(n); length-- {
		if err := w.file.ReadPage(n, w.b); err != nil {
			return err
		}
		n = binary.BigEndian.Uint32(w.b)
	}
	return nil
}

// write makes empty trees of the roots, and trunks of the freelist of as many of the other pages as it
// takes (https://sqlite.org/fileformat2.html#the_freelist).
func (w *felling) write(f fsx.File, roots []uint32) error {
	g, h := &w.file.Geometry, &w.file.Header
	put := func(n uint32) error {
		_, err := f.WriteAt(w.b, int64(n-1)*int64(g.PageSize))
		clear(w.b)
		return err
	}
	clear(w.b)
	for _, root := range roots {
		w.taken[root] = false
		w.b[0] = byte(page.IndexLeaf)
		binary.BigEndian.PutUint16(w.b[5:], uint16(g.Usable)) // where content begins; 65536 is written as 0
		if err := put(root); err != nil {
			return err
		}
	}
	next, trunk, leaves := h.FreelistFirst, uint32(0), 0
	for n := range w.taken {
		switch {
		case !w.taken[n]:
			continue
		case trunk == 0:
			trunk = uint32(n)
			binary.BigEndian.PutUint32(w.b, next)
		default:
			leaves++
			binary.BigEndian.PutUint32(w.b[4+4*leaves:], uint32(n))
		}
		w.count--
		// SQLite before 3.6.0 takes no trunk that is full.
		if w.count > 0 && leaves < g.TrunkLeavesMax()-6 {
			continue
		}
		binary.BigEndian.PutUint32(w.b[4:], uint32(leaves))
		if err := put(trunk); err != nil {
			return err
		}
		next, trunk, leaves = trunk, 0, 0
	}
	var words [8]byte
	binary.BigEndian.PutUint32(words[:], next)
	binary.BigEndian.PutUint32(words[4:], h.FreelistPages+w.freed)
	_, err := f.WriteAt(words[:], 32)
	return err
}
