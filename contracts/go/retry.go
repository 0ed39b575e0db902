package assent

import (
	"context"
	"errors"
	"time"
)

const (
	retryFirst = 200 * time.Millisecond
	retryMost  = 30 * time.Second
)

// retrying does something until it succeeds, the context ends, or what was read of the log no longer counts.
func retrying(ctx context.Context, do func() error) error {
	for pause := retryFirst; ; pause = min(2*pause, retryMost) {
		err := do()
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrLogDiffers) || errors.Is(err, ErrLossAccepted) {
			return err
		}
		if !sleep(ctx, pause) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// sleep reports whether the time has passed before the context ended.
func sleep(ctx context.Context, duration time.Duration) bool {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
