//go:build services

package spark

import "google.golang.org/protobuf/proto"

// Wire is the message that a description not yet sent has built up.
func Wire(of any) proto.Message {
	switch of := of.(type) {
	case *Reader:
		return of.Load().relation
	case *StreamWriter:
		return of.start
	case *Writer:
		return of.operation
	case Column:
		return of.expression
	}
	return nil
}
