package assent

import "time"

// lease is how long a granted claim holds, by the log's clock alone.
//
// The decision on something that was sent at `sent` was made at log time logMS, and not before: so log time now is
// at most logMS and what has passed here since.
type lease struct {
	claim    int64 // its number: the ledger seq of its record
	deadline int64 // log time, ms
	digest   string
	logMS    int64
	sent     time.Time
}

// ends is when the lease may have ended, on this machine's monotonic clock.
func (l lease) ends() time.Time {
	return l.sent.Add(time.Duration(l.deadline-l.logMS) * time.Millisecond)
}

func (l lease) over() bool { return !time.Now().Before(l.ends()) }

// handlerEnds leaves a tenth of what is left of the lease, 10 s at most, for the report.
func (l lease) handlerEnds() time.Time {
	left := time.Until(l.ends())
	return time.Now().Add(left - min(left/10, 10*time.Second))
}
