//go:build mutate

package mutate

// exceptions are the mutants that no test can notice, each with the reason. One
// that a test does notice, or that is no longer there, fails the run.
func exceptions() map[string]string {
	const (
		cannotFail = "the callee cannot fail here: "
		implied    = "the other part implies it: "
	)
	return map[string]string{
		`authority.verify: never: if err != nil { return nil, err`: cannotFail + "demands always name one source of time, which is all that NewVerifier asks for",

		`parseBundle: never: if err != nil { found.refused = errors.New("its envelope cannot be decoded")`: cannotFail + "the library encoded the payload itself, from bytes",

		`parseKey: never: if err != nil { return publicKey{}, err`:    cannotFail + "the kinds that ValidatePubKey lets through have verifiers",
		`parseKey: never: if err != nil { return publicKey{}, err #2`: cannotFail + "the key was parsed from the same encoding",
		`parseKey: never: if err != nil { return publicKey{}, err #3`: cannotFail + "the key has a verifier for another hash already",
		`parseKey: without err == nil in err == nil && anyHash`:       implied + "without details there is no hash",

		`loadTrustRoots: never: if err != nil { problems = append(problems, fmt.Errorf("loading the embedded trust root: %w", err))`: cannotFail + "the embedded file is the one that the tests read",
		`loadTrustRoots: without problems = append(problems, fmt.Errorf("loading the embedded trust root: %w", err))`:                cannotFail + "the embedded file is the one that the tests read",
	}
}
