// Package bulk writes whole b-trees into a SQLite database file, from the leaves up, out of
// rows and entries that come in key order. It does what many thousand INSERTs do, in the
// time of one pass and in the memory of a few pages.
//
// SQLite makes the file and its schema, so that every table and every index of a constraint
// has its root page, an empty leaf. [Open] goes on from there: a [Tree] takes cells in
// order, writes full pages behind the end of the file and its top over the root page. A
// [Sorter] puts the entries of an index in order, in bounded memory, by keys that compare as
// bytes ([Key]); a [Record] encodes values. [File.Publish] tells the header how far the
// file goes, and SQLite may read it again. The two never write at the same time.
//
// What is written is what SQLite itself would leave after appending in order: pages filled to
// the last cell that fits, no freeblocks, no fragments. Databases with pointer maps are
// refused ([ErrPointerMap]).
//
// Source: https://sqlite.org/fileformat2.html.
package bulk
