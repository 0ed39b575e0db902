package assent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestALogThatWasCutIsNotActedOn(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	request := submitted(ctx, f, "app/payroll")
	a.runUntil(ctx, request, Succeeded)
	// The same log, as it was before.
	cut := newFakeLog(t, time.Minute)
	if cut.identity != f.identity {
		t.Fatal("it is another log")
	}
	again := cut.applier(ctx, a.StateDir)
	if err := again.Run(ctx); !errors.Is(err, ErrLogDiffers) {
		t.Fatal(err)
	}
}

func TestAfterAnAcceptedLossItStartsAgainAndGoesByTheLoss(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	first := submitted(ctx, f, "app/payroll")
	a.runUntil(ctx, first, Succeeded)
	running := f.applier(ctx, t.TempDir())
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	if _, err := running.Log.track(ctx); err != nil {
		t.Fatal(err)
	}
	f.lose()
	// What was claimed is given up: the release waits again.
	second := submitted(ctx, f, "app/payroll")
	if err := <-ended; !errors.Is(err, ErrLossAccepted) {
		t.Fatal(err)
	}
	again := f.applier(ctx, a.StateDir)
	stop := again.run(ctx)
	again.until(second, Succeeded)
	again.until(first, Succeeded)
	stop()
}

func TestALedgerOfWhichLessCountsThanBeforeIsNotActedOn(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	request := submitted(ctx, f, "app/payroll")
	a.runUntil(ctx, request, Succeeded)
	j, err := openJournal(a.StateDir, f.identity)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := j.heads()
	if err != nil {
		t.Fatal(err)
	}
	for partition, head := range kept {
		head.Head.Seq += 5
		kept[partition] = head
	}
	if err := j.keepHeads(kept); err != nil {
		t.Fatal(err)
	}
	j.close()
	again := f.applier(ctx, a.StateDir)
	if err := again.Run(ctx); !errors.Is(err, ErrLogDiffers) || !strings.Contains(err.Error(), "no longer counts") {
		t.Fatal(err)
	}
}

func TestAStateFolderOfThePythonClientIsRefused(t *testing.T) {
	f, folder := newFakeLog(t, time.Minute), t.TempDir()
	first, err := openJournal(folder, f.identity)
	if err != nil {
		t.Fatal(err)
	}
	first.close()
	if err := os.WriteFile(filepath.Join(first.folder, "journal"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(folder, f.identity); err == nil || !strings.Contains(err.Error(), "Python client") {
		t.Fatal(err)
	}
}

func TestAStateFolderHasOneApplier(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	first, err := openJournal(t.TempDir(), f.identity)
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	a := f.applier(ctx, filepath.Dir(first.folder))
	if err := a.Run(ctx); err == nil || !strings.Contains(err.Error(), "a state folder of its own") {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(first.folder, "identity"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	first.close()
	if err := a.Run(ctx); err == nil || !strings.Contains(err.Error(), "belongs to another log") {
		t.Fatal(err)
	}
}
