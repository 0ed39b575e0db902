// Submit asks for a change, releases it once it is approved, and waits until it has ended.
//
//	eval "$(assent env)"
//	ASSENT_KEY_FILE=keys/device-config.key go run ./examples/submit script/hello.sh '"echo hello"'
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	assent "assent/contracts/go"
)

func main() {
	ctx := context.Background()
	ledger := must(assent.Connect(ctx, must(assent.ConfigFromEnv())))
	defer ledger.Close()
	key := must(assent.LoadKey(os.Getenv("ASSENT_KEY_FILE")))
	publisher := must(assent.NewPublisher(ctx, ledger, key, "/examples/submit"))
	defer publisher.Close()
	decision := must(publisher.Submit(ctx, assent.Submission{
		Resource: os.Args[1], Operation: "edit", Justification: "An example.", Payload: []byte(os.Args[2]),
		Details: assent.Details{Expected: "The target has the payload.", Tickets: []string{"CHG-1"}},
	}))
	fmt.Println(decision.Request())
	end := must(publisher.WaitApplied(ctx, decision.Request()))
	fmt.Println(end.Status, end.By, end.Version)
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
