// Package wire holds the protobuf messages of Spark Connect that package connect speaks, wire compatible with
// Spark 4.2: the field numbers are Spark's, and a test compares every field with the .proto files inside Spark's jar.
// The messages live under a protobuf package and file names of our own, so a program may link any other Spark Connect
// client too. Most programs need only package connect; tests that script a server build these messages.
package wire

//go:generate go -C ../../../tools run ./protogo -root .. sparkjob/connect/wire/types.proto sparkjob/connect/wire/expressions.proto sparkjob/connect/wire/relations.proto sparkjob/connect/wire/commands.proto sparkjob/connect/wire/base.proto
