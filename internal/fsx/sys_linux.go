package fsx

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
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
