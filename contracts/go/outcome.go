package assent

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A handler states by its error what became of a change. Without an error it was applied. An error that is of none of
// these kinds, a panic, and an end of the context leave open what was done: the outcome is then unknown, and people
// settle it.

// Applied is what a handler can state of a change that it has made. Both may be empty.
type Applied struct {
	Message string // for people; the requester sees it
	// Version is the version of the object that the change made, as the target names it: an ETag, a commit. It is 1 to
	// 256 printable ASCII characters without spaces.
	Version string
}

type kind int

const (
	kindRetryable kind = iota + 1
	kindFinal
	kindUnknown
)

type outcomeError struct {
	kind  kind
	cause error
	after time.Duration
}

func (e *outcomeError) Error() string { return e.cause.Error() }
func (e *outcomeError) Unwrap() error { return e.cause }

// Retryable means that nothing was changed, and that it may work if the handler is called again. It is called again
// while its time lasts; then the outcome is that it failed.
func Retryable(err error) error { return RetryableAfter(err, 0) }

// RetryableAfter means the same, and that the handler is to be called after this time at the earliest.
func RetryableAfter(err error, wait time.Duration) error {
	return &outcomeError{kindRetryable, err, wait}
}

// Final means that nothing was changed, and that it will not work: the request has failed, and the requester sees
// the error's text.
func Final(err error) error { return &outcomeError{kindFinal, err, 0} }

// Unknown means that it is not known whether the change was made. It is never tried again: people settle it, and see
// the error's text.
func Unknown(err error) error { return &outcomeError{kindUnknown, err, 0} }

// answer is the outcome that a handler's error names; nil if it names none.
func answer(err error) *outcomeError {
	var named *outcomeError
	if errors.As(err, &named) {
		return named
	}
	return nil
}

// outcome is what is reported of a change.
type outcome struct {
	result  Result
	message string // for people; it is on the ledger for good
	version string
	claim   int64  // the number of the claim under which it was applied; -1 if it is not known
	detail  string // what else OnHandled is told
}

// outcomeOf is what a handler's answer means. cutOff: an earlier call may have been cut off after it had changed the
// target, of which a later call's error states nothing.
func outcomeOf(applied Applied, err error, cutOff bool) outcome {
	if err == nil {
		return succeeded(applied)
	}
	named := answer(err)
	switch {
	case named == nil:
		// The text of an error that is not an answer may hold what the ledger must not keep.
		return outcome{
			result: UnknownOutcome, detail: err.Error(),
			message: "The applier's handler failed, and it is not known whether the change was made. Its log has the details.",
		}
	case named.kind == kindUnknown:
		return outcome{result: UnknownOutcome, message: err.Error()}
	case cutOff:
		return outcome{
			result: UnknownOutcome, message: "An earlier try was cut off and may have changed the target. " + err.Error(),
		}
	default:
		return outcome{result: Failed, message: "Nothing was changed: " + err.Error()}
	}
}

func succeeded(applied Applied) outcome {
	made := outcome{result: Succeeded, message: applied.Message, version: applied.Version}
	if applied.Version != "" && !isIdentifier(applied.Version, versionMaxChars) {
		made.version = ""
		made.message = strings.TrimSpace(fmt.Sprintf("%s The version that it made is not reported, because it is not 1 to %d"+
			" printable ASCII characters without spaces.", applied.Message, versionMaxChars))
	}
	return made
}

// forPeople is what OnHandled is told of it.
func (o outcome) forPeople() string {
	if o.detail == "" {
		return o.message
	}
	return o.message + " " + o.detail
}

const messageMaxChars = 4096

// printable is a message as the ledger takes it: without control characters but line breaks and tabs, not too long.
func printable(message string) string {
	clean := strings.Map(func(char rune) rune {
		if unicode.IsControl(char) && !strings.ContainsRune("\n\r\t", char) {
			return ' '
		}
		return char
	}, strings.ToValidUTF8(message, "\uFFFD"))
	if utf8.RuneCountInString(clean) <= messageMaxChars {
		return clean
	}
	return string([]rune(clean)[:messageMaxChars-1]) + "…"
}
