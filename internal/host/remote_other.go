//go:build !windows

package host

// remote is for systems that name a network file system only by its type.
func remote(string) bool { return false }
