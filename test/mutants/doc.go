// Package mutants breaks Officer on purpose, one defect at a time, and looks whether a test
// notices. Each mutant is a place in the production code, the defect, and the test that
// must fail because of it; one that survives is a defect of the tests.
//
//	make mutants                                   all of them; takes minutes
//	OFFICER_MUTANTS=6 OFFICER_SEED=7 go test -v -run TestMutants_areKilled ./test/mutants
//	OFFICER_MUTANT=fence.none go test -v -run TestMutants_areKilled ./test/mutants
//
// Nothing is written to the tree: the compiler is given the changed file in place of the
// other (go help build, -overlay). That every place still exists exactly once is tried by
// every go test ./... .
package mutants
