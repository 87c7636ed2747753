package mutants

import "slices"

// mutants are all of them, by what they break.
func mutants() []mutant {
	return slices.Concat(durable(), verified(), retained(), contained(), restored(), parsed(), kept(), guarded())
}

// Kinds of test that kill.
const (
	core  = "core"  // a pure rule
	files = "files" // an adapter, on files
	actor = "actor" // one actor on a bench
	tree  = "tree"  // the whole Officer
	sim   = "disk"  // the fault campaign on the simulated disk
	api   = "api"   // the socket and the port
)

func test(layer, pkg, run string) kill { return kill{layer: layer, pkg: pkg, run: run} }

// struck is the campaign over one protocol.
func struck(protocol, points string) kill {
	return kill{layer: sim, pkg: "test/campaign", run: "TestCampaign_everyPromiseHoldsAfterAnyFault",
		env: []string{"OFFICER_ONLY=" + protocol, "OFFICER_POINTS=" + points, "OFFICER_SEED=1"}}
}

// durable: what was answered is still there after the power was cut (P1, P2).
func durable() []mutant {
	return []mutant{
		{"write.fsync_left_out", "P2", "internal/fsx/files.go",
			"\t_, err = f.Write(data)\n\tif err == nil {\n\t\terr = f.Sync()\n\t}", "\t_, err = f.Write(data)",
			struck("backup", "400")},
		{"write.folder_fsync_left_out", "P1", "internal/fsx/files.go",
			"serr := fsys.SyncDir(filepath.Dir(name)); serr != nil", "serr := error(nil); serr != nil",
			test(files, "internal/fsx", "TestWriteAtomic_failingAtAnyCallLeavesOldOrNewAndNoStray")},
		{"write.rename_before_fsync", "P2", "internal/fsx/files.go",
			"\t_, err = f.Write(data)\n\tif err == nil {\n\t\terr = f.Sync()\n\t}", "\t_, err = f.Write(data)\n\tif err == nil {\n\t\terr = fsys.Rename(temp, name)\n\t}\n\tif err == nil {\n\t\terr = f.Sync()\n\t}\n\tif err == nil {\n\t\t_ = f.Close()\n\t\treturn Wrap(\"write\", fsys.SyncDir(filepath.Dir(name)))\n\t}",
			struck("backup", "400")},
		{"write.error_swallowed", "P8", "internal/fsx/files.go",
			"\tif err != nil {\n\t\treturn Wrap(\"write \"+filepath.Base(name), err)\n\t}\n\tif err = fsys.Rename", "\tif err = fsys.Rename",
			test(files, "internal/fsx", "TestWriteAtomic_failingAtAnyCallLeavesOldOrNewAndNoStray")},
		{"write.stray_left", "P7", "internal/fsx/files.go",
			"\t\tif err != nil {\n\t\t\t_ = fsys.Remove(temp)\n\t\t}", "",
			test(files, "internal/fsx", "TestWriteAtomic_failingAtAnyCallLeavesOldOrNewAndNoStray")},
		{"publish.folders_not_synced", "P1", "internal/shelf/shelf.go",
			"for levels := strings.Count(rel, \"/\") + homeLevels; levels >= 0; levels--", "for levels := -1; levels >= 0; levels--",
			struck("first", "300")},
		{"publish.clobbers", "P1", "internal/shelf/shelf.go",
			"s.cfg.FS.RenameNoReplace(temp, final)", "s.cfg.FS.Rename(temp, final)",
			test(files, "internal/shelf", "TestPublish_replacesNothing")},
		{"publish.list_before_file", "P2", "actors/backup/publish.go",
			"\t\t\tif err == nil {\n\t\t\t\terr = b.cfg.Shelf.Publish(temp, e.File)\n\t\t\t}\n\t\t\tif err == nil {\n\t\t\t\terr = b.cfg.Shelf.Save(next)\n\t\t\t}",
			"\t\t\tif err == nil {\n\t\t\t\terr = b.cfg.Shelf.Save(next)\n\t\t\t}\n\t\t\tif err == nil {\n\t\t\t\terr = b.cfg.Shelf.Publish(temp, e.File)\n\t\t\t}",
			struck("backup", "400")},
		{"remove.file_before_list", "P2", "internal/shelf/shelf.go",
			"\tif err := s.Save(next); err != nil {\n\t\treturn m, err\n\t}\n\tif err := s.cfg.FS.Remove(file); err != nil {",
			"\terr = s.cfg.FS.Remove(file)\n\tif serr := s.Save(next); serr != nil {\n\t\treturn m, serr\n\t}\n\tif err != nil {",
			test(files, "internal/shelf", "TestShelf_killedAtEveryOperation")},
		{"move.old_name_first", "P2", "internal/shelf/move.go",
			"\terr := s.link(r.oldFile, r.newFile)\n", "\terr := s.cfg.FS.RenameNoReplace(r.oldFile, r.newFile)\n",
			struck("expiry", "400")},
		{"home.name_not_synced", "P1", "internal/fsx/files.go",
			"\tfor _, d := range missing {\n", "\tfor _, d := range missing[:0] {\n",
			test(files, "internal/fsx", "TestMakeDirs_syncsEachNewName")},
		{"manifest.lost_is_empty", "P2", "internal/shelf/load.go",
			"\tm, _ := manifest.Rebuild(s.cfg.Name, s.facts(found.backups))\n\tif err := s.keep(m)", "\tm, _ := manifest.Rebuild(s.cfg.Name, s.facts(found.backups[:0]))\n\tif err := s.keep(m)",
			test(files, "internal/shelf", "TestLoad_lostIsRebuilt")},
	}
}

// verified: only what was read back and compared is called a backup (P1).
func verified() []mutant {
	return []mutant{
		{"verify.result_ignored", "P1", "actors/backup/examine.go",
			"\t\tp.findings = slices.Clone(report.Findings)\n\t\tif len(p.findings) == 0 {", "\t\tif false {",
			test(actor, "actors/backup", "TestVerifyBackups_judgesWhatLiesThere")},
		{"verify.content_not_compared", "P1", "internal/sqlite/verify.go",
			"\t\tcase w.Digest != g.Digest:", "\t\tcase false:",
			test(files, "internal/sqlite", "TestContent_seesAnyFlippedPayloadByteThatIntegrityCheckPasses|TestContent_seesEveryDifference")},
		{"verify.schema_not_compared", "P1", "internal/sqlite/verify.go",
			"\tif want.SchemaDigest != got.SchemaDigest {", "\tif false {",
			test(files, "internal/sqlite", "TestContent_seesEveryDifference")},
		{"verify.digest_not_compared", "P1", "actors/backup/examine.go",
			"\t\tcase h.Digest != w.Digest:", "\t\tcase false:",
			test(actor, "actors/backup", "TestTakeBackup|TestVerifyBackups")},
		{"copy.pages_not_proved", "P1", "internal/sqlite/copypages.go",
			"\tif hex.EncodeToString(h.Sum(nil)) != j.result.SHA256 {", "\tif hex.EncodeToString(h.Sum(nil)) == \"\" {",
			test(files, "internal/sqlite", "TestCopy_ofWhichADiskChangedAByteIsRefused")},
		{"readback.seal_ignored", "P1", "actors/backup/examine.go",
			"\tcase r.GetSeal() != p.seal, ", "\tcase r.GetSeal() == 0 && r.GetSeal() != p.seal, ",
			test(actor, "actors/backup", "TestTakeBackup_copyThatDiffersIsDeletedAndRetried")},
		{"readback.before_fsync", "P1", "internal/fsx/seal.go",
			"\tif err := SyncFile(fsys, op, name); err != nil {", "\tif err := error(nil); err != nil {",
			test(files, "internal/fsx", "TestReadBack_syncsAndDropsBeforeItReads")},
		{"readback.from_memory", "P1", "internal/fsx/seal.go",
			"\t_ = fsys.DropCache(f) // advice only, as in HashFile\n", "",
			test(files, "internal/fsx", "TestReadBack_syncsAndDropsBeforeItReads")},
		{"copy.left_in_wal_mode", "P1", "internal/sqlite/copypages.go",
			"\t\tp[18], p[19] = 1, 1\n", "\t\tp[18], p[19] = 2, 2\n",
			test(files, "internal/sqlite", "TestCopy_holdsTheSameForEveryKind")},
		{"drill.always_well", "P3", "actors/backup/drill.go",
			"OK: detail == \"\",", "OK: true,",
			test(actor, "actors/backup", "TestDrillNow_whatGoesWrong")},
		{"check.indexes_not_compared", "P12", "internal/check/compare.go",
			"case rows.rows == entries.rows && (rows.indexes == nil || rows.indexes[i] == entries.entries):", "case true:",
			test(core, "internal/check", "TestVerify_namesWhatIsWrong")},
		{"chain.hash_always_fits", "P3", "internal/manifest/chain.go",
			"hash, err := l.entry.hash(); err != nil || hash != l.hash", "hash, err := l.entry.hash(); err != nil || hash != hash",
			test(core, "internal/manifest", "TestVerifyChain_namesWhatWasTamperedWith")},
		{"events.hash_always_fits", "P2", "internal/journal/journal.go",
			"return l, digest(object) == l.Hash, true", "return l, true, true",
			test(core, "internal/journal", "TestRead_namesWhatWasDone")},
	}
}

// retained: never without a good one (P3).
func retained() []mutant {
	return []mutant{
		{"retention.drops_before_a_newer_is_verified", "P3", "internal/retention/plan.go",
			"if len(c.items) == 0 || c.items[0].id != c.VerifiedID {", "if false {",
			test(core, "internal/retention", "TestPlan_invariants")},
		{"retention.drops_while_suspect", "P3", "internal/retention/plan.go",
			"\tif c.LiveSuspect {", "\tif false {",
			test(core, "internal/retention", "TestPlan_invariants|TestExplain_golden")},
		{"retention.believes_a_clock_set_back", "P3", "internal/retention/plan.go",
			"case passed < -clockSkew:", "case false:",
			test(core, "internal/retention", "TestPlan_invariants|TestExplain_golden")},
		{"retention.counts_the_future", "P3", "internal/retention/plan.go",
			"case b.TakenAt.After(c.Now.Add(clockSkew)):", "case false:",
			test(core, "internal/retention", "TestPlan_invariants|TestExplain_golden")},
		{"retention.counts_unverified", "P3", "internal/retention/plan.go",
			"\tcase !b.Verified:", "\tcase false:",
			test(core, "internal/retention", "TestPlan_invariants|TestExplain_golden")},
		{"retention.drops_the_pinned", "P3", "internal/retention/plan.go",
			"func (c *cycle) pinnedFor(b Backup) bool { return b.PinnedUntil.After(c.Now) }", "func (c *cycle) pinnedFor(b Backup) bool { return false }",
			test(core, "internal/retention", "TestPlan_pinUntil")},
		{"backup.suspect_counts", "P3", "actors/backup/publish.go",
			"\tcase t.suspect:\n\t\te.State", "\tcase false:\n\t\te.State",
			test(actor, "actors/backup", "TestTakeBackup_ofSuspectDatabaseNeverCounts")},
		{"backup.empty_database_counts", "P3", "actors/backup/emptied.go",
			"if len(t.backup.content.Tables) > 0 || len(t.standing.Tables) == 0 || t.msg.GetForce() {", "if true {",
			test(actor, "actors/backup", "TestTakeBackup_ofADatabaseThatLostAllItsTablesIsRefused")},
	}
}

// contained: damage is found by two looks, and nothing makes it worse (P4, P9, P10).
func contained() []mutant {
	return []mutant{
		{"integrity.believes_one_look", "P4", "actors/integrity/run.go",
			"\t\tif !r.sawDamage {\n", "\t\tif false {\n",
			test(actor, "actors/integrity", "TestDamage_seenOnceIsNone")},
		{"integrity.fence_not_raised", "P4", "actors/integrity/damage.go",
			"\ti.fence(ctx)\n\ti.showDamage(ctx)\n\tif news {", "\ti.showDamage(ctx)\n\tif news {",
			test(actor, "actors/integrity", "TestDamage_isActedOnWhenSeenTwice")},
		{"sqlite.io_error_is_damage", "P4", "internal/sqlite/errors.go",
			"return fault.IO, \"the file system failed\", true", "return fault.Corrupt, \"the file system failed\", true",
			test(files, "internal/sqlite", "TestCheckFull_aPageThatCannotBeReadIsNoDamage")},
		{"fence.takes_no_lock", "P4", "internal/sqlite/fence.go",
			"if err := c.db.Exec(`BEGIN IMMEDIATE`); err != nil {", "if err := c.db.Exec(`BEGIN`); err != nil {",
			test(files, "internal/sqlite", "TestFence_keepsWritersOutAndReadersIn")},
		{"fence.first_reason_lifts_all", "P9", "actors/dbowner/ledger.go",
			"l.reasons = slices.Delete(l.reasons, at, at+1)", "l.reasons = nil",
			test(actor, "actors/dbowner", "TestFence_holdsUntilTheLastReasonIsLifted")},
		{"wal.checkpoints_damage", "P4", "actors/wal/round.go",
			"\tif w.ledger.suspect {\n\t\tw.skip", "\tif false {\n\t\tw.skip",
			test(actor, "actors/wal", "TestSuspectOrFenced_noCheckpointAtAll")},
		{"maint.rebuilds_damage", "P4", "actors/maint/errand.go",
			"\t\ts.Suspect = \"damage was found\"", "\t\ts.Suspect = \"\"",
			test(actor, "actors/maint", "TestDue_isSkippedForAGoodReason")},
		{"owner.foreign_driver_not_seen", "P10", "internal/sqlite/guard_linux.go",
			"\t\tif !held[d.fd] && (d.main || complete) {", "\t\tif false && complete {",
			test(files, "internal/sqlite", "TestForeignDriverGuard_findsAnotherSQLite")},
		{"home.lock_not_taken", "P10", "supervisor/home.go",
			"got, err = lock.TryLockContext(waiting, lockRetry)", "got, err = true, waiting.Err()",
			test(tree, "supervisor", "TestStart_waitsForALockUntilItIsInterrupted")},
		{"disk.never_full", "P8", "internal/space/level.go",
			"\tcase freeBytes < l.WritesBytes:\n\t\treturn WritesBlocked", "\tcase false:\n\t\treturn WritesBlocked",
			test(core, "internal/space", "TestNext_level")},
		{"disk.flaps", "P9", "internal/space/level.go",
			"\treturn min(was, calm.at(freeBytes))", "\treturn min(now, calm.at(freeBytes))",
			test(core, "internal/space", "TestNext_doesNotFlap")},
		{"errors.full_disk_is_an_io_error", "P8", "internal/sqlite/errors.go",
			"if code == fault.IO && c.volumeFull() {", "if false {",
			test(files, "internal/sqlite", "TestErrors_fullDiskIsToldFromIOError")},
	}
}

// restored: what is put back is what was asked for, and what it replaces is kept (P4 to P7).
func restored() []mutant {
	return []mutant{
		{"restore.healthy_without_order", "P4", "actors/recovery/restore.go",
			"\tif r.confirmed || suspect {", "\tif true {",
			test(actor, "actors/recovery", "TestRestore_healthyDatabaseWithoutOrderIsRefused")},
		{"restore.unverified_backup_taken", "P4", "actors/recovery/restore.go",
			"\tif !b.GetVerified() || b.GetSha256() == \"\" || b.GetContent() == nil {", "\tif b.GetContent() == nil {",
			test(actor, "actors/recovery", "TestRestore_refusesBackupsThatProveNothing")},
		{"restore.no_backup_before", "P5", "actors/recovery/restore.go",
			"\tif !passing(codeOf(err)) {", "\tif true {",
			test(actor, "actors/recovery", "TestRestore_stopsWhenTheBackupBeforeFails")},
		{"restore.room_not_asked", "P8", "actors/recovery/restore.go",
			"\tif space.FreeBytes < need {", "\tif false {",
			test(actor, "actors/recovery", "TestRestore_withoutRoomToKeepWhatItReplacesStops")},
		{"restore.intent_after_the_deed", "P7", "actors/recovery/golive.go",
			"\t\t{\"note the intent\", (*run).intend},\n\t\t{\"put the database in place\", (*run).overwrite},", "\t\t{\"put the database in place\", (*run).overwrite},\n\t\t{\"note the intent\", (*run).intend},",
			test(actor, "actors/recovery", "TestKill_atEveryStepEndsInOldOrNew")},
		{"restore.result_not_compared", "P4", "internal/sqlite/restore.go",
			"	if err == nil && !got.Equal(*want) {", "	if false {",
			test(files, "internal/sqlite", "TestRestore_ofWhichADiskChangedAByteIsSaid")},
		{"restore.source_not_compared", "P4", "internal/sqlite/restore.go",
			"	if err == nil && !content.Equal(*opts.Want) {", "	if false {",
			test(files, "actors/dbowner", "TestOverwrite_aSourceWithOtherContentThanWantedIsNotWritten")},
		{"restore.journal_not_durable", "P6", "internal/sqlite/exchange.go",
			"\treturn true, syncFile(f)", "\treturn true, nil",
			test(files, "internal/sqlite", "TestRestore_inPlaceByPagesIsOldOrNewWhateverFails")},
		{"restore.name_of_the_journal_not_durable", "P6", "internal/sqlite/exchange.go",
			"\t\terr = x.syncDir()", "\t\terr = nil",
			test(files, "internal/sqlite", "TestRestore_inPlaceByPagesIsOldOrNewWhateverFails")},
		{"restore.pages_cut_off_not_kept", "P6", "internal/sqlite/exchange.go",
			"if x.differs(page) || page > x.wanted && page != x.lockPage() {", "if x.differs(page) {",
			test(files, "internal/sqlite", "TestRestore_inPlaceByPagesIsOldOrNewWhateverFails")},
		{"restore.source_not_hashed", "P4", "internal/sqlite/restore.go",
			"			if err == nil && sum != opts.SHA256 {", "			if err == nil && sum == \"\" {",
			test(files, "actors/dbowner", "TestOverwrite_aSourceWithOtherBytesThanVerifiedIsNotWritten")},
		{"restore.backup_kept_for_the_live_file", "P5", "actors/dbowner/replaced.go",
			"	same, err = r.watch.SameAs(r.ctx, r.message.GetKeptAs())", "	same, err = true, nil",
			test(files, "actors/dbowner", "TestOverwrite_keepsWhatIsLiveAndNotAnOlderBackup")},
		{"restore.commit_after_the_comparison_unseen", "P4", "actors/dbowner/overwrite.go",
			"	return err == nil && now == *r.compared", "	return err == nil && now != mark{}",
			test(files, "actors/dbowner", "TestOverwrite_appThatWritesRightAfterIsTold")},
		{"restore.end_not_durable", "P5", "internal/sqlite/restore.go",
			"\tif weak {", "\tif false {",
			test(files, "internal/sqlite", "TestRestore_overADamagedSchemaOutlivesAPowerCut")},
		{"restore.commit_meanwhile_lost", "P6", "actors/dbowner/overwrite.go",
			"\t\tif err == nil && now != before {\n\t\t\terr = errCommitted", "\t\tif err == nil && now != now {\n\t\t\terr = errCommitted",
			test(actor, "actors/dbowner", "TestOverwrite_commitBetweenUndoCopyAndWriteIsDetected")},
		{"resume.begun_is_called_old", "P7", "actors/recovery/resume.go",
			"\tcase stateStaging:\n\t\treturn r.endOld", "\tcase stateStaging, stateBegun:\n\t\treturn r.endOld",
			test(actor, "actors/recovery", "TestKill_atEveryStepEndsInOldOrNew")},
		{"resume.an_old_order_is_carried_out", "P7", "actors/recovery/resume.go",
			"age <= againWithin", "age >= 0",
			test(actor, "actors/recovery", "TestResume_ofAnOldOrderIsNotCarriedOutAgain")},
		{"vacuum.free_list_not_durable", "P1", "internal/sqlite/upkeep.go",
			"c.db.Exec(`PRAGMA main.synchronous=EXTRA`)", "c.db.Exec(`PRAGMA main.synchronous=FULL`)",
			test(files, "internal/sqlite", "TestVacuum_outlivesAPowerCutRightAfterIt")},
	}
}

// parsed: files are untrusted (P12).
func parsed() []mutant {
	return []mutant{
		{"salvage.like_the_backup_in_part", "P12", "internal/salvage/twin.go",
			"!byBits(v, was.values[i]) {\n\t\t\treturn false, false", "!byBits(v, was.values[i]) {\n\t\t\treturn i > 0, false",
			test(files, "internal/sqlite/rebuild", "TestRecover_confirmsWhatTheOlderCopyHasJustSo")},
		{"salvage.page_not_compared_with_the_backup", "P12", "internal/salvage/twin.go",
			"!w.base.read(n, w.page) || !bytes.Equal(w.page, b)", "!w.base.read(n, w.page) || bytes.Equal(w.page[:0], b[1:])",
			test(files, "internal/sqlite/rebuild", "TestRecover_confirmsWhatTheOlderCopyHasJustSo")},
		{"salvage.doubted_rows_patched_over", "P12", "internal/sqlite/rebuild/patch.go",
			"case r.Doubt != \"\" ||", "case r.Doubt == \"never\" ||",
			test(files, "internal/sqlite/rebuild", "TestRecover_patchesNothingWhereMoreIsWrong")},
		{"salvage.lost_rows_patched_in", "P12", "internal/sqlite/rebuild/patch.go",
			"gone := append(p.lost[:len(p.lost):len(p.lost)], p.nobody...)", "gone := p.nobody",
			test(files, "internal/sqlite/rebuild", "TestRecover_deletesWhatIsLostWithItsPages")},
		{"recovery.table_lost_for_an_index", "P4", "internal/sqlite/rebuild/inplace.go",
			"if made.holds(s.tables) != nil {", "if made.holds(s.tables) == nil && len(s.names) == 0 {",
			test(files, "internal/sqlite/rebuild", "TestReindex_makesIndexesAnewInPlace")},
		{"salvage.negative_rowids_left_out", "P12", "internal/salvage/walk.go",
			"v: v, since: math.MinInt64}", "v: v, since: math.MinInt64 >> 63}",
			test(files, "internal/sqlite/rebuild", "TestRecover_keepsNegativeRowids")},
		{"salvage.file_vouched_for_by_log", "P12", "internal/salvage/grade.go",
			"\treturn f != 0 && !changed && (f > 1 || s.log.begun)", "\treturn !changed && (f != 1 || s.log.begun)",
			test(files, "internal/sqlite/rebuild", "TestRecover_isConfirmedByALogThatBelongsToItsFile")},
		{"wal.salt_not_compared", "P12", "internal/page/wal.go",
			"\tif f.Salt != h.Salt {", "\tif false {",
			test(core, "internal/page", "TestRule_isNamedWhenItIsBroken|TestReadWAL")},
		{"wal.sum_not_compared", "P12", "internal/page/wal.go",
			"\tif s != f.Sum {", "\tif false {",
			test(core, "internal/page", "TestRule_isNamedWhenItIsBroken|TestReadWAL")},
		{"wal.uncommitted_frames_count", "P12", "internal/page/wal.go",
			"\tw.index = w.index[:committed].sorted()", "\tw.index = w.index[:max(committed, len(w.index))].sorted()",
			test(core, "internal/page", "TestReadWAL_holdsTheLastCommit|TestReadWAL_whenItIsCutShort")},
		{"read.fifo_is_opened", "P12", "internal/fsx/files.go",
			"\tif !info.Mode().IsRegular() {\n\t\treturn nil, fault.New(fault.Refused, op, \"not a regular file but %s\", KindOf(info.Mode()))\n\t}\n\tif info.Size() > maxBytes {", "\tif info.Size() > maxBytes {",
			test(files, "internal/fsx", "TestReadLimited_refusesWhatIsNoSmallFile|TestReadLimited_refusesAFIFOInsteadOfHanging")},
		{"manifest.any_path", "P13", "internal/manifest/codec.go",
			"p, ok := ParseFileName(e.File); !ok || p.ID != e.ID || p.Tier != e.Tier", "p, ok := ParseFileName(e.File); !ok && p.ID == e.ID",
			test(core, "internal/manifest", "TestParse_refuses")},
		{"intent.any_path", "P12", "actors/recovery/journal.go",
			"\t\tif !plainName(name) {", "\t\tif false {",
			test(actor, "actors/recovery", "FuzzParseRecord")},
	}
}

// kept: a defect of one part is not the end (P11).
func kept() []mutant {
	return []mutant{
		{"guard.asker_not_answered", "P11", "internal/kit/props.go",
			"\tif env.Sender == nil || (b != nil && b.failed(f)) {", "\tif true {",
			test(core, "internal/kit", "TestGuard_answersTheAskerAndRestarts")},
		{"guard.answered_twice", "P11", "internal/kit/base.go",
			"\tif r == nil || r.done {", "\tif r == nil {",
			test(core, "internal/kit", "TestGuard|TestBaseAsk|TestAsk")},
		{"events.gap_not_seen", "P11", "internal/journal/journal.go",
			"\tcase l.Sequence > expected:", "\tcase false:",
			test(core, "internal/journal", "TestRead_namesWhatWasDone")},
		{"parent.never_gone", "P11", "internal/process/parent_linux.go",
			"gone = err == nil && n == 1 && state[0].Revents&unix.POLLIN != 0", "gone = err == nil && n == 2",
			test(files, "internal/process", "TestParent_goneIsSeenAtOnceThoughSomebodyHoldsThePipe|TestParent_ofAnotherPIDIsSeenToo")},
	}
}

// guarded: the API lets nobody in, and no client names a path (P13).
func guarded() []mutant {
	return []mutant{
		{"api.any_token", "P13", "internal/control/gate.go",
			"\treturn found == 1\n", "\treturn true\n",
			test(api, "internal/control", "TestAccess_isGivenToWhomItIsDue|TestAbuse_isRefused")},
		{"api.without_token", "P13", "internal/control/handler.go",
			"\t\tif a.entered(w, r, n) {", "\t\tif true {",
			test(api, "internal/control", "TestAccess_isGivenToWhomItIsDue|TestAbuse_isRefused")},
		{"api.any_host", "P13", "internal/control/handler.go",
			"\t\tif !n.allowsHost(r.Host) {", "\t\tif false {",
			test(api, "internal/control", "TestAccess|TestAbuse_isRefused")},
		{"api.any_origin", "P13", "internal/control/handler.go",
			"r.Method == http.MethodOptions || http.NewCrossOriginProtection().Check(r) != nil", "r.Method == http.MethodOptions",
			test(api, "internal/control", "TestAccess|TestAbuse_isRefused")},
		{"api.link_works_twice", "P13", "internal/control/gate.go",
			"\tdelete(g.invites, key)\n\tnow := g.now()", "\tnow := g.now()",
			test(api, "internal/control", "TestLogin_isGoodOnceAndForAMinute")},
		{"api.session_for_ever", "P13", "internal/control/gate.go",
			"if now.Sub(s.used) > sessionIdle || now.Sub(s.begun) > sessionMax {", "if false {",
			test(api, "internal/control", "TestGate|TestLogin|TestAccess")},
		{"shelf.any_name", "P13", "internal/shelf/shelf.go",
			"!ok || !filepath.IsLocal(filepath.FromSlash(rel)) {", "!ok && filepath.IsAbs(rel) {",
			test(files, "internal/shelf", "TestPath_refusesEscape")},
		{"shelf.link_followed", "P13", "internal/shelf/shelf.go",
			"\t\tif !info.IsDir() {\n\t\t\treturn fault.New(fault.Refused, op, \"%s is not a folder", "\t\tif false {\n\t\t\treturn fault.New(fault.Refused, op, \"%s is not a folder",
			test(files, "internal/shelf", "TestShelf_plantedSymlinkIsRefused")},
		{"download.link_followed", "P13", "internal/fsx/beneath.go",
			"last != info.Mode().IsRegular() || !last && !info.IsDir()", "last && info.IsDir()",
			test(files, "internal/fsx", "TestOpenBeneath_opensPlainFilesAndNothingElse")},
		{"janitor.takes_others_files", "P7", "internal/shelf/sweep.go",
			"case depth == 0 && ownManifestTemp.MatchString(e.Name()), depth == 2 && ownTemp.MatchString(e.Name()):", "case depth == 0 && e.Name() != manifestName, depth == 2 && ownTemp.MatchString(e.Name()):",
			test(files, "internal/shelf", "TestSweep_removesOnlyWhatOfficerNamed")},
	}
}
