// Package mutate holds a test of the tests: it takes each check of a package
// away in turn and wants a test to turn red.
//
// A check is a decision: a condition, a case, one part of a condition, a
// default, a loop, an error that is handed on, or a statement that keeps what
// was found. Its mutants decide it without looking: a condition never holds, or
// always; a part of it is left out; the error is nil; the statement is not
// executed. All mutants are woven into one copy of the package, where each
// waits for its number in the environment; so the test binary is built once,
// by an overlay that leaves the tree alone, and run once for each.
//
// What no test notices fails the run, unless the table of exceptions says why
// nobody could notice it.
package mutate
