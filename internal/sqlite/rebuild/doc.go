// Package rebuild writes the new database of a salvage: it takes rows one by one,
// binds their values (SQL text would cut TEXT at a NUL), keeps rowids, leaves generated
// columns to SQLite, and makes indexes, virtual tables, views and triggers when all
// rows are in. Rows that a constraint forbids go to a table lost_and_found.
package rebuild
