package backup

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// proof is what a look at one file found. No findings = it passed.
type proof struct {
	sha256     string
	seal       uint64 // of a copy that was just made
	sizeBytes  int64
	content    manifest.Content
	findings   []check.Finding
	damaged    bool   // findings of integrity among them, not only another content
	cannotTell string // what integrity could not judge, in one sentence
	took       time.Duration
	engine     check.Engine // who checked it, "" = nobody
	reason     string       // why that was SQLite
}

// examine reads a file back from the device and judges it: hash, integrity, and each
// table's rows against want. The error is for what says nothing about the file.
func (b *backup) examine(ctx context.Context, file string, want manifest.Content) (p proof, err error) {
	start := time.Now()
	if p.sha256, p.sizeBytes, err = b.cfg.Shelf.Hash(ctx, file); err != nil {
		return p, err
	}
	err = b.check(ctx, file, want, &p)
	p.took = time.Since(start)
	return p, err
}

// examineCopy is examine for a copy that was just made (promise P1). Where it has a seal
// that tells whether the device holds what was written; the hash is of what it gave back.
func (b *backup) examineCopy(ctx context.Context, temp string, r *messages.CopyReport, want manifest.Content) (p proof, err error) {
	if r.GetSeal() == 0 {
		p, err = b.examine(ctx, temp, want)
	} else {
		p, err = b.readBack(ctx, temp, want)
	}
	if err == nil {
		p.findings = append(p.findings, unlike(p, r)...)
	}
	return p, err
}

// readBack has the copy checked beside its way back from the device.
func (b *backup) readBack(ctx context.Context, temp string, want manifest.Content) (p proof, err error) {
	start := time.Now()
	var checked error
	got, err := b.cfg.Shelf.ReadBack(ctx, temp, func() { checked = b.check(ctx, temp, want, &p) })
	p.seal, p.sha256, p.sizeBytes = got.Seal, got.SHA256, got.SizeBytes
	p.took = time.Since(start)
	return p, cmp.Or(err, checked)
}

// check opens a file and judges what it holds.
func (b *backup) check(ctx context.Context, file string, want manifest.Content, p *proof) error {
	report, have, err := b.cfg.Verifier.Verify(ctx, file, want)
	switch {
	case fault.IsDamage(err):
		report.Verdict = check.Damaged
		report.Findings = append(report.Findings, check.Finding{Kind: "structure", Detail: sentence(err)})
	case fault.CodeOf(err) == fault.CannotJudge:
		report.Verdict = check.CannotJudge
		report.Findings = append(report.Findings, check.Finding{Kind: "module", Detail: sentence(err)})
	case err != nil:
		return err
	}
	p.content, p.engine, p.reason = have, report.Engine, report.Reason
	switch report.Verdict {
	case check.CannotJudge:
		if have.SchemaDigest == "" {
			return fault.New(fault.CannotJudge, "verify", "nothing in the copy can be read here: %s", told(report.Findings[:min(1, len(report.Findings))]))
		}
		// A missing module or collation is not damage; the equal content still counts.
		p.cannotTell = "integrity could not be judged: " + told(report.Findings)
	case check.Damaged:
		p.findings = slices.Clone(report.Findings)
		if len(p.findings) == 0 {
			p.findings = []check.Finding{{Kind: "structure", Detail: "the integrity check failed"}}
		}
	default:
		p.findings = contentOnly(report.Findings)
	}
	p.damaged = len(contentOnly(p.findings)) < len(p.findings)
	if !p.damaged && len(p.findings) == 0 {
		p.findings = differences(want, have)
	}
	return nil
}

func contentOnly(all []check.Finding) []check.Finding {
	var out []check.Finding
	for _, f := range all {
		if f.Kind == "content" {
			out = append(out, f)
		}
	}
	return out
}

// differences names every table of want that is not the same in have, and tables that
// want does not know. A want without schema digest is unknown: nothing to compare.
func differences(want, have manifest.Content) []check.Finding {
	if want.SchemaDigest == "" {
		return nil
	}
	var out []check.Finding
	add := func(object, format string, args ...any) {
		out = append(out, check.Finding{Kind: "content", Object: object, Detail: fmt.Sprintf(format, args...)})
	}
	there := map[string]manifest.Table{}
	for _, t := range have.Tables {
		t.Name = strings.ToValidUTF8(t.Name, "?") // as the manifest and messages have it
		there[t.Name] = t
	}
	for _, w := range want.Tables {
		w.Name = strings.ToValidUTF8(w.Name, "?")
		h, ok := there[w.Name]
		delete(there, w.Name)
		switch {
		case !ok:
			add(w.Name, "the table is missing")
		case h.Rows != w.Rows:
			add(w.Name, "%d rows instead of %d", h.Rows, w.Rows)
		case h.Digest != w.Digest:
			add(w.Name, "holds other values than the snapshot did")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		add(name, "the table was not in the snapshot")
	}
	if have.SchemaDigest != want.SchemaDigest {
		add("schema", "the schema is not that of the snapshot")
	}
	return out
}

// unlike says in what a copy that was read back is not what the owner wrote. Equal bytes
// are equal content: then nobody has to digest the snapshot.
func unlike(p proof, r *messages.CopyReport) (list []check.Finding) {
	differs := func(format string, args ...any) {
		list = append(list, check.Finding{Kind: "content", Detail: fmt.Sprintf(format, args...)})
	}
	if p.sizeBytes != r.GetSizeBytes() {
		differs("the file has %d bytes instead of %d", p.sizeBytes, r.GetSizeBytes())
	}
	switch {
	case r.GetSeal() != p.seal, r.GetSha256() != "" && r.GetSha256() != p.sha256:
		differs("the file read back does not hold the bytes that were written")
	case r.GetSeal() == 0 && r.GetSha256() == "" && r.GetContent().GetSchemaDigest() == "":
		differs("it is not known what the snapshot held")
	}
	return list
}
