// Package wire holds the protobuf messages of Spark Connect that package spark speaks, wire compatible with
// Spark 4.2: the field numbers are Spark's, and a test compares every field with the .proto files inside Spark's jar.
// The messages live under a protobuf package and file names of our own, so a program may link any other Spark Connect
// client too. Most programs need only package spark; tests that script a server build these messages.
package wire

//go:generate go -C ../../tools run ./protogo -root .. spark/wire/types.proto spark/wire/expressions.proto spark/wire/relations.proto spark/wire/commands.proto spark/wire/base.proto
