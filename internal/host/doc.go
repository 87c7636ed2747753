// Package host tells facts of the machine: which volume a path lies on and how much
// room it has, and what other processes do. It is the only importer of gopsutil; it
// judges nothing (internal/space and the actors do).
package host
