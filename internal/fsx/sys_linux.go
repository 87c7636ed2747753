package fsx

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/officer-doofy/officer/internal/fault"
)

func renameNoReplace(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if err == nil {
		return nil
	}
	if !unsupported(err) {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	if err = linkUnlink(from, to); err != nil && unsupported(err) {
		return lstatRename(from, to)
	}
	return err
}

func dropCache(f *os.File) error {
	// Dirty pages cannot be dropped; callers sync before.
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// OpenUncached opens a file with O_DIRECT, where the system says that this file is then
// read from the device: some file systems take the flag and read from the page cache all the
// same, as ext4 does for a file whose data goes through its journal.
func (osFS) OpenUncached(name string) (File, error) {
	const op = "open file past the cache"
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_DIRECT|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		if unsupported(err) {
			return nil, fault.Wrap(fault.Refused, op, "the volume cannot", err)
		}
		return nil, Wrap(op, &os.PathError{Op: "open", Path: name, Err: err})
	}
	f := os.NewFile(uintptr(fd), name)
	var st unix.Statx_t
	err = unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st)
	fits := func(bytes uint32) bool { return bytes > 0 && bytes <= alignBytes }
	if err != nil || st.Mask&unix.STATX_DIOALIGN == 0 || !fits(st.Dio_mem_align) || !fits(st.Dio_offset_align) {
		_ = f.Close()
		return nil, fault.New(fault.Refused, op, "the system does not say how")
	}
	return osFile{f}, nil
}

// Names of the magic numbers of statfs(2).
func fsName(magic int64) string {
	switch uint32(magic) {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.NFS_SUPER_MAGIC:
		return "nfs"
	case unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return "cifs"
	case unix.FUSE_SUPER_MAGIC:
		return "fuse"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay"
	case unix.MSDOS_SUPER_MAGIC:
		return "vfat"
	case unix.F2FS_SUPER_MAGIC:
		return "f2fs"
	case unix.V9FS_MAGIC:
		return "9p"
	case unix.SQUASHFS_MAGIC:
		return "squashfs"
	case 0x2fc12fc1:
		return "zfs"
	case 0x2011bab0:
		return "exfat"
	}
	return "0x" + strconv.FormatUint(uint64(uint32(magic)), 16)
}

func space(path string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return Space{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	unit := st.Frsize
	if unit <= 0 {
		unit = st.Bsize
	}
	inodes := int64(st.Ffree)
	if st.Files == 0 {
		inodes = -1 // btrfs and others make inodes as they go
	}
	return Space{
		TotalBytes: int64(st.Blocks) * int64(unit),
		FreeBytes:  int64(st.Bavail) * int64(unit),
		FreeInodes: inodes,
		FSType:     fsName(int64(st.Type)),
	}, nil
}
