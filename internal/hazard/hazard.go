// Package hazard knows defects of SQLite versions that endanger a database, judged by
// the version that wrote it last.
package hazard

import "strconv"

// The versions, as SQLITE_VERSION_NUMBER has them: major*1,000,000 + minor*1,000 + patch
// (https://sqlite.org/c3ref/c_source_id.html).
const (
	walBegan  = 3007000 // the first with a WAL
	walFixed  = 3051003 // the first of the main line without the WAL-reset defect
	fixed3044 = 3044006 // repaired in the branches 3.44 …
	fixed3050 = 3050007 // … and 3.50
)

// WALReset tells whether a SQLite has the defect by which two connections that write or
// checkpoint in the same moment as the WAL is reset can lose a transaction and damage the
// database (https://sqlite.org/wal.html#the_wal_reset_bug): 3.7.0 to 3.51.2, except
// 3.44.6 and later of 3.44, and 3.50.7 and later of 3.50. version is the number in the
// database header at offset 96 (https://sqlite.org/fileformat2.html#write_library_version_number_and_version_valid_for);
// 0 = unknown, which accuses nobody.
func WALReset(version int) bool {
	switch {
	case version < walBegan, version >= walFixed:
		return false
	case version/1000 == fixed3044/1000:
		return version < fixed3044
	case version/1000 == fixed3050/1000:
		return version < fixed3050
	}
	return true
}

// WALResetFix names the nearest version without the defect for a version that has it.
func WALResetFix(version int) string {
	switch version / 1000 {
	case fixed3044 / 1000:
		return Version(fixed3044)
	case fixed3050 / 1000:
		return Version(fixed3050)
	}
	return Version(walFixed)
}

// Version writes a version number as people do: "3.46.1"; "" for 0 and below.
func Version(number int) string {
	if number <= 0 {
		return ""
	}
	return strconv.Itoa(number/1000000) + "." + strconv.Itoa(number/1000%1000) + "." + strconv.Itoa(number%1000)
}
