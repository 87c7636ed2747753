package laws

import (
	"go/ast"
)

// noDisk lists the files whose names in the file system are not on a disk, so that a
// simulated one has nothing to say about them.
func noDisk() map[string]string {
	return map[string]string{
		"internal/sqlite/conn.go":          "looks what a path names before SQLite opens it; a named VFS never comes here",
		"internal/sqlite/identity.go":      "compares SQLite's own descriptor with what the path names, without opening it",
		"internal/sqlite/guard_linux.go":   "reads /proc/self/fd, the kernel's table of this process's descriptors",
		"internal/host/holders_linux.go":   "reads /proc, the kernel's tables of locks and of open files",
		"internal/process/parent_linux.go": "a pidfd is a process, not a file",
		"internal/control/socket.go":       "makes the private directory of a unix socket in the runtime directory",
		"internal/control/socket_unix.go":  "a unix socket is an address: its mode and its left-over name are the listener's business",
	}
}

// filesGoThroughFSX forbids the functions of os that touch files.
func filesGoThroughFSX(h house) (broken []string) {
	functions := []string{"Open", "OpenFile", "OpenInRoot", "OpenRoot", "Create", "CreateTemp", "NewFile", "ReadFile", "WriteFile",
		"Remove", "RemoveAll", "Rename", "Mkdir", "MkdirAll", "MkdirTemp", "Stat", "Lstat", "ReadDir", "Truncate", "Chmod",
		"Chown", "Lchown", "Chtimes", "Link", "Symlink", "Readlink", "DirFS", "CopyFS"}
	for _, s := range h {
		if _, spared := noDisk()[s.path]; spared || s.test || within(s.dir, "internal/fsx", "cmd", "bench", "test", "examples") {
			continue
		}
		for _, n := range s.uses("os", functions...) {
			broken = append(broken, s.at(n)+": os."+n.(*ast.SelectorExpr).Sel.Name)
		}
		for _, n := range s.uses("path/filepath", "Walk", "WalkDir", "Glob", "EvalSymlinks") {
			broken = append(broken, s.at(n)+": filepath."+n.(*ast.SelectorExpr).Sel.Name)
		}
		for _, n := range s.uses("io/ioutil", "ReadFile", "WriteFile", "ReadDir", "TempFile", "TempDir") {
			broken = append(broken, s.at(n)+": ioutil."+n.(*ast.SelectorExpr).Sel.Name)
		}
	}
	return broken
}

// nobodySleeps forbids time.Sleep everywhere but in the test kit, whose sleeps are
// virtual.
func nobodySleeps(h house) (broken []string) {
	for _, s := range h {
		if within(s.dir, "testkit") && !s.test {
			continue
		}
		for _, n := range s.uses("time", "Sleep") {
			broken = append(broken, s.at(n)+": time.Sleep")
		}
	}
	return broken
}

// actorTraps forbids the functions of protoactor that lose messages, race or block.
func actorTraps(h house) (broken []string) {
	traps := map[string]bool{"SetReceiveTimeout": true, "Stash": true, "ReenterAfter": true, "RequestFuture": true,
		"StopFuture": true, "PoisonFuture": true, "WithMetricProviders": true, "WithDefaultPrometheusProvider": true,
		"Bounded": true, "BoundedDropping": true, "UnboundedPriority": true, "UnboundedPriorityMpsc": true,
		"NewExponentialBackoffStrategy": true, "NewRestartingStrategy": true, "NewAllForOneStrategy": true}
	for _, s := range h {
		if s.local("github.com/asynkron/protoactor-go/actor") == "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && traps[sel.Sel.Name] {
				broken = append(broken, s.at(sel)+": "+sel.Sel.Name)
			}
			return true
		})
	}
	return broken
}

// actorsComeFromKit forbids props without the guard.
func actorsComeFromKit(h house) (broken []string) {
	for _, s := range h {
		if s.test || within(s.dir, "internal/kit") {
			continue
		}
		for _, n := range s.uses("github.com/asynkron/protoactor-go/actor", "PropsFromProducer", "PropsFromFunc", "PropsFromProducerWithActorSystem") {
			broken = append(broken, s.at(n)+": props without the guard; use kit.Props")
		}
	}
	return broken
}

// nobodyExits keeps a library from ending its host.
func nobodyExits(h house) (broken []string) {
	for _, s := range h {
		if s.test || within(s.dir, "cmd", "bench", "examples") {
			continue
		}
		for _, n := range s.uses("os", "Exit") {
			broken = append(broken, s.at(n)+": os.Exit")
		}
		for _, n := range s.uses("log", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Print", "Printf", "Println") {
			broken = append(broken, s.at(n)+": log."+n.(*ast.SelectorExpr).Sel.Name)
		}
		for _, n := range s.uses("fmt", "Print", "Printf", "Println") {
			broken = append(broken, s.at(n)+": fmt."+n.(*ast.SelectorExpr).Sel.Name)
		}
	}
	return broken
}
