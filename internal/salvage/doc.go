// Package salvage gets rows out of a damaged SQLite database without trusting any of
// its pointers, and says of each row what proves it.
//
// The story, in the order of [Run]:
//
//   - Geometry by vote (geometry.go, encoding.go): page size, reserved bytes and
//     encoding are what most pages say, the header only one voice among them.
//   - The newest committed state (log.go, flip.go, stale.go, undo.go, store.go): frames of
//     the write-ahead log judged one by one, a flipped bit in one put right by its
//     checksum, a log that was left behind told by the pages, a hot journal undone.
//   - The schema (catalog.go): from its tree, from loose pages, from the backup.
//   - The chart (walk.go, chart.go, leaf.go): every b-tree is walked, and a page is
//     taken for a child only if its keys lie between those of its parent. Where no page
//     fits there is a gap with a known range of keys.
//   - Orphans (audition.go, orphan.go): pages that no tree holds go only into a gap that
//     holds all their keys, of the one table that their rows fit.
//   - Damaged pages (carve.go): rows by strict decoding at every offset.
//   - Overflow chains (chain.go): of exact length, ending in 0, of one owner.
//   - The backup (base.go, keys.go): its rows only where the chart has gaps, so that
//     nothing that was deleted returns; counted apart.
//   - Writing (write.go): the best evidence first, so that of two rows with one key the
//     better proven one stands. What is not proven is a stray (stray.go).
//
// It is pure: bytes come from io.ReaderAt, rows go to a [Sink]. Memory is bounded by
// three bytes a page and a few pages; whatever the input, it ends without a panic.
package salvage
