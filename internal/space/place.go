package space

import "strings"

// networkTypes are file systems that another machine, or a program in between, serves:
// their locks and fsync cannot be trusted with a database
// (https://sqlite.org/howtocorrupt.html#_filesystems_with_broken_or_missing_lock_implementations).
// WAL does not work over them at all (https://sqlite.org/wal.html, disadvantage 2).
var networkTypes = map[string]bool{
	"nfs": true, "nfs4": true, "cifs": true, "smb": true, "smb2": true, "smb3": true, "smbfs": true, "afpfs": true,
	"webdav": true, "davfs": true, "9p": true, "v9fs": true, "virtiofs": true, "vboxsf": true, "prl_fs": true,
	"vmhgfs": true, "ceph": true, "glusterfs": true, "lustre": true, "afs": true, "coda": true, "ncpfs": true,
	"gfs2": true, "ocfs2": true, "beegfs": true, "gpfs": true, "fuse": true, "macfuse": true, "osxfuse": true,
}

// localFUSE are file systems on a disk of this machine that a program serves.
var localFUSE = map[string]bool{
	"fuseblk": true, "fuse.ntfs-3g": true, "fuse.ntfs": true, "fuse.exfat": true, "fuse.lxcfs": true, "fuse.gocryptfs": true,
}

// Network tells whether a type of file system, as the table of mounts or statfs names
// it, is served from elsewhere.
func Network(fsType string) bool {
	t := strings.ToLower(fsType)
	if localFUSE[t] {
		return false
	}
	return networkTypes[t] || strings.HasPrefix(t, "fuse.")
}

// CloudFolder names the service whose client keeps a folder above path in step with
// other machines, by copying files while SQLite writes them; "" = none known.
func CloudFolder(path string) string {
	parts := strings.FieldsFunc(strings.ToLower(path), func(r rune) bool { return r == '/' || r == '\\' })
	for i, p := range parts {
		stored := i > 0 && parts[i-1] == "cloudstorage" // macOS: ~/Library/CloudStorage/OneDrive-Contoso
		switch {
		case p == "dropbox", strings.HasPrefix(p, "dropbox ("), stored && strings.HasPrefix(p, "dropbox"):
			return "Dropbox"
		case p == "onedrive", strings.HasPrefix(p, "onedrive - "), stored && strings.HasPrefix(p, "onedrive"):
			return "OneDrive"
		case p == "icloud drive", p == "iclouddrive", p == "mobile documents" && i > 0 && parts[i-1] == "library":
			return "iCloud Drive"
		case p == "google drive", p == "googledrive", stored && strings.HasPrefix(p, "googledrive"):
			return "Google Drive"
		}
	}
	return ""
}
