package main

import "errors"

// become is not needed here: scripts that take rights away are for Unix.
func become(int) error { return errors.ErrUnsupported }
