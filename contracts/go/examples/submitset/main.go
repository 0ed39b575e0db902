// Submitset asks for the same change to several objects, approved as one, and waits until all of them have ended.
//
//	eval "$(assent env)"
//	ASSENT_KEY_FILE=keys/device-config.key go run ./examples/submitset script/release-12 script/a.sh script/b.sh
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
	publisher := must(assent.NewPublisher(ctx, ledger, key, "/examples/submitset"))
	defer publisher.Close()
	set := assent.Set{Name: os.Args[1], Justification: "All or none."}
	for _, object := range os.Args[2:] {
		change := assent.SetChange{Resource: object, Operation: "edit", Payload: []byte(`"echo hello"`)}
		set.Changes = append(set.Changes, change)
	}
	submitted := must(publisher.SubmitSet(ctx, set))
	fmt.Println(submitted.Request, submitted.Members)
	end := must(publisher.WaitApplied(ctx, submitted.Request))
	fmt.Println(end.Status, end.By, end.Message)
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
