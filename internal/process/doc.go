// Package process knows the processes around this one: the parent that it lives for,
// the child that it runs, and, as process 1 of a container, the orphans that nobody else
// buries. Files that a path names are none of its business: see fsx.
package process
