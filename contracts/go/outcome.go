package assent

import (
	"errors"
	"strings"
	"unicode"
)

// A handler states by its error what became of a change. Without an error it was applied. An error that is of none of
// these kinds, a panic, and an end of the context leave open what was done: the outcome is then unknown, and people
// settle it.

type kind int

const (
	kindRetryable kind = iota + 1
	kindFinal
	kindUnknown
)

type outcomeError struct {
	kind  kind
	cause error
}

func (e *outcomeError) Error() string { return e.cause.Error() }
func (e *outcomeError) Unwrap() error { return e.cause }

// Retryable means that nothing was changed, and that it may work if the handler is called again. It is called again
// until the lease ends; then the outcome is that it failed.
func Retryable(err error) error { return &outcomeError{kindRetryable, err} }

// Final means that nothing was changed, and that it will not work: the request has failed, and the requester sees
// the error's text.
func Final(err error) error { return &outcomeError{kindFinal, err} }

// Unknown means that it is not known whether the change was made. It is never tried again: people settle it.
func Unknown(err error) error { return &outcomeError{kindUnknown, err} }

func kindOf(err error) kind {
	var of *outcomeError
	if errors.As(err, &of) {
		return of.kind
	}
	return kindUnknown
}

// outcome is what is reported of a change.
type outcome struct {
	result  Result
	message string
	claim   int64 // the number of the claim under which it was applied; -1 if it is not known
}

func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return outcome{result: Succeeded, message: ""}
	case kindOf(err) == kindUnknown:
		return outcome{result: UnknownOutcome, message: err.Error()}
	default:
		return outcome{result: Failed, message: "Nothing was changed: " + err.Error()}
	}
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
	runes := []rune(clean)
	if len(runes) <= messageMaxChars {
		return clean
	}
	return string(runes[:messageMaxChars-1]) + "…"
}
