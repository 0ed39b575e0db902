//go:build unix

// Apply writes the payload of each released change into a file. CRASH lets it kill itself (SIGKILL) in the handler,
// before or after the file is written; started again without it, it continues from its journal.
//
//	eval "$(assent env)"
//	ASSENT_KEY_FILE=keys/applier.key ASSENT_STATE=state ASSENT_TARGET=target go run ./examples/apply
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	assent "assent/contracts/go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ledger := must(assent.Connect(ctx, must(assent.ConfigFromEnv())))
	defer ledger.Close()
	applier := assent.Applier{
		Log: ledger, Key: must(assent.LoadKey(os.Getenv("ASSENT_KEY_FILE"))), StateDir: os.Getenv("ASSENT_STATE"),
		Handle:    write,
		OnHandled: func(handled assent.Handled) { fmt.Println(handled.Result, handled.Request, handled.Detail) },
	}
	if err := applier.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// write is called again after a crash: the name of the file is the change's, and a file that is there is complete.
func write(_ context.Context, change assent.Change) (assent.Applied, error) {
	crashAt("before")
	path := filepath.Join(os.Getenv("ASSENT_TARGET"), change.Submission)
	made := assent.Applied{Version: "sha256:" + change.Digest}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return made, err
	}
	if err := os.WriteFile(path+".new", change.Payload, 0o600); err != nil {
		return made, assent.Retryable(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return made, assent.Unknown(err)
	}
	crashAt("after")
	return made, nil
}

func crashAt(point string) {
	if os.Getenv("CRASH") == point {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
