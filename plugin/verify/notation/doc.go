// Package notation checks signatures of the Notary Project (Notation, JWS and
// COSE envelopes) by trust policy documents and trust stores in Notation's own
// formats. It makes no evidence and reads no registry: plugin/verify hands it
// the envelopes that lie beside an image, and asks one [Statement] about each.
//
// The checks are notation-go's. Not used of it: its plugins, its registry
// client, its trust store on disk and its clock. What a statement logs instead
// of enforcing is told as a note; what asks for no authenticity at all is
// refused when it is read.
package notation
