// Package campaign is the fault campaign: each thing that Officer does, on a simulated
// disk (testkit/simfs), with a fault at each of its operations, and after the crash and
// the next start a look at whether the promises hold that README and docs/reliability.md
// make. Counts, seed and the one command that repeats a failure are printed.
//
//	OFFICER_POINTS=20000 OFFICER_SEED=7 go test -run TestCampaign -v ./test/campaign
//	OFFICER_FAULT=backup/7/cut@backups:12 go test -run TestCampaign -v ./test/campaign
package campaign
