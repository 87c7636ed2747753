// Package salvage scores what a recovery brings back: it damages databases of every kind
// in every way of a list, recovers them with and without an older copy, and compares each
// row with the truth. A small part runs with all other tests; `make salvage` runs more of
// it, beside .recover of the sqlite3 shell where there is one, and prints the table of
// docs/recovery.md.
package salvage
