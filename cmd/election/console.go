package main

import "io"

// console is where commands read answers from and write to.
type console struct {
	In       io.Reader
	Out, Err io.Writer
}
