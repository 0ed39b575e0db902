// What a program in Go does with the client that oapi-codegen makes.
package made

import (
	"bytes"
	"context"
)

// RelaySigned sends bytes as they were signed, and returns the request's log time, in ms.
func RelaySigned(ctx context.Context, client *ClientWithResponses, value []byte, key, signature string) (int64, error) {
	headers := &RelayCommandParams{AssentKey: &key, AssentSignature: &signature}
	answer, err := client.RelayCommandWithBodyWithResponse(
		ctx, headers, "application/octet-stream", bytes.NewReader(value))
	if err != nil || answer.JSON201 == nil {
		return 0, err
	}
	return answer.JSON201.At, nil
}
