//go:build !linux

package process

import "context"

// Bury does nothing here: only a container of Linux has this process as its first.
func Bury(context.Context, func(pid int) bool) {}
