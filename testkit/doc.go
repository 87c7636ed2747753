// Package testkit is what tests of Officer, and tests of programs that talk to it, are
// made of:
//
//   - Build, BuildArchive: databases of every shape SQLite knows, the same bytes of
//     content at every run;
//   - Flip, ZeroPage, SwapPages, CutWAL, …: damage, seeded, each saying what it did;
//   - Run and Bench: an actor system in a testing/synctest bubble, where a year takes
//     seconds, which stops everything and checks every database at the end;
//   - Probe: a stand-in for a neighbour that records what it hears and answers by plan;
//   - StartWriter: a foreign process with another SQLite that commits all the time and
//     keeps a ledger of what was acknowledged.
//
// A test sends messages and looks at messages and files; it never reaches into an actor.
package testkit
