// Package simfs is a disk in memory that can be made to fail at any operation: the
// fault simulator of Officer. SQLite (by internal/sqlite/fsvfs) and Officer's own files
// (fsx.FS) work on the same Disk, so that every write, fsync and rename of both has one
// number, and a Fault can strike at each of them:
//
//   - an I/O error, a full disk, a short write, an fsync that fails once and forgets what
//     it had to write, an fsync that lies;
//   - a kill: what was written stays, as it does in the page cache;
//   - a power cut: of what was not synced a seeded part stays, torn at 512 bytes, and of
//     the names of files only a beginning of what was done since the folder was synced.
//
// What the medium keeps is what POSIX promises and no more: content by fsync of the file,
// names by fsync of their folder, each in the order in which it was done. Real file
// systems keep more, mostly. A Life is one process on the disk, from its start until it
// ends, is killed or loses power; the same seed and the same calls give the same run, and
// Hash says so.
package simfs
