//go:build mutate

package mutate

// exceptions are the mutants that no test can notice, each with the reason. One
// that a test does notice, or that is no longer there, fails the run.
func exceptions() map[string]string {
	const (
		cannotFail = "the callee cannot fail here: "
		implied    = "the other part implies it: "
		unread     = "the authority's own origin is not read by anything yet"
	)
	return map[string]string{
		`authority.verify: never: if err != nil { return nil, err`: cannotFail + "demands always name one source of time, which is all that NewVerifier asks for",

		`parseBundle: never: if err != nil { found.refused = errors.New("its envelope cannot be decoded")`: cannotFail + "the library encoded the payload itself, from bytes",

		`compiler.parts: always: if err != nil { return parts, err #3`: "what follows returns the same",

		`authority.checkParts: without a.onLegacy.log in a.onLegacy.log || a.onBundles.log`:  implied + "the log of the older format is that of bundles too",
		`authority.checkParts: without a.onBundles.log in a.onLegacy.log || a.onBundles.log`: implied + "bundles alone ask for the log only where the root has one",

		`Verifier.identify: never: if any.onBundles.stamp { any.parts.stamps = root`:  "the root of the log, which is the same, stands in for it",
		`Verifier.identify: always: if any.onBundles.stamp { any.parts.stamps = root`: "the root of the log, which is the same, stands in for it",

		`session.judgeLeaves: without part.disallowed == "" in part.signatures == 0 && len(part.unseen) == 0 && part.disallowed == ""`: implied + "static rules are asked before any leaf",

		`parseKey: never: if err != nil { return publicKey{}, err`:    cannotFail + "the kinds that ValidatePubKey lets through have verifiers",
		`parseKey: never: if err != nil { return publicKey{}, err #2`: cannotFail + "the key was parsed from the same encoding",
		`parseKey: never: if err != nil { return publicKey{}, err #3`: cannotFail + "the key has a verifier for another hash already",
		`parseKey: without err == nil in err == nil && anyHash`:       implied + "without details there is no hash",

		`compiler.authority: never: if compiled.at == (plugin.Origin{}) { compiled.at = policyAt`:  unread,
		`compiler.authority: always: if compiled.at == (plugin.Origin{}) { compiled.at = policyAt`: unread,

		`loadTrustRoots: never: if err != nil { problems = append(problems, fmt.Errorf("loading the embedded trust root: %w", err))`: cannotFail + "the embedded file is the one that the tests read",
		`loadTrustRoots: without problems = append(problems, fmt.Errorf("loading the embedded trust root: %w", err))`:                cannotFail + "the embedded file is the one that the tests read",
	}
}
