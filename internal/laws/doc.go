// Package laws holds the tests that keep the house as ARCHITECTURE.md and
// CONTRIBUTING.md describe it: who imports whom, how long a function may be, what is
// never called. Each law has its reason, and the reason is what a violation prints.
// A law is changed here, in the open, or it is obeyed.
package laws
