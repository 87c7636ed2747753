// Command bench measures Officer beside what else does the same work, in one run on one
// machine: it builds its databases, runs Officer's program as it is released and each
// peer that it finds in turn, and prints the tables of docs/benchmarks.md. What counts
// are the ratios: seconds say as much about the machine as about the program.
//
//	go run ./bench -sizes 100MB,1GB > table.md
//
// Each round runs every side once, in alternating order, so that what else the machine
// does falls on all of them; a figure is the median of the rounds, with the least and the
// most. A miss of a target is shown as a miss.
package main
