// Package assent is a client of Assent: it submits signed commands, reads the ledger through the acceptance
// rule, and applies released changes, each once.
//
// [Connect] follows governance. A [Publisher] sends commands and returns their decisions, a [LedgerReader]
// returns the records that count, and an [Applier] claims what is released, runs a handler and reports the
// outcome. The formats are those of the contracts' README; the package is tested against contracts/vectors.
//
// It believes what a listed writer has sealed. Unlike the Python client it does not check, by the decider's
// rules, that signed commands have led to a release: see this folder's README for what follows from that.
package assent
