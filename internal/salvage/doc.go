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
//     What leaves open whether it is the newest (dating.go) puts all rows in doubt.
//   - The schema (catalog.go, statement.go): from its tree, from loose pages, from the
//     backup; a CREATE TABLE with wrong bytes in it mended by its rows and indexes.
//   - The chart (walk.go, chart.go, leaf.go, mend.go): every b-tree is walked, and a page
//     is taken for a child only if its keys lie between those of its parent, after the one
//     bit of its head was put right without which it breaks no rule. Where no page fits
//     there is a gap with a known range of keys.
//   - Orphans (audition.go, orphan.go, island.go, witness.go): pages that no tree holds go
//     only into a gap that holds all their keys, of the one table that their rows fit or
//     that an index knows them of; the pointer map (mapped.go) decides between equals, in doubt.
//   - The proof (trial.go, testimony.go, judge.go): tables against their indexes, by sums
//     of few neighbouring rows first; a row that an index contradicts is doubted, a value
//     that its order disproves replaced, a row that only indexes have put together.
//   - Damaged pages (carve.go): rows by strict decoding at every offset.
//   - Overflow chains (chain.go, tails.go): of exact length, ending in 0, of one owner; one
//     that was cut put together with what is left over, in doubt.
//   - Older images of lost pages (older.go, freed.go): what the log, the file and free pages
//     still have, only for gaps, and in doubt.
//   - The backup (base.go, keys.go, twin.go): its rows only where the chart has gaps, so
//     that nothing that was deleted returns; counted apart. Rows that differ from its own
//     as flipped bits would make it are doubted.
//   - The grade (grade.go): a row is confirmed only by something other than itself: the backup
//     has it just so, indexes that agree hold all of it, or the log does.
//   - Writing (write.go): the best evidence first, so that of two rows with one key the
//     better proven one stands. What is not proven is a stray (stray.go).
//
// It is pure: bytes come from io.ReaderAt, rows go to a [Sink]. Memory is bounded by
// three bytes a page, eighty kilobytes an index, a few pages and four megabytes of what
// indexes say; whatever the input, it ends without a panic.
package salvage
