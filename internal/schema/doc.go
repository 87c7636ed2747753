// Package schema understands the CREATE statements that SQLite keeps in sqlite_schema
// as far as it takes to read rows and index entries: columns with affinity, collation
// and default, keys, the indexes that constraints imply, foreign keys.
//
// It never guesses. What it does not know for certain it calls by name: a statement
// that it cannot read at all is [UnusualError]; an expression (CHECK, generated column, WHERE
// of a partial index) is skipped and noted, because only SQLite can compile it.
package schema
