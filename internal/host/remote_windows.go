package host

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// remote asks what kind of drive a path is on: a share bears the type of the file
// system that the server has.
func remote(path string) bool {
	root, err := windows.UTF16PtrFromString(filepath.VolumeName(path) + `\`)
	return err == nil && windows.GetDriveType(root) == windows.DRIVE_REMOTE
}
