package main

import (
	"context"
	"fmt"
	"os"

	"github.com/officer-doofy/officer/internal/process"
)

// lives is who a sidecar lives for: it ends when its parent ends or its stdin is closed.
// Either is enough. A pipe alone would not do, another process may have inherited its
// other end; nor would the parent, which may be a wrapper that outlives the app.
type lives struct {
	parent *process.Parent
	stdin  *os.File
}

// livesOf takes hold of them. Who is not there says nothing: a stdin that is a terminal,
// the null device or closed before, a parent that is process 1.
func livesOf(o *runOrder, stdin any) *lives {
	l := &lives{}
	if !o.sidecar {
		return l
	}
	l.parent = process.FindParent(o.parent)
	if f, ok := stdin.(*os.File); ok && process.Lifeline(f) {
		l.stdin = f
	}
	return l
}

// watch ends the run when one of them ends.
func (l *lives) watch(ctx context.Context, end *ending) {
	if l.stdin != nil {
		go func() {
			process.Ended(l.stdin)
			end.want("stdin was closed", 0)
		}()
	}
	if l.parent != nil && l.parent.Gone(ctx) {
		end.want(fmt.Sprintf("the parent (pid %d) ended", l.parent.PID()), 0)
	}
}

// names says which are watched.
func (l *lives) names() []string {
	names := []string{}
	if l.parent != nil {
		names = append(names, "parent")
	}
	if l.stdin != nil {
		names = append(names, "stdin")
	}
	return names
}
