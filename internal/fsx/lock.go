package fsx

// Locker is an FS with locks of its own: one whose files the operating system does not
// know, so that flock(2) has nothing to lock.
type Locker interface {
	// TryLock makes the file name when it is missing and takes the one lock on it. got is
	// false when another process holds it; release gives it back, as does the holder's end.
	TryLock(name string) (release func(), got bool, err error)
}
