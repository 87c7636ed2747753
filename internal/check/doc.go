// Package check proves a database file whole, or says what is wrong with it, from its
// pages alone. It also holds the words that every check speaks, whoever did the looking:
// verdict, findings, foreign-key violations and broken app rules.
//
// [Verify] sees what PRAGMA integrity_check sees
// (https://sqlite.org/pragma.html#pragma_integrity_check) and reads every page once, in
// the order of the b-trees. That table and index hold the same is not looked up row by
// row: both sides are summed up, in sums that do not depend on the order, and compared.
// What only SQLite can judge (expressions, foreign collations, modules) goes to a
// [Judge], or is named.
//
// The package is pure. Pages come from the caller, and so does whoever runs the units
// of work, one after the other or at once ([Crew]).
package check
