// Package inplace writes what hardening would fill in into the author's own
// source, for teams who want the settings in Git: as lines in plain manifests,
// as a component beside a kustomization. A chart's templates cannot be written
// into; its settings are listed.
//
// The hardener decides, the same as in the gate. Nothing is written on trust:
// the source is rendered and hardened again with the new files in front of the
// old ones, and must then give the objects that it gave before, with nothing
// left to fill in where something was written.
package inplace
